"""Criteria as people write them, and their canonical form."""

import pytest

from models.metrics import METRICS, Metric
from proposals.errors import ProposalError
from proposals.language import Names, canonical, read
from proposals.language.expressions import And, Comparison, Event, MetricRef, Not, Number

NAMES = Names(
    variants=("a", "b", "c"),
    proposed=("a",),
    aliases={"cos-LogLinear": "a", "baseline": "b"},
    metrics={**METRICS, "recall_gap": Metric(unit="number", direction="higher")},
)

READINGS = [
    # comparisons
    ("a.test_accuracy > 80%", "a.test_accuracy > 0.8"),
    ("a.test_accuracy >= 0.8", "a.test_accuracy >= 0.8"),
    ("a.test_accuracy < .5", "a.test_accuracy < 0.5"),
    ("a.nan_count <= 3", "a.nan_count <= 3"),
    ("a.nan_count == 0", "a.nan_count == 0"),
    ("80% < a.test_accuracy", "0.8 < a.test_accuracy"),
    ("a.test_accuracy ≥ 80 %", "a.test_accuracy >= 0.8"),
    ("a.test_accuracy ≤ 80%", "a.test_accuracy <= 0.8"),
    ("a.test_accuracy > b.test_accuracy > 10%", "a.test_accuracy > b.test_accuracy > 0.1"),
    # ranges
    ("0.6 <= a.test_accuracy <= 70%", "0.6 <= a.test_accuracy <= 0.7"),
    ("a.test_accuracy in 60% .. 70%", "0.6 <= a.test_accuracy <= 0.7"),
    ("a.test_accuracy == 0.6..0.7", "0.6 <= a.test_accuracy <= 0.7"),
    ("a.test_accuracy in 60% … 70%", "0.6 <= a.test_accuracy <= 0.7"),
    ("a.test_accuracy - b.test_accuracy in 1 pp .. 5 pp", "0.01 <= a.test_accuracy - b.test_accuracy <= 0.05"),
    # names
    ("test_accuracy > 80%", "a.test_accuracy > 0.8"),
    ("baseline.test_accuracy < 50%", "b.test_accuracy < 0.5"),
    ('"cos-LogLinear".test_accuracy > 80%', "a.test_accuracy > 0.8"),
    ("a.recall_gap > 5%", "a.recall_gap > 0.05"),
    # conditions
    ("a.test_accuracy[length=512] > 0.9", "a.test_accuracy[length=512] > 0.9"),
    ("test_accuracy[pairs=8, length=512] > 0.9", "a.test_accuracy[length=512, pairs=8] > 0.9"),
    ("a.test_accuracy[layout=spread, lr=5e-4] > 0", "a.test_accuracy[layout=spread, lr=0.0005] > 0"),
    ('a.test_accuracy[split="held out", shift=-2] > 0', 'a.test_accuracy[shift=-2, split="held out"] > 0'),
    # arithmetic
    ("a.test_accuracy - b.test_accuracy <= 5 pp", "a.test_accuracy - b.test_accuracy <= 0.05"),
    ("a.test_accuracy − b.test_accuracy <= 5 pp", "a.test_accuracy - b.test_accuracy <= 0.05"),
    ("a.test_accuracy – b.test_accuracy <= 0.05", "a.test_accuracy - b.test_accuracy <= 0.05"),
    ("a.test_accuracy > b.test_accuracy + 5 pp", "a.test_accuracy > b.test_accuracy + 0.05"),
    ("(a.test_accuracy + b.test_accuracy) / 2 > 80%", "(a.test_accuracy + b.test_accuracy) / 2 > 0.8"),
    ("(a.test_accuracy - b.test_accuracy) / b.test_accuracy > 5%",
     "(a.test_accuracy - b.test_accuracy) / b.test_accuracy > 0.05"),
    ("1 - a.test_accuracy < 5%", "1 - a.test_accuracy < 0.05"),
    ("a.test_accuracy >= 90% * b.test_accuracy", "a.test_accuracy >= 0.9 * b.test_accuracy"),
    ("a.test_loss > 3 - (2 - b.test_loss) * -3", "a.test_loss > 3 - (2 - b.test_loss) * -3"),
    ("a.test_loss - (b.test_loss - c.test_loss) > 1", "a.test_loss - (b.test_loss - c.test_loss) > 1"),
    ("((a.test_loss - b.test_loss)) - c.test_loss > (1)", "a.test_loss - b.test_loss - c.test_loss > 1"),
    ("a.test_loss / (b.test_loss * c.test_loss) > 1", "a.test_loss / (b.test_loss * c.test_loss) > 1"),
    ("-a.test_loss < -(b.test_loss + 1)", "-a.test_loss < -(b.test_loss + 1)"),
    ("a.throughput * a.step_time > 100", "a.throughput * a.step_time > 100"),
    ("abs(a.test_accuracy - b.test_accuracy) <= 5 pp", "abs(a.test_accuracy - b.test_accuracy) <= 0.05"),
    ("max(a.test_loss, b.test_loss) < 1", "max(a.test_loss, b.test_loss) < 1"),
    ("min(a.train_time, 3 s) < 5 min", "min(a.train_time, 3) < 300"),
    ("max(a.test_loss) < 1", "a.test_loss < 1"),
    # and, or, not
    ("a.test_loss > 1 and b.test_loss > 1 or c.test_loss > 1",
     "a.test_loss > 1 and b.test_loss > 1 or c.test_loss > 1"),
    ("a.test_loss > 1 and (b.test_loss > 1 or c.test_loss > 1)",
     "a.test_loss > 1 and (b.test_loss > 1 or c.test_loss > 1)"),
    ("(a.test_loss > 1 and b.test_loss > 1) and c.test_loss > 1",
     "a.test_loss > 1 and b.test_loss > 1 and c.test_loss > 1"),
    ("not (a.test_loss > 1 and b.test_loss > 1)", "not (a.test_loss > 1 and b.test_loss > 1)"),
    ("not a.test_loss > 1", "not a.test_loss > 1"),
    ("not not a.diverged", "not not a.diverged"),
    # quantifiers
    ("all(a, b).nan_count == 0", "a.nan_count == 0 and b.nan_count == 0"),
    ("any(a, b).nan_count > 0", "a.nan_count > 0 or b.nan_count > 0"),
    ("all(*).nan_count == 0", "a.nan_count == 0 and b.nan_count == 0 and c.nan_count == 0"),
    ("any(*).diverged", "a.diverged or b.diverged or c.diverged"),
    ("not any(a, b).diverged", "not (a.diverged or b.diverged)"),
    ("all(a).nan_count == 0", "a.nan_count == 0"),
    ("all(a.nan_count == 0, b.test_loss < 1)", "a.nan_count == 0 and b.test_loss < 1"),
    ("any(a.diverged, b.test_loss > 1)", "a.diverged or b.test_loss > 1"),
    ("a.test_accuracy > all(b, c).test_accuracy",
     "a.test_accuracy > b.test_accuracy and a.test_accuracy > c.test_accuracy"),
    ("all(a, b).test_loss < any(b, c).train_loss",
     "(a.test_loss < b.train_loss or a.test_loss < c.train_loss) and "
     "(b.test_loss < b.train_loss or b.test_loss < c.train_loss)"),
    ("all(a, b).test_accuracy in 60%..70%", "0.6 <= a.test_accuracy <= 0.7 and 0.6 <= b.test_accuracy <= 0.7"),
    ("a.test_accuracy > best(b, c).test_accuracy", "a.test_accuracy > max(b.test_accuracy, c.test_accuracy)"),
    ("a.step_time < best(b, c).step_time", "a.step_time < min(b.step_time, c.step_time)"),
    ("a.step_time < best(b.step_time, c.step_time)", "a.step_time < min(b.step_time, c.step_time)"),
    ("best(*).test_accuracy[length=8] > 0.5",
     "max(a.test_accuracy[length=8], b.test_accuracy[length=8], c.test_accuracy[length=8]) > 0.5"),
    ("max(b, c).test_loss < 1", "max(b.test_loss, c.test_loss) < 1"),
    # ratios and speed
    ("3x a.step_time < b.step_time", "3 * a.step_time < b.step_time"),
    ("3 × a.step_time < b.step_time", "3 * a.step_time < b.step_time"),
    ("a.step_time × 3 < b.step_time", "a.step_time * 3 < b.step_time"),
    ("2 / 3 × a.step_time < b.step_time", "2 / 3 * a.step_time < b.step_time"),
    ("a.step_time / b.step_time < 3x", "a.step_time / b.step_time < 3"),
    ("a.step_time / b.step_time < 3× and a.diverged", "a.step_time / b.step_time < 3 and a.diverged"),
    ("a.step_time 20% faster than b.step_time", "b.step_time / a.step_time > 1.2"),
    ("a.throughput 1.3x faster than b.throughput", "a.throughput / b.throughput > 1.3"),
    ("a.step_time faster than b.step_time", "a.step_time < b.step_time"),
    ("a.throughput faster than b.throughput", "a.throughput > b.throughput"),
    ("a.step_time slower than b.step_time", "a.step_time > b.step_time"),
    ("a.step_time <= 3x slower than b.step_time", "a.step_time / b.step_time <= 3"),
    ("a.step_time >= 10% faster than b.step_time", "b.step_time / a.step_time >= 1.1"),
    ("a.throughput <= 2x slower than b.throughput", "b.throughput / a.throughput <= 2"),
    ("all(a, b).step_time faster than c.step_time", "a.step_time < c.step_time and b.step_time < c.step_time"),
    # events
    ("a.diverged", "a.diverged"),
    ("diverged", "a.diverged"),
    ("not a.diverged", "not a.diverged"),
    ("a.diverged == 0", "a.diverged == 0"),
    ("a.nan_count > 0 or a.diverged", "a.nan_count > 0 or a.diverged"),
    # units
    ("a.step_time < 3 ms", "a.step_time < 0.003"),
    ("a.step_time < 250us", "a.step_time < 0.00025"),
    ("a.step_time < 250 µs", "a.step_time < 0.00025"),
    ("a.train_time < 90 s", "a.train_time < 90"),
    ("a.train_time < 5 min", "a.train_time < 300"),
    ("a.train_time < 1.5 h", "a.train_time < 5400"),
    ("a.peak_memory < 12 B", "a.peak_memory < 12"),
    ("a.peak_memory < 2 KB", "a.peak_memory < 2000"),
    ("a.peak_memory < 2 MB", "a.peak_memory < 2000000"),
    ("a.peak_memory < 2 GB", "a.peak_memory < 2000000000"),
    ("a.peak_memory < 2 KiB", "a.peak_memory < 2048"),
    ("a.peak_memory < 2 MiB", "a.peak_memory < 2097152"),
    ("a.peak_memory < 2 GiB", "a.peak_memory < 2147483648"),
    ("a.cost < $0.50", "a.cost < 0.5"),
    ("a.cost < 0.50 $", "a.cost < 0.5"),
    ("a.throughput > 5_000 tok/s", "a.throughput > 5000"),
    ("a.throughput > 5e3/s", "a.throughput > 5000"),
    ("a.relative_error < 5e-4", "a.relative_error < 0.0005"),
    ("a.relative_error < 1e-7", "a.relative_error < 1e-07"),
    ("a.parameters < 1_000_000", "a.parameters < 1000000"),
    ("a.flops < 1e20", "a.flops < 1e+20"),
    ("\n a.test_accuracy\n> 80% ", "a.test_accuracy > 0.8"),
]  # fmt: skip


