"""What an edit changes of a frozen proposal, listed before it is registered again."""

from pathlib import Path

from proposal_documents import GOOD, line_of, written

from proposals.checks import amendments, check, freeze
from proposals.quick import reduced
from proposals.reading import read_proposal
from proposals.spec import Registration


def frozen(folder: Path, *replaced: tuple[str, str]) -> Registration:
    document = GOOD
    for old, new in replaced:
        assert old in document
        document = document.replace(old, new)
    return freeze(read_proposal(written(folder, document)))


def test_nothing_changed_nothing_is_listed(tmp_path: Path) -> None:
    one = frozen(tmp_path)
    assert amendments(one, frozen(tmp_path, ("It works.", "It works well.")), results_seen=True) == ()
    assert check(written(tmp_path), registered=one, results_seen=True).amended == ()


def test_every_field_that_changed_is_listed(tmp_path: Path) -> None:
    before = frozen(tmp_path)
    after = frozen(tmp_path, ("> 80%", "> 75%"), ("seeds: [5]", "seeds: [5, 10]"), ("lr: 5e-4", "lr: 1e-3"))
    listed = amendments(before, after, results_seen=False)
    assert [(one.field, one.before, one.after) for one in listed] == [
        ("criteria.S1.canonical", "ours.test_accuracy > 0.8", "ours.test_accuracy > 0.75"),
        ("criteria.S1.text", "It recalls: `ours.test_accuracy > 80%`", "It recalls: `ours.test_accuracy > 75%`"),
        ("setup.seeds", [5], [5, 10]),
        ("setup.training.lr", 5e-4, 1e-3),
    ]
    assert not any(one.results_seen for one in listed)
    assert str(listed[2]) == "setup.seeds: [5] -> [5, 10]"


def test_a_criterion_that_came_or_went(tmp_path: Path) -> None:
    before = frozen(tmp_path)
    after = frozen(tmp_path, ("\n- *sanity*: the test can tell: `softmax.test_accuracy > 90%`", ""))
    (one,) = amendments(before, after, results_seen=True)
    assert one.field == "criteria.S2"
    assert one.after is None
    assert str(one).endswith("-> nothing, after results had been seen")
    (back,) = amendments(after, before, results_seen=True)
    assert back.before is None
    assert back.after["canonical"] == "softmax.test_accuracy > 0.9"


def test_the_quick_profile_differs_in_what_it_reduces(tmp_path: Path) -> None:
    before = frozen(tmp_path, ("epochs: 2", "epochs: 50"))
    fields = {one.field for one in amendments(before, reduced(before), results_seen=False)}
    assert fields == {"fidelity", "setup.seeds", "setup.training.epochs"}


def test_a_check_shows_them_where_they_stand(tmp_path: Path) -> None:
    before = frozen(tmp_path)
    document = GOOD.replace("> 80%", "> 75%").replace("seeds: [5]", "seeds: [6]")
    report = check(written(tmp_path, document), registered=before, results_seen=True)
    assert report.exit_code == 0
    assert [one.field for one in report.amended] == ["criteria.S1.canonical", "criteria.S1.text", "setup.seeds"]
    said = {note.line: note.message for note in report.notes if note.message.startswith("amends")}
    assert said[line_of("seeds:")] == (
        "amends what was registered: setup.seeds: [5] -> [6], after results had been seen"
    )
    assert line_of("- It recalls") in said
