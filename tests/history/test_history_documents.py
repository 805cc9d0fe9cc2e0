"""Reports of invented experiments, in the shapes that people write, and what must come of each."""

import pytest

from proposals.history import Document, tell
from proposals.history.document import Experiment

EXPECTED = {
    # the last fails are diagnostics; one figure is predicted of a baseline
    ("experiment-041-results", "041"): ("PROCEED", 6),
    # the test cannot tell about accuracy, and the memory is not what was promised
    ("experiment-042-results", "042"): ("ABANDON", 2),
    # a tie at one length, worse at the other
    ("experiment-043-results", "043"): ("ABANDON", 1),
    ("experiment-log-044", "044"): ("PROCEED", 6),
    ("experiment-log-044", "045"): ("ABANDON", 2),
    # nothing was learned
    ("research-log-2026-03-10", "017"): ("DEBUG", 4),
    ("experiment-048-results", "048"): ("PROCEED", 6),
    # its own ticks say otherwise
    ("experiment-049-results", "049"): ("ABANDON", 2),
}  # fmt: skip


def find(documents: dict[str, Document], stem: str, number: str = "") -> Experiment:
    return next(one for one in documents[stem].experiments if one.part.number == number or not number)


@pytest.mark.parametrize(("stem", "number"), EXPECTED)
def test_the_verdict(documents: dict[str, Document], stem: str, number: str) -> None:
    judgement = find(documents, stem, number).judgement
    assert judgement is not None
    assert (judgement.verdict, judgement.rule) == EXPECTED[stem, number]
    assert judgement.reasons


@pytest.mark.parametrize(("stem", "number"), [key for key in EXPECTED if key[1] != "048"])
def test_one_seed_is_a_caveat(documents: dict[str, Document], stem: str, number: str) -> None:
    judgement = find(documents, stem, number).judgement
    assert judgement is not None
    assert any(caveat.startswith("single seed") for caveat in judgement.caveats)


def test_five_seeds_are_five_seeds(documents: dict[str, Document]) -> None:
    judgement = find(documents, "experiment-048-results").judgement
    assert judgement is not None
    assert judgement.caveats == ()
    assert [len(outcome.seeds) for outcome in judgement.outcomes] == [5, 5, 5, 5]


ROLES = {
    "experiment-041-results": [
        ("S1", "target", "ringmem.test_accuracy > 0.92", "holds"),
        ("S2", "sanity", "gru.test_accuracy > 0.95", "holds"),
        ("S3", "target", "ringmem.accuracy_gap_gru < 0.03", "holds"),
        ("S4", "target", "ringmem.forward_time_ratio < 1.5", "holds"),
        ("S5", "diagnostic", "ringmem.slot_0_reconstruction_error < 0.2", "fails"),
        ("S6", "target", None, None),
    ],
    "experiment-042-results": [
        ("S1", "target", "toeplitz_attn.test_accuracy >= 0.85", "set_aside"),
        ("S2", "target", None, None),
        ("S3", "target", "toeplitz_attn.state_memory_ratio < 0.25", "fails"),
        ("X1", "target", None, None),
        ("X2", "target", None, None),
    ],
    "experiment-043-results": [
        (
            "S1",
            "target",
            "br_rnn_beta_3.test_accuracy[length=16] > 0.8 | br_rnn_beta_3.validation_accuracy[length=32] > 0.8",
            "undecided",
        ),
        (
            "S2",
            "expectation",
            "diagonal.test_accuracy[length=16] < 0.5 | diagonal.validation_accuracy[length=32] < 0.5",
            "holds",
        ),
        ("S3", "target", "br_rnn_beta_3.speed_vs_dense > 0.5", "holds"),
        ("S4", "target", "butterfly_rotation_rnn.rotation_throughput_vs_dense > 0.4", "fails"),
        (
            "S5",
            "kill",
            "br_rnn_beta_3.test_accuracy[length=16] <= br_rnn_beta_1.test_accuracy[length=16] | "
            "br_rnn_beta_3.validation_accuracy[length=32] <= br_rnn_beta_1.validation_accuracy[length=32]",
            "holds",
        ),
        ("F1", "kill", None, None),
    ],
    "experiment-048-results": [
        ("S1", "target", "folded.test_accuracy > 0.85", "holds"),
        ("S2", "expectation", "reference.test_accuracy < 0.75", "holds"),
        ("F1", "kill", "folded.test_accuracy <= reference.test_accuracy", "fails"),
        ("F2", "kill", "folded.test_accuracy < 0.6", "fails"),
    ],
    "experiment-049-results": [
        ("S1", "target", "lattice_gate.test_accuracy > 0.88", "fails"),
        ("S2", "target", "lattice_gate.ablation_accuracy_copies > 0.6", "holds"),
        ("S3", "target", "lattice_gate.peak_memory < 2000000000", "holds"),
    ],
}


@pytest.mark.parametrize("stem", ROLES)
def test_criteria_roles_and_decisions(documents: dict[str, Document], stem: str) -> None:
    found = [
        (one.id, one.casting.role, one.canonical, one.outcome.decision if one.outcome else None)
        for one in find(documents, stem).criteria
    ]
    assert found == ROLES[stem]


