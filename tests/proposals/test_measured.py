"""Evaluations and probes of a setup: further conditions and metrics, and what is wrong with them."""

from pathlib import Path

import pytest
from proposal_documents import GOOD, checked, line_of, written

from models.metrics import Metric
from models.options import probes
from proposals.checks import freeze
from proposals.reading import names_of, read_proposal
from proposals.spec import Registration
from proposals.workspace import REPOSITORY

SEEDS = "seeds: [5]\n"
SPECTRA = {"rank_kept": Metric(unit="count", direction="lower", describes="singular values above 1 % of the largest")}


@pytest.fixture
def spectrum(monkeypatch: pytest.MonkeyPatch) -> str:
    """The name of a probe."""
    monkeypatch.setitem(probes.PROBE_METRICS, "spectrum", SPECTRA)
    return "spectrum"


def only_problem(folder: Path, old: str, new: str) -> tuple[int | None, str]:
    (problem,) = checked(folder, old, new).problems
    return problem.line, f"{problem.message}. {problem.remedy}"


def test_the_first_registration_keeps_its_hash(tmp_path: Path) -> None:
    """With the budget that it had then."""
    text = (REPOSITORY / "proposals" / "008-cosine-log-linear-attention.md").read_text()
    path = tmp_path / "008-cosine-log-linear-attention.md"
    path.write_text(text.replace("{gpu: T4, minutes: 60, dollars: 0.60}", "{minutes: 20, dollars: 0}"))
    frozen = freeze(read_proposal(path))
    assert frozen.sha256 == "e035153e022ebfd7bd2102af6cf432ba563637955a98284994bb9c306c66c047"
    assert Registration.model_validate_json(frozen.canonical_json) == frozen


def test_evaluations_and_probes_are_frozen_where_they_are_given(tmp_path: Path, spectrum: str) -> None:
    text = GOOD.replace(SEEDS, "evaluations: [{length: 64}, {layout: spread}]\nprobes: [spectrum]\n" + SEEDS)
    frozen = freeze(read_proposal(written(tmp_path, text)))
    assert frozen.setup.evaluations == ({"length": 64}, {"layout": "spread"})
    assert '"evaluations":[{"length":64},{"layout":"spread"}]' in frozen.canonical_json
    assert Registration.model_validate_json(frozen.canonical_json) == frozen
    assert frozen.sha256 != freeze(read_proposal(written(tmp_path))).sha256


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ("{lenght: 64}", "`lenght` is no option of mqar. Did you mean `length`?"),
        ("{train: 64}", "an evaluation cannot change `train`"),
        ("{vocabulary: 20}", "an evaluation cannot change the vocabulary, here from 16 to 20"),
        ("{length: 5}", "4 pairs in the padded layout need a length of at least 13, not 5"),
        ("{layout: sprad}", "input should be 'padded' or 'spread'"),
        ("{}", "this evaluation changes nothing"),
    ],
)
def test_an_evaluation_that_cannot_be_is_refused_where_it_stands(tmp_path: Path, given: str, said: str) -> None:
    line, message = only_problem(tmp_path, SEEDS, f"evaluations:\n  - {{length: 64}}\n  - {given}\n{SEEDS}")
    assert said in message
    assert line == line_of(SEEDS.strip()) + 2


def test_what_is_there_twice(tmp_path: Path, spectrum: str) -> None:
    _, message = only_problem(tmp_path, SEEDS, f"evaluations: [{{length: 64}}, {{length: 64}}]\n{SEEDS}")
    assert "there twice" in message
    _, message = only_problem(tmp_path, SEEDS, f"probes: [spectrum, spectrum]\n{SEEDS}")
    assert "named twice" in message


def test_a_criterion_may_name_a_condition_that_an_evaluation_gives(tmp_path: Path) -> None:
    text = GOOD.replace("`ours.test_accuracy > 80%`", "`ours.test_accuracy[length=64] > 80%`")
    without = checked(tmp_path, "`ours.test_accuracy > 80%`", "`ours.test_accuracy[length=64] > 80%`")
    (problem,) = without.problems
    assert problem.line == line_of("It recalls")
    assert "S1 reads ours.test_accuracy[length=64], which is not measured" in problem.message
    assert problem.remedy == "Add `{length: 64}` to `evaluations` in the setup"
    path = written(tmp_path, text.replace(SEEDS, f"evaluations: [{{length: 64}}]\n{SEEDS}"))
    assert read_proposal(path).criteria[0].canonical == "ours.test_accuracy[length=64] > 0.8"
    report = checked(tmp_path)
    assert report.exit_code == 0


def test_a_condition_of_what_has_none(tmp_path: Path) -> None:
    text = f"evaluations: [{{length: 64}}]\n{SEEDS}"
    path = written(tmp_path, GOOD.replace(SEEDS, text).replace("`ours.test_accuracy >", "`ours.step_time[length=64] <"))
    path.write_text(path.read_text().replace("< 80%", "< 3 s"))
    from proposals.checks import check

    (problem,) = check(path).problems
    assert "only test_accuracy, test_loss have conditions" in problem.message


def test_a_metric_of_a_probe_asks_for_the_probe(tmp_path: Path, spectrum: str) -> None:
    line, message = only_problem(tmp_path, "`ours.test_accuracy > 80%`", "`ours.rank_kept < 4`")
    assert line == line_of("It recalls")
    assert message == "nothing measures `rank_kept`. Add `spectrum` to `probes` in the setup"
    text = GOOD.replace("`ours.test_accuracy > 80%`", "`ours.rank_kept < 4`")
    setup = read_proposal(written(tmp_path, text.replace(SEEDS, f"probes: [spectrum]\n{SEEDS}"))).setup
    assert setup is not None
    assert setup.vocabulary["rank_kept"] == SPECTRA["rank_kept"]
    assert "rank_kept" not in names_of(setup).unmeasured


def test_an_unknown_probe(tmp_path: Path, spectrum: str) -> None:
    line, message = only_problem(tmp_path, SEEDS, f"probes: [spectra]\n{SEEDS}")
    assert message.startswith("`spectra` is no probe. Did you mean `spectrum`?")
    assert line == line_of("seeds: [5]")


def test_a_metric_of_the_proposal_named_like_one_of_its_probes(tmp_path: Path, spectrum: str) -> None:
    extra = "metrics: {rank_kept: {unit: count, direction: lower}}\n"
    _, message = only_problem(tmp_path, SEEDS, f"probes: [spectrum]\n{extra}{SEEDS}")
    assert "`rank_kept` is measured already" in message
