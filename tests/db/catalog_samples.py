"""A small proposal, its runs and its verdict, for the catalog's tests."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Literal

from sqlalchemy import Engine

from db import catalog
from models.metrics import METRICS
from models.request import CurvePoint, SeedResult, Value
from proposals.judging.outcomes import CriterionOutcome, Judgement, SeedOutcome, VerdictName
from proposals.spec import Proposal, Registration, Setup

STEM = "008-cosine-log-linear-attention"
NOW = datetime(2026, 2, 15, 9, 30, tzinfo=UTC)
LATER = datetime(2026, 2, 15, 10, 0, 0, 250, tzinfo=UTC)
HERE = {"executor": "local", "host": "here", "boot_id": "b-1"}

SETUP: dict[str, Any] = {
    "synthetic": {
        "name": "mqar",
        "pairs": 8,
        "length": 128,
        "vocabulary": 64,
        "train": 40,
        "validation": 5,
        "test": 10,
    },
    "backbone": {"layers": 2, "width": 32, "heads": 2},
    "variants": {
        "cos_log_linear": {"mixer": "log_linear", "kernel": "cosine", "proposed": True, "aliases": ["ours"]},
        "cosformer": {"mixer": "linear_attention", "kernel": "cosine"},
    },
    "training": {"epochs": 200, "batch": 64, "lr": 1e-3},
    "seeds": [5, 10],
    "compute": {"gpu": "T4", "minutes": 15, "dollars": 0.5},
}
CRITERIA = (
    ("S1", "success", "target", "A hierarchy does not forget: `> 80%`", "cos_log_linear.test_accuracy > 0.8"),
    ("S2", "success", "expectation", "cosFormer runs out: `< 50%`", "cosformer.test_accuracy < 0.5"),
    (
        "F1",
        "failure",
        "kill",
        "nothing added",
        "cos_log_linear.test_accuracy - cosformer.test_accuracy <= 0.05",
    ),
)


def proposal(stem: str = STEM, based_on: tuple[str, ...] = ("cosformer", "log-linear-attention")) -> Proposal:
    return Proposal(
        stem=stem,
        number=stem[:3],
        title="Cosine-Reweighted Log-Linear Attention",
        status="proposed",
        priority="medium",
        created="2026-02-15",
        based_on=based_on,
        hypothesis="",
        setup=None,
        criteria=(),
        file=f"proposals/{stem}.md",
        source_sha256="a" * 64,
    )


def registration(stem: str = STEM, fidelity: str = "specified", s1: str = CRITERIA[0][4], **setup: Any) -> Registration:
    criteria: list[dict[str, str]] = [
        {"id": id, "section": section, "role": role, "text": text, "canonical": canonical}
        for id, section, role, text, canonical in CRITERIA
    ]
    criteria[0]["canonical"] = s1
    return Registration.model_validate(
        {
            "stem": stem,
            "setup": Setup.model_validate({**SETUP, **setup}),
            "criteria": criteria,
            "fidelity": fidelity,
        }
    )


def result(seed: int, accuracy: float = 0.91, epochs: int = 3, values: tuple[Value, ...] = ()) -> SeedResult:
    curve = tuple(
        CurvePoint(epoch=epoch, step=epoch * 10, metric=metric, value=value / epoch)
        for epoch in range(1, epochs + 1)
        for metric, value in _CURVES.items()
    )
    return SeedResult(
        seed=seed,
        values=(
            Value(metric="test_accuracy", value=accuracy),
            Value(metric="test_accuracy", value=accuracy / 3, condition={"length": 512, "gap": "wide"}),
            Value(metric="parameters", value=25_000, source="analytic"),
            Value(metric="step_time", value=0.0123, spread=0.0011),
            Value(metric="nan_count", value=0),
            Value(metric="peak_memory", value=None),
            *values,
        ),
        curve=curve,
        data_sha256="d" * 64,
        epochs=epochs,
        best_epoch=epochs - 1,
        stopped="epochs",
        resumed=1,
    )


_CURVES: Mapping[Literal["train_loss", "train_accuracy", "validation_loss", "validation_accuracy", "lr"], float] = {
    "train_loss": 4.1,
    "train_accuracy": 0.4,
    "validation_loss": 4.2,
    "validation_accuracy": 0.3,
    "lr": 1e-3,
}


def register(engine: Engine, frozen: Registration | None = None, now: datetime = NOW) -> int:
    frozen = frozen or registration()
    catalog.record_proposal(engine, proposal(frozen.stem), now)
    return catalog.register(
        engine,
        frozen,
        git_commit="c0ffee",
        git_dirty=False,
        estimate_dollars=0.5,
        estimate_minutes=15.0,
        now=now,
    ).id


def start(engine: Engine, registration_id: int, seeds: int = 2, code: str = "c0ffee", now: datetime = NOW) -> int:
    """An experiment with its runs planned; the key is told from variant, seed and code."""
    experiment = catalog.start_experiment(
        engine, registration_id, executor="local", profile="full", git_commit=code, git_dirty=False, now=now
    )
    catalog.plan_runs(
        engine,
        experiment,
        [
            (key(variant, seed, code), variant, seed, '{"mixer":"x"}')
            for variant in SETUP["variants"]
            for seed in range(seeds)
        ],
        now,
    )
    return experiment


def key(variant: str, seed: int, code: str = "c0ffee") -> str:
    return f"{code}-{variant}-{seed}".rjust(64, "0")


def collect(engine: Engine, attempt: int, seed: int, accuracy: float = 0.91, dollars: float = 0.02) -> bool:
    return catalog.record_result(
        engine,
        attempt,
        result(seed, accuracy),
        device="cpu: EPYC",
        versions={"torch": "2.13.0"},
        seconds=60.0,
        dollars=dollars,
        vocabulary=METRICS,
        now=LATER,
    )


def train_all(engine: Engine, experiment: int) -> None:
    for planned in catalog.runs_without_result(engine, experiment):
        attempt = catalog.begin_attempt(engine, experiment, planned.key, **HERE, now=NOW)
        assert attempt is not None
        assert collect(engine, attempt, planned.seed, 0.9 if planned.variant == "cos_log_linear" else 0.2)


def judgement(verdict: VerdictName = "PROCEED", reason: str = "every target holds") -> Judgement:
    return Judgement(
        verdict=verdict,
        rule=6,
        reasons=(reason,),
        caveats=("two seeds",),
        outcomes=tuple(
            CriterionOutcome.model_validate(
                {
                    "id": id,
                    "section": section,
                    "role": role,
                    "text": text,
                    "canonical": canonical,
                    "decision": "holds" if id != "F1" else "fails",
                    "estimand": "median over seeds",
                    "achieved": 0.9,
                    "low": 0.85,
                    "high": 0.95,
                    "target": "> 80 %",
                    "margin": 0.1,
                    "unit": "fraction",
                    "seeds": (
                        SeedOutcome(seed=0, holds=True, value=0.9),
                        SeedOutcome(seed=1, holds=None, value=None),
                    ),
                    "look": 5,
                    "reason": "the interval lies on one side",
                    "more_seeds": None,
                }
            )
            for id, section, role, text, canonical in CRITERIA
        ),
    )


def fill(engine: Engine) -> tuple[int, int]:
    """Everything that a reader could meet: (registration, experiment) of 008."""
    frozen = register(engine)
    experiment = start(engine, frozen)
    train_all(engine, experiment)
    catalog.record_judgement(engine, frozen, experiment, judgement(), "e" * 64, LATER)
    catalog.add_log(engine, STEM, "judged", "PROCEED", LATER, {"registration": frozen})
    register(engine, registration(s1="cos_log_linear.test_accuracy > 0.7"), LATER)

    failing = register(engine, registration("022-displacement-rank"))
    faulty = start(engine, failing, code="beef")
    first, second = (
        catalog.begin_attempt(engine, faulty, key("cosformer", seed, "beef"), **HERE, now=NOW) for seed in (0, 1)
    )
    catalog.end_attempt(engine, first, "preempted", seconds=30.0, dollars=0.01, reason="node taken", now=LATER)
    catalog.store_handle(engine, second, {"pid": 4711}, NOW)
    return frozen, experiment
