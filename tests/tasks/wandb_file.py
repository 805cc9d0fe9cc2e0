"""Reads a `.wandb` file without wandb's own reader: 7 bytes of header, then LevelDB's log format."""

import json
import struct
from collections.abc import Iterator
from pathlib import Path
from typing import Any

BLOCK = 32 * 1024
HEADER = 7
WHOLE, FIRST, MIDDLE, LAST = 1, 2, 3, 4


def records(path: Path) -> Iterator[Any]:
    """Every record of the file, as wandb's protobuf message `Record`."""
    from wandb.proto.wandb_internal_pb2 import Record

    for data in chunks(path.read_bytes()):
        record = Record()
        record.ParseFromString(data)
        yield record


def chunks(data: bytes) -> Iterator[bytes]:
    """A record lies in one block, or in pieces in several; what is too short for a header ends a block."""
    assert data[:4] == b":W&B", data[:HEADER]
    at, pieces = HEADER, b""
    while at + HEADER <= len(data):
        left = BLOCK - at % BLOCK
        if left < HEADER:
            at += left
            continue
        _, length, kind = struct.unpack("<IHB", data[at : at + HEADER])
        pieces += data[at + HEADER : at + HEADER + length]
        at += HEADER + length
        if kind in (WHOLE, LAST):
            yield pieces
            pieces = b""
        else:
            assert kind in (FIRST, MIDDLE), kind
    assert not pieces, "the file ends within a record"


def items(updates: Any) -> dict[str, Any]:
    """A name may be nested: its parts are joined by a dot."""
    return {item.key or ".".join(item.nested_key): json.loads(item.value_json) for item in updates}
