"""Mixers that a proposal brings along: the text of their files, taken into the setup as it is read.

So the text is frozen and hashed with the registration, and travels with every request: nobody has to find the file.
"""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from models.code_version import parsed
from proposals.reading.measured import Complaint

LARGEST = 100_000
"""Bytes."""
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]*\.py")


def fill_in(data: dict[str, Any], folder: Path) -> Iterator[Complaint]:
    """Put the text of each own mixer's file into `data`, the setup block as plain data. What is no own mixer, or
    misshapen, is left to whoever validates it."""
    variants = data.get("variants")
    for name, variant in variants.items() if isinstance(variants, dict) else ():
        if not isinstance(variant, dict) or variant.get("mixer") != "own":
            continue
        here = ("variants", name)
        if "source" in variant:
            yield Complaint((*here, "source"), "`source` is taken from the mixer's file when it is read", "Delete it")
        elif isinstance(file := variant.get("file"), str):
            text, wrong, remedy = _text_of(file, folder)
            if wrong:
                yield Complaint((*here, "file"), wrong, remedy)
            variant["source"] = text


def _text_of(file: str, folder: Path) -> tuple[str, str, str]:
    """Text, what is wrong, and what to do about it."""
    if not _NAME.fullmatch(file):
        return "", f"`{file[:60]}` is no name of a Python file beside the proposal", "Write a name such as my_mixer.py"
    path = folder / file
    if not path.is_file():
        return "", f"there is no file {file} beside the proposal", f"Put it into {folder}"
    if path.resolve().parent != folder.resolve():
        return "", f"{file} leads to another folder", f"Put the file itself into {folder}"
    size = path.stat().st_size
    if size > LARGEST:
        return "", f"{file} has {size:,} bytes, and a mixer may have {LARGEST:,}", "Leave out what it does not need"
    try:
        text = path.read_bytes().decode("utf-8")
        parsed(text)
    except UnicodeDecodeError as fault:
        return "", f"{file} is not UTF-8: byte {fault.start} is 0x{fault.object[fault.start]:02x}", "Save it as UTF-8"
    except (SyntaxError, ValueError) as fault:  # a zero byte is a ValueError
        where = f" in line {fault.lineno}" if isinstance(fault, SyntaxError) and fault.lineno else ""
        return "", f"{file} is no Python{where}: {getattr(fault, 'msg', fault)}", "Correct the file"
    return text, "", ""
