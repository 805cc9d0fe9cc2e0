"""What an edit changed of a frozen specification, field by field, and whether results had been seen by then."""

import hashlib
import json
from collections.abc import Iterator
from typing import Any

from pydantic import BaseModel, ConfigDict

from proposals.spec import Registration


class Amendment(BaseModel):
    """`field`: dotted, such as `criteria.S1.canonical` or `setup.seeds`. before, after: as in the specification's
    JSON; None where the field does not exist, or is null."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    field: str
    before: Any
    after: Any
    results_seen: bool

    def __str__(self) -> str:
        seen = ", after results had been seen" if self.results_seen else ""
        return f"{self.field}: {shown(self.field, self.before)} -> {shown(self.field, self.after)}{seen}"


def amendments(before: Registration, after: Registration, results_seen: bool) -> tuple[Amendment, ...]:
    """How `after` differs from what was registered before."""
    return tuple(
        Amendment(
            field=field,
            before=None if old is None else json.loads(old),
            after=None if new is None else json.loads(new),
            results_seen=results_seen,
        )
        for field, old, new in differences(before.canonical_json, after.canonical_json)
    )


def differences(before_json: str, after_json: str) -> list[tuple[str, str | None, str | None]]:
    """Field by field, as (dotted path, JSON before, JSON after); None where the field does not exist.

    Criteria go by their id (`criteria.S1.canonical`), other lists are compared whole.
    """
    return list(_differences("", _by_id(json.loads(before_json)), _by_id(json.loads(after_json))))


def summary(source: str) -> str:
    """ "40 lines, SHA-256 1a2b3c4d5e6f"."""
    return f"{len(source.splitlines())} lines, SHA-256 {hashlib.sha256(source.encode()).hexdigest()[:12]}"


def _by_id(spec: dict[str, Any]) -> dict[str, Any]:
    return {**spec, "criteria": {criterion["id"]: criterion for criterion in spec["criteria"]}}


_ABSENT = object()


def _differences(path: str, before: Any, after: Any) -> Iterator[tuple[str, str | None, str | None]]:
    if isinstance(before, dict) and isinstance(after, dict):
        for name in [*before, *(name for name in after if name not in before)]:
            inner = f"{path}.{name}" if path else name
            yield from _differences(inner, before.get(name, _ABSENT), after.get(name, _ABSENT))
    elif before is _ABSENT or after is _ABSENT or _text(before) != _text(after):
        yield path, _json(before), _json(after)


def _json(value: Any) -> str | None:
    return None if value is _ABSENT else _text(value)


def _text(value: Any) -> str:
    """Equal values give equal text."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)


def shown(field: str, value: Any) -> str:
    """A value for people; the file of an own mixer by its length and hash."""
    if value is None:
        return "nothing"
    if field.endswith(".mixer.source"):
        return f"own mixer's file, {summary(value)}"
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
