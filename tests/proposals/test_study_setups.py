"""Proposals in which nothing is trained."""

from pathlib import Path

import pytest
from small_study import STUDY

from models.code_version import study_key
from proposals.checks import CheckReport, check, decide_on_paper, freeze
from proposals.judging import Measurement, judge
from proposals.quick import reduced
from proposals.reading import read_proposal
from proposals.spec import Registration, StudySetup


def checked(folder: Path, old: str = "", new: str = "") -> CheckReport:
    assert old in STUDY, old
    path = folder / "102-small-study.md"
    path.write_text(STUDY.replace(old, new, 1) if old else STUDY)
    return check(path)


def refused(folder: Path, old: str, new: str) -> tuple[int | None, str]:
    (problem,) = checked(folder, old, new).problems
    return problem.line, f"{problem.message}. {problem.remedy}"


def line_of(piece: str) -> int:
    return next(number for number, line in enumerate(STUDY.split("\n"), start=1) if piece in line)


@pytest.fixture
def frozen(tmp_path: Path) -> Registration:
    path = tmp_path / "102-small-study.md"
    path.write_text(STUDY)
    return freeze(read_proposal(path))


def test_a_study_can_be_decided_and_frozen(tmp_path: Path, frozen: Registration) -> None:
    report = checked(tmp_path)
    assert report.exit_code == 0, report.problems
    assert report.verdict is None
    assert decide_on_paper(frozen) is None
    assert isinstance(frozen.setup, StudySetup)
    assert frozen.setup.variants["block"].form.form == "block"
    assert frozen.setup.proposed == ("block",)
    assert Registration.model_validate_json(frozen.canonical_json) == frozen
    assert '"synthetic"' not in frozen.canonical_json


@pytest.mark.parametrize(
    ("old", "new", "line", "said"),
    [
        ("seeds: [5]", "seeds: [5]\ntraining: {epochs: 3}", "compute", "a study trains nothing, so `training` has no"),
        ("form: block,", "form: blok,", "  block:", "`blok` is no form. Did you mean `block`?"),
        ("form: block, chunk: 32, block: 8", "form: exact_resolvent", "  block:", "no form of delta_forward"),
        ("form: block, chunk: 32, block: 8", "form: block, chunk: 32, block: 7", "  block:", "is not a multiple of"),
        ("form: recurrence", "mixer: recurrence", "  recurrence:", "`recurrence` names no form. Add `form: ...`"),
        ("delta_forward,", "delta_forwards,", "study:", "`delta_forwards` is no name. Did you mean `delta_forward`?"),
        ("width: 8,", "witdh: 8,", "study:", "`witdh` of `study` is no option. Did you mean `width`?"),
        ("block.max_error[values=normal]", "block.max_error", "They agree", "It reports `block.max_error["),
        ("block.forward_time >", "block.forward_time[values=unit] >", "Kill", "which this study does not report"),
        ("block.forward_time > 60 s", "block.test_accuracy > 3%", "Kill", "`test_accuracy` is no metric"),
    ],
)  # fmt: skip
def test_what_is_refused(tmp_path: Path, old: str, new: str, line: str, said: str) -> None:
    at, message = refused(tmp_path, old, new)
    assert said in message
    assert at == line_of(line)


def test_neither_a_study_nor_a_training(tmp_path: Path) -> None:
    path = tmp_path / "102-small-study.md"
    path.write_text("\n".join(line for line in STUDY.split("\n") if not line.startswith("study:")))
    problems = check(path).problems
    missing = [str(problem) for problem in problems if "is missing" in problem.message]
    assert len(missing) == 3
    assert all("or, where nothing is trained, a `study`" in problem for problem in missing)


def test_it_is_judged_without_losses_or_chance(frozen: Registration) -> None:
    values = {"block": ({"values": "normal"}, "max_error", 1e-5), "recurrence": ({"values": "normal"}, "max_error", 0)}
    rows = [
        Measurement(variant=variant, seed=seed, metric=metric, value=value, condition=condition)
        for variant, (condition, metric, value) in values.items()
        for seed in range(5)
    ]
    rows += [
        Measurement(variant="block", seed=seed, metric="forward_time", value=0.01, device="cpu: here")
        for seed in range(5)
    ]
    assert judge(frozen, rows).verdict == "PROCEED"
    slow = [one.model_copy(update={"value": 61.0}) if one.metric == "forward_time" else one for one in rows]
    assert judge(frozen, slow).verdict == "ABANDON"
    elsewhere = [one.model_copy(update={"device": "NVIDIA H100"}) for one in slow]
    assert judge(frozen, elsewhere).outcomes[2].decision == "set_aside", "a timing on another device is a proxy"


def test_the_quick_profile_repeats_less(frozen: Registration) -> None:
    smaller = reduced(frozen).setup
    assert isinstance(smaller, StudySetup)
    assert isinstance(frozen.setup, StudySetup)
    assert (smaller.seeds, smaller.study.repeats) == ((1,), 3)
    many = frozen.setup.model_copy(update={"study": frozen.setup.study.model_copy(update={"repeats": 100})})
    assert reduced(frozen.model_copy(update={"setup": many})).setup.study.repeats == 10
    assert reduced(frozen).fidelity == "reduced"


def test_the_key_of_a_run_holds_what_determines_it(frozen: Registration) -> None:
    setup = frozen.setup
    assert isinstance(setup, StudySetup)
    block, recurrence = setup.variants["block"].form, setup.variants["recurrence"].form
    keys = {
        study_key(setup.study, block, 0),
        study_key(setup.study, block, 1),
        study_key(setup.study, recurrence, 0),
        study_key(setup.study.model_copy(update={"length": 32}), block, 0),
    }
    assert len(keys) == 4
    assert study_key(setup.study, block, 0) in keys