@pytest.mark.parametrize(("text", "expected"), READINGS, ids=[text for text, _ in READINGS])
def test_reads(text: str, expected: str) -> None:
    tree = read(text, NAMES)
    assert canonical(tree) == expected
    assert read(expected, NAMES) == tree


@pytest.mark.parametrize("percent", range(1, 100))
def test_percentages_are_exact(percent: int) -> None:
    tree = read(f"a.test_accuracy > {percent}%", NAMES)
    assert tree == Comparison((MetricRef("a", "test_accuracy"), Number(float(f"0.{percent:02}"))), (">",))


def test_trees() -> None:
    assert read("not a.diverged", NAMES) == Not(Event(MetricRef("a", "diverged")))
    loss = MetricRef("b", "test_loss", (("length", 8), ("lr", 0.5)))
    assert read("b.test_loss[lr=0.5, length=8] > -1 and a.diverged", NAMES) == And(
        (Comparison((loss, Number(-1.0)), (">",)), Event(MetricRef("a", "diverged")))
    )


def test_names_that_are_no_identifiers_are_quoted_in_the_canonical_form() -> None:
    names = Names(variants=("state-16", "in"), proposed=("state-16",))
    tree = read('"state-16".test_loss < "in".test_loss', names)
    assert canonical(tree) == '"state-16".test_loss < "in".test_loss'
    assert read(canonical(tree), names) == tree


