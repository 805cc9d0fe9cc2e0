"""Reading measurements from elsewhere, and refusing what is none."""

import json
from pathlib import Path

import pytest

from proposals.errors import ProposalError, UnreadableError
from proposals.judging import files, read_measurements

FINE = {"variant": "ours", "seed": 0, "metric": "test_accuracy", "value": 0.9}


def written(folder: Path, content: object) -> Path:
    path = folder / "measurements.json"
    path.write_bytes(content if isinstance(content, bytes) else json.dumps(content).encode())
    return path


def test_what_is_read(tmp_path: Path) -> None:
    found = read_measurements(written(tmp_path, [FINE, {**FINE, "seed": 1, "condition": {"length": 512}}]))
    assert [(one.seed, one.value, one.condition) for one in found] == [
        (0, 0.9, {}),
        (1, 0.9, {"length": 512}),
    ]


@pytest.mark.parametrize("value", ["null", "NaN", '"nan"', '"NaN"', "Infinity", "-Infinity", '"-inf"', "1e999"])
def test_not_a_number_is_not_measured(tmp_path: Path, value: str) -> None:
    text = json.dumps([{**FINE, "value": 0}]).replace('"value": 0', f'"value": {value}')
    assert read_measurements(written(tmp_path, text.encode()))[0].value is None


def test_a_byte_order_mark_is_no_harm(tmp_path: Path) -> None:
    assert read_measurements(written(tmp_path, b"\xef\xbb\xbf" + json.dumps([FINE]).encode()))


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"\xff\xfe[", "not UTF-8: byte 0 is 0xff"),
        (b"[1, 2", "not JSON"),
        (b"", "not JSON"),
        (b"[" * 100_000, "nested too deeply"),
        (b'[{"value": ' + b"9" * 5000 + b"}]", "a number too long"),
        ({"variant": "ours"}, "an object, not a list"),
        ("ours", "text, not a list"),
        ([], "the list is empty"),
    ],
)
def test_what_is_no_list_is_unreadable(tmp_path: Path, content: object, message: str) -> None:
    path = written(tmp_path, content)
    with pytest.raises(UnreadableError, match=message) as caught:
        read_measurements(path)
    assert caught.value.problems[0].file == str(path)


def test_not_json_points_at_the_line(tmp_path: Path) -> None:
    with pytest.raises(UnreadableError) as caught:
        read_measurements(written(tmp_path, b'[\n  {"variant": "ours",}\n]'))
    assert caught.value.problems[0].line == 2


@pytest.mark.parametrize(
    ("entry", "message"),
    [
        ({**FINE, "value": "high"}, "entry 2: 'value' is 'high'"),
        ({**FINE, "seed": "first"}, "entry 2: 'seed' is 'first'"),
        ({**FINE, "condition": {"length": None}}, "entry 2: 'condition.length'"),
        ({**FINE, "unit": "fraction"}, "entry 2 has an unknown key 'unit'"),
        ({"variant": "ours", "metric": "test_accuracy"}, "entry 2 has no 'value'.*written as null"),
        (3, "entry 2 is a number"),
        (None, "entry 2 is null"),
    ],
)
def test_a_wrong_entry_is_named(tmp_path: Path, entry: object, message: str) -> None:
    with pytest.raises(ProposalError, match=message):
        read_measurements(written(tmp_path, [FINE, entry]))


def test_all_wrong_entries_are_named_up_to_ten(tmp_path: Path) -> None:
    with pytest.raises(ProposalError) as caught:
        read_measurements(written(tmp_path, [{**FINE, "value": "high"}] * 30))
    assert len(caught.value.problems) == 11
    assert "20 more" in str(caught.value.problems[-1])


def test_no_such_file(tmp_path: Path) -> None:
    for path in (tmp_path / "missing.json", tmp_path):
        with pytest.raises(UnreadableError, match="no such file"):
            read_measurements(path)


def test_a_huge_file_is_not_even_opened(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(files, "LARGEST", 10)
    with pytest.raises(UnreadableError, match="too many for measurements"):
        read_measurements(written(tmp_path, [FINE]))
