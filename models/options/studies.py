"""Experiments without training: what is studied, and the forms of it that are compared.

A study is one question with its sizes, such as how fast a recurrence can be computed; a form is one answer. All forms
of one seed see the same inputs. A new study adds a class and its forms here, their names in the two unions and an entry
in `FORMS` and `STUDY_METRICS`, and a file of its name in `models.studies`.
"""

from abc import abstractmethod
from collections.abc import Iterable
from typing import Annotated, Literal

from pydantic import Field, model_validator

from models.metrics import Metric
from models.options.base import Options

Condition = dict[str, str | int | float]


class Study(Options):
    """repeats: timed runs, after `warmup` runs that do not count."""

    repeats: int = Field(default=100, gt=0)
    warmup: int = Field(default=5, ge=0)

    @abstractmethod
    def reports(self) -> dict[str, tuple[Condition, ...]]:
        """Every metric that some form of this study has a value of, with the conditions of those values; {}: none."""

    def conditions(self) -> tuple[Condition, ...]:
        """All conditions under which some metric has a value."""
        found: list[Condition] = []
        for conditions in self.reports().values():
            found += [condition for condition in conditions if condition not in found]
        return tuple(found)


class DeltaForward(Study):
    """One head of DeltaNet on random inputs, forward: e_t = v_t - S_{t-1}^T k_t, S_t = S_{t-1} + beta_t k_t e_t^T
    (Yang et al., 2024). How long it takes and how far it is from the recurrence in float64.

    length: T; width: d of keys, values and queries. initial_state: S_0. readout: y_t = S_t v_t or y_t = S_t^T q_t.
    keys: drawn from a normal distribution and, for "unit", divided by their norm. dtype: of everything that is timed.
    Errors are reported under the condition `values`: drawn from a normal distribution, or divided by their norm too.
    Times are with normal ones.
    """

    name: Literal["delta_forward"]
    length: int = Field(default=512, gt=0)
    width: int = Field(default=64, gt=0)
    initial_state: Literal["identity", "zero"] = "identity"
    readout: Literal["value", "query"] = "value"
    keys: Literal["unit", "normal"] = "unit"
    dtype: Literal["float32", "float64"] = "float32"

    def reports(self) -> dict[str, tuple[Condition, ...]]:
        values: tuple[Condition, ...] = ({"values": "normal"}, {"values": "unit"})
        return {
            "forward_time": ({},),
            "max_error": values,
            "relative_error": values,
            "error_to_naive": values,
            "flops": ({},),
            "matmul_share": ({},),
            "peak_memory": ({},),
        }


class NaiveWy(Options):
    """Two growing lists, w_i = beta_i k_i and e_i, stacked anew at each step: S_t = S_0 + sum_i w_i e_i^T."""

    form: Literal["naive_wy"]


class Recurrence(Options):
    """The recurrence as it reads, with a dense state, step by step."""

    form: Literal["recurrence"]


class Chunkwise(Options):
    """The chunkwise WY form: one triangular system a chunk, all chunks at once, then a loop over chunks."""

    form: Literal["chunkwise"]
    chunk: int = Field(default=64, gt=0)


class Block(Options):
    """The chunkwise WY form in sub-blocks of `block` positions: small triangular systems on the diagonal, everything
    else matrix products, as in SSD (Dao and Gu, 2024)."""

    form: Literal["block"]
    chunk: int = Field(default=64, gt=0)
    block: int = Field(default=16, gt=0)

    @model_validator(mode="after")
    def _divides(self) -> "Block":
        if self.chunk % self.block:
            raise ValueError(f"chunk {self.chunk} is not a multiple of block {self.block}")
        return self


