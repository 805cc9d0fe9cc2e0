"""Names in a criterion -> variants and metrics of the setup."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from math import isfinite

from lark import Token

from proposals.errors import ProposalError
from proposals.language import surface as written
from proposals.language.expressions import MetricRef
from proposals.language.names import Names, is_name, suggestion
from proposals.language.source import Source


@dataclass(frozen=True)
class Lookup:
    """Each method raises ProposalError at the character of the name that is not known."""

    source: Source
    names: Names

    def path(self, node: written.Path) -> MetricRef:
        if node.metric is not None:
            variant = self._variant(node.name, node.at)
            return MetricRef(variant, self._metric(node.metric), self._condition(node.settings))
        if node.name in self.names.metrics:
            if len(self.names.proposed) != 1:
                several = ", ".join(self.names.proposed) or "none"
                raise self.source.error(
                    node.at,
                    f"`{node.name}` alone means the proposed variant, and there is not one: {several}",
                    f"Write `variant.{node.name}`",
                )
            return MetricRef(self.names.proposed[0], node.name, self._condition(node.settings))
        variant = self.names.variant(node.name) or ""
        if variant:
            raise self.source.error(
                node.at,
                f"`{node.name}` is a variant; of which metric is not said",
                f"Write `{node.name}.test_accuracy`, or another metric",
            )
        raise self._unknown(node.name, node.at, "metric and no variant", [*self.names.metrics, *self.names.variants])

    def reference(self, node: written.Invocation, variant: str) -> MetricRef:
        assert node.metric is not None
        return MetricRef(variant, self._metric(node.metric), self._condition(node.settings))

    def references(self, node: written.Invocation) -> list[MetricRef]:
        return [self.reference(node, variant) for variant in self.variants(node)]

    def variants(self, node: written.Invocation) -> tuple[str, ...]:
        if node.arguments is None:
            return self.names.variants
        found: list[str] = []
        for item in node.arguments:
            if not isinstance(item, written.Path) or item.metric is not None or item.settings:
                raise self.source.error(
                    item.at,
                    f"`{node.function}(...).{node.metric}` takes names of variants",
                    f"Write `{node.function}(a, b).{node.metric}`",
                )
            variant = self._variant(item.name, item.at)
            if variant in found:
                raise self.source.error(item.at, f"`{variant}` is named twice", "Name each variant once")
            found.append(variant)
        return tuple(found)

    def _variant(self, name: str, at: int) -> str:
        variant = self.names.variant(name)
        if variant is None:
            raise self._unknown(name, at, "variant", [*self.names.variants, *self.names.aliases])
        return variant

    def _metric(self, token: Token) -> str:
        assert token.start_pos is not None
        if token not in self.names.metrics:
            raise self._unknown(str(token), token.start_pos, "metric", self.names.metrics)
        return str(token)

    def _unknown(self, name: str, at: int, kind: str, known: Iterable[str]) -> ProposalError:
        if name in self.names.unmeasured and "metric" in kind:
            return self.source.error(at, f"nothing measures `{name}`", self.names.unmeasured[name])
        shown = name if len(name) <= 60 else name[:60] + "..."
        for alias, variant in self.names.aliases.items():
            if not is_name(alias) and self.source.text.startswith(alias, at):
                return self.source.error(at, f"`{alias}` needs quotes here", f'Write `"{alias}"`, or `{variant}`')
        noun = "variants" if kind == "variant" else "metrics"
        return self.source.error(at, f"`{shown}` is no {kind}", suggestion(name, known, noun))

    def _condition(self, settings: Sequence[written.Setting]) -> tuple[tuple[str, str | int | float], ...]:
        seen: dict[str, str | int | float] = {}
        for setting in settings:
            if setting.name in seen:
                raise self.source.error(setting.at, f"`{setting.name}` is given twice", "Give each condition once")
            if isinstance(setting.value, float) and not isfinite(setting.value):
                raise self.source.error(setting.at, f"`{setting.name}` is out of range", "Write a finite number")
            seen[setting.name] = setting.value
        return tuple(sorted(seen.items()))