ERRORS = [
    # text, column, what the message says
    ("", 1, "there is no criterion here"),
    ("a.test_accuracy > ", 18, "ends too early. Expected a metric"),
    ("a.test_accuracy 80%", 20, "ends too early"),
    ("((a.test_loss > 3)", 19, "Expected `)`"),
    ("a.test_loss > 3)", 16, "`)` cannot stand here"),
    ("a.test_loss @ 3", 13, "`@` cannot stand here. Expected a comparison"),
    ("a.test_loss = 3", 13, "`=` is no comparison. Write `==`"),
    ("a.test_loss => 3", 13, "`=` is no comparison"),
    ("a.test_loss =< 3", 13, "`=` is no comparison"),
    ("a.test_loss != 3", 13, "Write `not (a == b)`"),
    ("a.diverged orb.diverged", 12, "`orb` cannot stand here"),
    ("a.step_time < 3 kilo", 17, "`kilo` is no unit. Known units: % pp x"),
    ("a.parameters < 1,000", 17, "Write 1000 or 1_000"),
    ("mx(a.test_loss, 3) > 4", 1, "`mx` is no function. Did you mean `max`?"),
    ("a.test_accuracy in 60%", 23, "the end of the range"),
    ("a.test_accuracy in 70% .. 60%", 20, "ends below its beginning"),
    # names
    ("a.test_acuracy > 80%", 3, "`test_acuracy` is no metric. Did you mean `test_accuracy`?"),
    ("basline.test_accuracy > 80%", 1, "`basline` is no variant. Did you mean `baseline`?"),
    ("cos-LogLinear.test_accuracy > 80%", 1, 'needs quotes here. Write `"cos-LogLinear"`, or `a`'),
    ("b > 80%", 1, "`b` is a variant; of which metric is not said"),
    ("accuracy > 80%", 1, "`accuracy` is no metric and no variant"),
    ("all(a, bb).nan_count == 0", 8, "`bb` is no variant. Did you mean `b`?"),
    ("all(a, a).nan_count == 0", 8, "`a` is named twice"),
    ("all(a, b) > 3", 1, "is a condition, not a number"),
    ("all(a, b)", 1, "says nothing of what is measured"),
    ("best(a, b) > 3", 1, "does not say of which metric"),
    ("best(*) > 3", 1, "needs a metric"),
    ("best(a.test_loss, a.test_accuracy) > 3", 1, "which way is better"),
    ("best(a, b).initial_train_loss > 3", 1, "which way is better is not clear"),
    ("all(a.test_loss).test_loss > 1", 5, "takes names of variants"),
    ("abs(a.test_loss, 1) > 1", 1, "`abs` takes one value"),
    ("a.test_loss[k=1, k=2] > 3", 18, "`k` is given twice"),
    # kinds
    ("a.test_accuracy", 1, "`test_accuracy` is a number, not an event"),
    ("a.test_loss + 1", 13, "this is a number, not a condition"),
    ("(a.diverged and b.diverged) > 3", 2, "a condition cannot be used as a number"),
    ("80% > 70%", 5, "reads no metric"),
    ("a.test_loss > a.test_loss", 13, "compares a value with itself"),
    # dimensions
    ("a.test_accuracy > 5 pp", 19, "a fraction cannot be compared with a difference in points"),
    ("a.test_accuracy - b.test_accuracy <= 5%", 38, "A difference of two fractions is in points: write 5 pp"),
    ("a.test_accuracy - b.test_accuracy < c.test_accuracy", 37, "cannot be compared with a fraction"),
    ("a.test_accuracy > b.test_accuracy + 5%", 35, "write 5 pp, not 5%"),
    ("a.test_accuracy > 80", 19, "a fraction lies between 0 and 1, and this is 80. Did you mean 80%?"),
    ("a.test_accuracy > 120%", 19, "a fraction lies between 0 and 1"),
    ("max(a.test_accuracy, b.test_accuracy) > 90", 41, "Did you mean 90%?"),
    ("a.test_accuracy - b.test_accuracy <= 5", 38, "Did you mean 5 pp?"),
    ("a.step_time > 5 MB", 15, "seconds cannot be compared with bytes"),
    ("a.step_time > b.peak_memory", 15, "seconds cannot be compared with bytes"),
    ("a.step_time > 5%", 15, "seconds cannot be compared with a percentage"),
    ("a.step_time + b.cost > 5", 13, "dollars cannot be added to seconds"),
    ("a.step_time > 2x", 15, "seconds cannot be compared with a ratio"),
    ("a.parameters > 5%", 16, "a count cannot be compared with a percentage"),
    ("a.step_time / 3 ms < 2", 15, "only a plain number, % or x can multiply or divide a metric"),
    ("max(a.step_time, 3 MB) > 1", 18, "seconds and bytes have no `max`"),
    ("a.test_loss / 0 > 1", 15, "divides by zero"),
    ("a.test_loss > 1e999", 15, "out of range"),
    ("a.test_loss > 1e-999", 15, "out of range"),
    ("a.test_loss[k=1e999] > 0", 13, "out of range"),
    # speed
    ("a.test_accuracy 20% faster than b.test_accuracy", 21, "compares times, rates and steps"),
    ("a.step_time 0.5x faster than b.step_time", 13, "would be the other way round"),
    ("a.step_time 20 faster than b.step_time", 13, "is said in % or x"),
    ("a.step_time 5 pp faster than b.step_time", 13, "is said in % or x"),
    ("a.step_time == 2x faster than b.step_time", 16, "is said in % or x"),
    ("a.step_time faster than b.peak_memory", 13, "compares two metrics of one kind"),
    ("a.step_time faster than a.step_time", 13, "compares a value with itself"),
    ("a.cost faster than b.cost", 8, "compares times, rates and steps, not dollars"),
    ("a.step_time faster b.step_time", 20, "Expected `than`"),
]


