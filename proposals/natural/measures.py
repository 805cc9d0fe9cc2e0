"""Which metric a clause is about, its unit and direction, and quantities in its terms."""

from dataclasses import dataclass, field

from models.metrics import Metric
from proposals.natural.chunks import Notes, Quantity
from proposals.natural.nouns import OWN, SPEED
from proposals.natural.reading import Class, Context, Refused

ERRORS = frozenset({"max_error", "relative_error"})
TIMES = frozenset({"forward_time", "step_time", "train_time", "kernel_time", "matvec_time", "throughput", SPEED})


@dataclass
class Measures:
    """The metrics of one criterion. `own` grows with those that it introduces."""

    context: Context
    notes: Notes
    inherited: str | None = None
    own: dict[str, Metric] = field(default_factory=dict)

    def chosen(self, written: str | None, quantity: Quantity | None, class_: Class, default: str | None = None) -> str:
        """The metric of a clause: the noun, what its unit says, what an earlier criterion was about."""
        if written == SPEED:
            raise Refused("speed is relative: faster than what?", "ratio")
        if written == "test_accuracy" and self.notes.training:
            raise Refused("training or test accuracy?", class_)
        if written is not None:
            return self.known(written, quantity)
        if quantity is not None and quantity.unit in ("tok/s", "$"):
            return {"tok/s": "throughput", "$": "cost"}[quantity.unit]
        name = self.inherited or self.context.metric or (self.context.siblings and self.context.siblings[-1].metric)
        name = name or default
        if not name:
            raise Refused("which metric is meant is not said", class_)
        metric = self.metric(name)
        if quantity is not None and not _fits(metric, quantity):
            raise Refused(
                f"which metric is meant is not said ({name} is not measured in `{quantity.unit or 'plain numbers'}`)",
                class_,
            )
        self.notes.assumed.append(f"the metric is taken to be {name}")
        return name

    def known(self, written: str, quantity: Quantity | None = None) -> str:
        """The name of a metric that stands in the text, introduced if the vocabulary lacks it."""
        name = written.removeprefix("@own:")
        if name in self.context.metrics:
            return name
        if name in OWN:
            self.own[name] = OWN[name]
        elif name not in self.own:
            unit = "fraction" if quantity is not None and quantity.unit == "%" else "number"
            words = name.replace("_", " ")
            self.own[name] = Metric(unit=unit, direction="neither", describes=words)
        return name

    def metric(self, name: str) -> Metric:
        found = self.context.metrics.get(name) or self.own.get(name) or OWN.get(name)
        if found is None:
            raise Refused(f"the metric {name} is not known")
        if name not in self.context.metrics:
            self.own[name] = found
        return found

    def is_share(self, name: str) -> bool:
        return self.metric(name).unit == "fraction"

    def quality(self, name: str, better: str) -> str:
        """`better` (> for better) as a comparison of the numbers."""
        direction = self.metric(name).direction
        if direction == "neither":
            raise Refused(f"which way of {name} is better is not known", "ordering")
        return better if direction == "higher" else {">": "<", ">=": "<=", "<": ">", "<=": ">="}[better]


def _fits(metric: Metric, quantity: Quantity) -> bool:
    allowed = {
        "fraction": ("%", "pp", ""), "number": ("", "%", "x"), "count": ("", "x", "steps"), "seconds": ("us",
        "ms", "s", "min", "h", "x", "%"),
        "bytes": ("B", "KB", "MB", "GB", "KiB", "MiB", "GiB", "x", "%"), "per_second": ("tok/s", "x",
        "%"), "dollars": ("$",),
        "event": (),
    }  # fmt: skip
    return quantity.unit in allowed[metric.unit]
