"""The frozen specification of a proposal: what is trained, and what would settle it."""

import hashlib
import json
from itertools import pairwise
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Discriminator, Field, Tag, field_validator, model_validator

from models.metrics import METRICS, Metric
from models.options import Backbone, MixerOptions, SyntheticOptions, Training, added
from models.options.probes import PROBE_METRICS
from models.options.studies import STUDY_METRICS, FormOptions, StudyOptions

Role = Literal["target", "expectation", "sanity", "guard", "diagnostic", "kill", "pause", "debug"]
Section = Literal["success", "failure"]
Written = Role | Literal["failure"]
"""`failure`: a failure criterion in natural notation that does not say what it does; in a code span it kills."""


class Frozen(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


class Variant(Frozen):
    """In the setup block the mixer's options stand beside `proposed` and `aliases`; here they are apart."""

    mixer: MixerOptions
    proposed: bool = False
    aliases: tuple[str, ...] = ()

    @model_validator(mode="before")
    @classmethod
    def _split(cls, given: Any) -> Any:
        return _apart(given, "mixer")


class StudyVariant(Frozen):
    """The same of a study: the options of its form stand beside `proposed` and `aliases`."""

    form: FormOptions
    proposed: bool = False
    aliases: tuple[str, ...] = ()

    @model_validator(mode="before")
    @classmethod
    def _split(cls, given: Any) -> Any:
        return _apart(given, "form")


def _apart(given: Any, options: str) -> Any:
    if not isinstance(given, dict) or isinstance(given.get(options), dict | BaseModel):
        return given
    # lists become tuples here, because strict validation takes no list behind a validator of Python values
    values = {name: tuple(value) if isinstance(value, list) else value for name, value in given.items()}
    own = {name: values.pop(name) for name in ("proposed", "aliases") if name in values}
    return {**own, options: values}


class Compute(Frozen):
    """What the experiment may take: `gpu` None means a CPU; `minutes` and `dollars` are for all of it."""

    gpu: str | None = None
    minutes: float = Field(gt=0)
    dollars: float = Field(ge=0)


class _Checked(Frozen):
    """What is asked of every setup, whatever it consists of."""

    @field_validator("seeds", check_fields=False)
    @classmethod
    def _looks_grow(cls, seeds: tuple[int, ...]) -> tuple[int, ...]:
        if seeds[0] < 1 or any(later <= earlier for earlier, later in pairwise(seeds)):
            raise ValueError("each look needs more seeds than the one before, such as [5, 10]")
        return seeds

    @field_validator("variants", check_fields=False)
    @classmethod
    def _one_idea(cls, variants: dict[str, Any]) -> dict[str, Any]:
        if not any(variant.proposed for variant in variants.values()):
            raise ValueError("no variant is marked `proposed: true`, so nothing is being proposed")
        return variants


class Setup(_Checked):
    """The `yaml mve` block of an experiment that trains. `seeds`: how many seeds each look has seen, in order.
    `error`: how often a decided criterion may be wrong. `metrics`: names of the experiment's own, with unit and
    direction.

    evaluations: further test sets, each as the options of the synthetic that differ: the conditions under which test
    metrics are measured too. probes: names of functions that look into the trained model, each with its metrics."""

    synthetic: SyntheticOptions
    backbone: Backbone
    variants: dict[str, Variant] = Field(min_length=1)
    training: Training
    evaluations: tuple[dict[str, str | int | float], ...] = added(())
    probes: tuple[str, ...] = added(())
    seeds: tuple[int, ...] = Field(min_length=1)
    error: float = Field(default=0.05, gt=0, lt=0.5)
    compute: Compute
    metrics: dict[str, Metric] = {}

    @property
    def proposed(self) -> tuple[str, ...]:
        """Names of the variants that embody the idea."""
        return tuple(name for name, variant in self.variants.items() if variant.proposed)

    @property
    def measured(self) -> dict[str, Metric]:
        """The metrics that a run reports."""
        probed = [PROBE_METRICS.get(probe, {}) for probe in self.probes]
        return {**METRICS, **{name: metric for one in probed for name, metric in one.items()}}

    @property
    def vocabulary(self) -> dict[str, Metric]:
        """The metrics that a criterion may name."""
        return {**self.measured, **self.metrics}


class StudySetup(_Checked):
    """The `yaml mve` block of an experiment that trains nothing: a study in the place of synthetic, backbone and
    training, and variants that are forms of it."""

    study: StudyOptions
    variants: dict[str, StudyVariant] = Field(min_length=1)
    seeds: tuple[int, ...] = Field(min_length=1)
    error: float = Field(default=0.05, gt=0, lt=0.5)
    compute: Compute
    metrics: dict[str, Metric] = {}

    @property
    def proposed(self) -> tuple[str, ...]:
        """As of an experiment that trains."""
        return tuple(name for name, variant in self.variants.items() if variant.proposed)

    @property
    def measured(self) -> dict[str, Metric]:
        """The metrics that a run reports; what a run cost is known of each."""
        known = {**METRICS, **STUDY_METRICS.get(self.study.name, {})}
        return {name: known[name] for name in (*self.study.reports(), "cost")}

    @property
    def vocabulary(self) -> dict[str, Metric]:
        """The metrics that a criterion may name."""
        return {**self.measured, **self.metrics}


AnySetup = Setup | StudySetup


def _kind(given: Any) -> str:
    return "study" if isinstance(given, StudySetup) or (isinstance(given, dict) and "study" in given) else "trained"


OneSetup = Annotated[
    Annotated[Setup, Tag("trained")] | Annotated[StudySetup, Tag("study")],
    Discriminator(_kind),
]


class Criterion(Frozen):
    """One bullet, row or sentence. `formal` is the code span as written, `canonical` its reading. Without a code span
    both `suggested` and `canonical` are a guess, for the author to accept: `binding` is what may be judged."""

    id: str
    """S1, S2... for success, F1, F2... for failure criteria, in order of appearance."""
    section: Section
    role: Written
    text: str
    """The bullet as written, without its marker."""
    file: str
    line: int
    formal: str | None = None
    suggested: str | None = None
    canonical: str | None = None
    reason: str | None = None
    """Why there is no canonical form, or why natural notation is read so."""
    kind: str | None = None
    """Of natural notation: constant, ordering, ratio, margin..."""
    confidence: Literal["high", "medium", "low"] | None = None
    """Of a suggestion."""

    @property
    def binding(self) -> str | None:
        """The canonical form of what the author wrote in a code span; never a suggestion."""
        return None if self.formal is None else self.canonical


class Reported(Frozen):
    """One figure that the source of a proposal reported. `reported`, `where`: as written."""

    variant: str
    metric: str
    condition: tuple[tuple[str, str | int | float], ...] = ()
    reported: str
    where: str = ""


class ReportedBefore(Frozen):
    """The section of that name: its table, and its paragraphs, which say what differs."""

    rows: tuple[Reported, ...]
    prose: tuple[str, ...]


class Proposal(Frozen):
    """A document that was read. `setup` is None where it has no machine-readable setup block."""

    stem: str
    """The file's name without `.md`, or the name of its own folder: the identity."""
    number: str
    """Digits at the head of the stem, as text: "010" is not 8."""
    title: str
    status: str
    priority: str
    created: str
    based_on: tuple[str, ...]
    hypothesis: str
    setup: OneSetup | None
    criteria: tuple[Criterion, ...]
    file: str
    source_sha256: str
    """Of the file's bytes."""
    reported: ReportedBefore | None = None


class Registration(Frozen):
    """What is frozen before anything runs. Line numbers and prose outside the criteria do not belong to it."""

    stem: str
    setup: OneSetup
    criteria: tuple["FrozenCriterion", ...]
    fidelity: Literal["specified", "reduced", "proxy"] = "specified"

    @property
    def canonical_json(self) -> str:
        """Keys sorted, no spaces, no NaN: the text whose hash is the registration's."""
        return json.dumps(
            self.model_dump(mode="json"), sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False
        )

    @property
    def sha256(self) -> str:
        return hashlib.sha256(self.canonical_json.encode()).hexdigest()


class FrozenCriterion(Frozen):
    id: str
    section: Section
    role: Role
    text: str
    canonical: str


Registration.model_rebuild()