@pytest.mark.parametrize(("text", "column", "message"), ERRORS, ids=[text for text, _, _ in ERRORS])
def test_refuses(text: str, column: int, message: str) -> None:
    with pytest.raises(ProposalError) as refusal:
        read(text, NAMES, file="008.md", line=7, column=10)
    (problem,) = refusal.value.problems
    assert message in str(problem)
    assert (problem.file, problem.line, problem.column) == ("008.md", 7, column + 10)


def test_a_place_in_a_later_line_counts_from_that_line() -> None:
    with pytest.raises(ProposalError) as refusal:
        read("a.test_loss\n  > @", NAMES, line=7, column=10)
    assert (refusal.value.problems[0].line, refusal.value.problems[0].column) == (8, 5)


@pytest.mark.parametrize("proposed", [(), ("a", "b")])
def test_a_bare_metric_needs_one_proposed_variant(proposed: tuple[str, ...]) -> None:
    names = Names(variants=("a", "b"), proposed=proposed)
    with pytest.raises(ProposalError, match="alone means the proposed variant"):
        read("test_accuracy > 80%", names)


@pytest.mark.parametrize(
    "text",
    [
        "(" * 5000 + "a.test_loss > 1" + ")" * 4000,
        "(" * 4000 + "a.test_loss > 1" + ")" * 4000,
        "not " * 2000 + "a.diverged",
        "-" * 5000 + "a.test_loss > 1",
        "a.test_loss" + " + 1" * 2000 + " > 1",
        "max(" * 2000 + "a.test_loss" + ")" * 2000 + " > 1",
        "a.test_loss > 1" * 10_000,
        "a.test_loss > " + "1" * 9000 + "e",
        "a.test_loss[k=" + "1" * 9000 + "] > 0",
        "x" * 9000 + ".test_loss > 1",
        " and ".join(["all(*).test_loss > any(*).train_loss"] * 200),
        "all(*).test_loss + all(*).test_loss + all(*).test_loss + all(*).test_loss + all(*).test_loss > 1"
        + " + all(*).test_loss" * 20,
    ],
    ids=lambda text: text[:12],
)  # fmt: skip
@pytest.mark.timeout(10)
def test_long_and_deep_texts_are_refused_or_read(text: str) -> None:
    try:
        tree = read(text, NAMES)
    except ProposalError:
        return
    assert read(canonical(tree), NAMES) == tree