def test_what_is_uncertain_takes_no_part_and_says_why(documents: dict[str, Document]) -> None:
    one = next(c for c in find(documents, "experiment-049-results").criteria if c.id == "S2")
    assert not one.judged
    assert one.casting.doubt == "whose ablation accuracy copies it is, is not said"
    overhead = next(c for c in find(documents, "experiment-043-results").criteria if c.id == "F1")
    assert overhead.casting.doubt == "it says neither kill, pause nor debug"


def test_a_mark_that_contradicts_its_numbers_is_named(documents: dict[str, Document]) -> None:
    found = {c.id: c.contradiction for c in find(documents, "experiment-049-results").contradictions}
    assert found == {
        "S1": "marked as pass, but its own numbers say fail: 84.5 % for > 88 %",
        "S3": "marked as fail, but its own numbers say pass: 1.50 GB for < 2 GB",
    }
    assert not find(documents, "experiment-043-results").contradictions


def test_a_decision_that_only_mentions_a_verdict_is_none(documents: dict[str, Document]) -> None:
    part = find(documents, "experiment-049-results").part
    assert part.decision is not None
    assert part.decision.text == "Not sure yet. Maybe PROCEED."
    assert part.verdict is None


def test_the_header(documents: dict[str, Document]) -> None:
    part = find(documents, "experiment-041-results").part
    assert (part.number, part.proposal, part.date) == ("041", "041-ring-buffer-memory", "2026-03-02")
    assert (part.dollars, part.device, part.seconds) == (0.22, "L4", 780)
    assert [line.text for line in part.ids()] == [
        "ap-Abc123Def456Ghi789Jkl0", "https://wandb.ai/someone/mve-041-ring-memory",
    ]  # fmt: skip
    assert (part.decision and part.decision.line, part.verdict) == (47, "PROCEED")


def test_reduced_against_the_proposal_is_a_caveat(documents: dict[str, Document]) -> None:
    judgement = find(documents, "experiment-041-results").judgement
    assert judgement is not None
    assert any(caveat.startswith("reduced fidelity") for caveat in judgement.caveats)


def test_measurements_have_variant_metric_and_condition(documents: dict[str, Document]) -> None:
    found = {
        (one.measurement.variant, one.measurement.metric, tuple(one.measurement.condition.items())): one
        for one in find(documents, "experiment-043-results").measurements
    }
    one = found["br_rnn_beta_3", "validation_accuracy", (("length", 32),)]
    assert (one.measurement.value, one.line, one.text) == (0.08, 24, "8.0%")
    assert found["dense", "nan_count", (("length", 16),)].measurement.value == 0
    assert not any(metric == "epochs" for _, metric, _ in found)


def test_a_log_has_its_experiments_apart(documents: dict[str, Document]) -> None:
    document = documents["experiment-log-044"]
    assert [one.part.number for one in document.experiments] == ["044", "045"]
    first = document.experiments[0].part
    assert first.ids()[0].text == "ap-Zz9Yy8Xx7Ww6Vv5Uu4Tt3S"
    assert first.dollars is None  # an estimate is no cost


def test_a_band_that_was_widened_after_the_run_is_named(documents: dict[str, Document]) -> None:
    problems = [str(one) for one in find(documents, "experiment-log-044").problems]
    assert any("specified as 'Vanilla shift 50-60% accuracy', checked as 0.45 <=" in one for one in problems)


def test_broken_encoding_is_repaired_and_reported(documents: dict[str, Document]) -> None:
    document = documents["research-log-2026-03-10"]
    assert document.front_matter["experiment_number"] == "010"
    assert [repair.line for repair in document.repairs][:2] == [8, 10]
    assert document.blocks[1].text == "2026-03-10 — 06:00 UTC"
    assert b"\xc3\xa2" in document.source.original
    # a mark that lost a byte cannot be repaired, but is known for what it was
    first = document.experiments[0].criteria[0].statement
    assert first.mark == "fail"
    assert first.text.startswith("âŒ Training MSE")


def test_a_research_log_names_proposals_and_unfinished_experiments(documents: dict[str, Document]) -> None:
    document = documents["research-log-2026-03-10"]
    (idea,) = document.ideas
    assert (idea.number, idea.title) == ("046", "Harmonic Delay SSM")
    assert idea.labels["estimated cost"].text == "**<$2**"
    twin = document.experiments[1]
    assert (twin.part.status, twin.judgement, twin.why_none) == (
        "implemented, not yet run", None, "no results are reported",
    )  # fmt: skip


def test_every_line_is_kept(documents: dict[str, Document]) -> None:
    for document in documents.values():
        kept = {number for block in document.blocks for number in range(block.line, block.end + 1)}
        for number, line in enumerate(document.source.lines, start=1):
            assert not line.strip() or number in kept, (document.stem, number)


def test_the_report_is_plain_data(documents: dict[str, Document]) -> None:
    for document in documents.values():
        report = tell(document)
        assert type(report).model_validate_json(report.model_dump_json()) == report
    report = tell(documents["experiment-049-results"])
    assert report.not_understood[0].endswith("write a `|` inside a cell as `\\|`.")
    assert ".md:17: " in report.not_understood[0]
    assert (report.experiments[0].written, report.experiments[0].agrees) == ("Not sure yet. Maybe PROCEED.", None)
    assert tell(documents["experiment-041-results"]).experiments[0].agrees is True
