"""Registrations and measurements that several tests share: our 008, and the source's other documented
experiments."""

from typing import Any

from models.metrics import Metric
from models.options import Mqar
from proposals.judging import Measurement
from proposals.spec import Registration

VARIANTS_008 = ("cos_log_linear", "cosformer", "log_linear", "linear_attention", "softmax")
SOURCE_008 = {"cos_log_linear": 0.913, "cosformer": 0.259, "log_linear": 0.152, "linear_attention": 0.147}
"""Test accuracies that the source reports, from one seed."""
CRITERIA_008 = [
    ("S1", "target", "cos_log_linear.test_accuracy > 0.8"),
    ("S2", "expectation", "cosformer.test_accuracy < 0.5"),
    ("S3", "expectation", "0.6 <= log_linear.test_accuracy <= 0.7"),
    ("S4", "guard", "cos_log_linear.nan_count == 0"),
    ("S5", "sanity", "softmax.test_accuracy > 0.9"),
    ("F1", "kill", "cos_log_linear.test_accuracy - cosformer.test_accuracy <= 0.05"),
    ("F2", "kill", "cos_log_linear.test_accuracy < log_linear.test_accuracy"),
    ("F3", "debug", "cos_log_linear.nan_count > 0 or cos_log_linear.diverged"),
]


def registration(
    criteria: list[tuple[str, str, str]],
    variants: tuple[str, ...] = ("ours", "baseline"),
    metrics: dict[str, Metric] | None = None,
    seeds: tuple[int, ...] = (5, 10),
    gpu: str | None = None,
    **more: Any,
) -> Registration:
    """The first variant is the proposed one. Criteria as (id, role, canonical text)."""
    sizes = {"pairs": 8, "length": 128, "vocabulary": 64, "train": 4000, "validation": 500, "test": 1000}
    return Registration.model_validate({
        "stem": "900-an-example",
        "setup": {
            "synthetic": {"name": "mqar"} | sizes | more.pop("synthetic", {}),
            "backbone": {"layers": 2, "width": 32, "heads": 2},
            "variants": {name: {"mixer": "log_linear", "proposed": name == variants[0]} for name in variants},
            "training": {"epochs": 10, "batch": 64, "lr": 1e-3},
            "seeds": seeds,
            "compute": {"gpu": gpu, "minutes": 10, "dollars": 0},
            "metrics": {name: metric.model_dump() for name, metric in (metrics or {}).items()},
        },
        "criteria": [
            {
                "id": one,
                "section": "success" if one.startswith("S") else "failure",
                "role": role,
                "text": f"in prose: `{text}`",
                "canonical": text,
            }
            for one, role, text in criteria
        ],
        **more,
    })  # fmt: skip


def proposal_008(**more: Any) -> Registration:
    return registration(CRITERIA_008, VARIANTS_008, **more)


def runs(metric: str, values: dict[str, Any], first_seed: int = 0, **more: Any) -> list[Measurement]:
    """`values`: of each variant, one value or one per seed."""
    return [
        Measurement(variant=variant, metric=metric, seed=first_seed + number, value=value, **more)
        for variant, given in values.items()
        for number, value in enumerate(given if isinstance(given, list) else [given])
    ]


def healthy(values: dict[str, Any]) -> list[Measurement]:
    """Accuracies of runs that did not diverge."""
    fine = {variant: [0] * len(given) if isinstance(given, list) else 0 for variant, given in values.items()}
    return runs("test_accuracy", values) + runs("nan_count", fine) + runs("diverged", fine)


def fraction(describes: str = "") -> Metric:
    return Metric(unit="fraction", direction="higher", from_learning=True, describes=describes)


def many_pairs() -> dict[str, Any]:
    """A stand-in for a synthetic with many classes: chance is too low to matter."""
    return Mqar(
        name="mqar", pairs=120, length=512, vocabulary=256, train=10, validation=10, test=10
    ).model_dump()  # fmt: skip