class Resolvent(Study):
    """The resolvent of HiPPO-LegS in diagonal plus low-rank form at `length` frequencies, computed exactly and by a
    truncated Neumann series.

    states: the state sizes N; `state` is the one whose errors are reported, with `default_terms` terms where no
    condition names their number; terms: numbers of terms of the series. dt: step of the bilinear discretisation.
    distance: from an eigenvalue, where it is asked whether the result is finite.
    """

    name: Literal["resolvent"]
    length: int = Field(default=1024, gt=0)
    state: int = Field(default=64, gt=1)
    states: tuple[int, ...] = Field(default=(64, 128, 256), min_length=1)
    terms: tuple[int, ...] = Field(default=(2, 4, 6, 8, 12, 16), min_length=1)
    default_terms: int = Field(default=8, gt=0)
    dt: float = Field(default=1e-3, gt=0)
    distance: float = Field(default=1e-3, gt=0)

    def reports(self) -> dict[str, tuple[Condition, ...]]:
        terms: tuple[Condition, ...] = tuple({"terms": count} for count in self.terms)
        states: tuple[Condition, ...] = tuple({"state": state} for state in self.states)
        return {
            "relative_error": ({}, *terms),
            "smallest_error": terms,
            "finite_share": ({}, *terms),
            "diverging_share": ({},),
            "large_norm_share": ({},),
            "series_ratio": ({},),
            "forward_time": ({}, *states),
        }


class ExactResolvent(Options):
    """The exact inverse by Woodbury's identity. dtype: of real and imaginary parts."""

    form: Literal["exact_resolvent"]
    dtype: Literal["float64", "float32", "bfloat16"] = "float32"


class NeumannResolvent(Options):
    """The same with 1 / (1 - f) replaced by 1 + f + ... + f^(terms - 1)."""

    form: Literal["neumann_resolvent"]
    dtype: Literal["float64", "float32", "bfloat16"] = "float32"


StudyOptions = Annotated[DeltaForward | Resolvent, Field(discriminator="name")]

FormOptions = Annotated[
    NaiveWy | Recurrence | Chunkwise | Block | ExactResolvent | NeumannResolvent, Field(discriminator="form")
]

FORMS: dict[str, tuple[str, ...]] = {
    "delta_forward": ("naive_wy", "recurrence", "chunkwise", "block"),
    "resolvent": ("exact_resolvent", "neumann_resolvent"),
}
"""The forms of each study."""

STUDY_METRICS: dict[str, dict[str, Metric]] = {
    "delta_forward": {
        "error_to_naive": Metric(
            unit="number",
            direction="lower",
            describes="largest absolute difference to the naive form in the same dtype",
        ),
        "matmul_share": Metric(
            unit="fraction",
            direction="higher",
            source="derived",
            describes="share of floating-point operations that are in products of matrices",
        ),
    },
    "resolvent": {
        "smallest_error": Metric(
            unit="number",
            direction="lower",
            describes="smallest relative error that is reached with at most so many terms of the series",
        ),
        "diverging_share": Metric(
            unit="fraction",
            direction="lower",
            describes="share of frequencies at which the ratio of the series is above 1, so that it diverges",
        ),
        "large_norm_share": Metric(
            unit="fraction",
            direction="lower",
            describes="share of frequencies at which the norm of the matrix of the series is above 1",
        ),
        "series_ratio": Metric(
            unit="number",
            direction="lower",
            describes="largest absolute ratio of the series over all frequencies",
        ),
        "finite_share": Metric(
            unit="fraction",
            direction="higher",
            describes="share of points next to an eigenvalue at which the result is finite",
        ),
    },
}
"""Metrics of a study beyond the common ones, which mean here: forward_time, the median of one run of the form;
relative_error and max_error, against the same in float64; flops, counted in a run; peak_memory, of the tensors made in
a run."""


def check_forms(study: StudyOptions, forms: Iterable[FormOptions]) -> None:
    """Raises ValueError where a form belongs to another study."""
    own = FORMS[study.name]
    for form in forms:
        if form.form not in own:
            raise ValueError(f"study {study.name} has no form {form.form}: its forms are {', '.join(own)}")
