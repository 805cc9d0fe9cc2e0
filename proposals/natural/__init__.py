"""Criteria in natural notation: a *suggested* formal reading, or the reason why there is none. Never a verdict."""

from proposals.natural.reading import Class, Context, Introduced, KnownVariant, Role, Suggestion
from proposals.natural.suggest import suggest

__all__ = ["Class", "Context", "Introduced", "KnownVariant", "Role", "Suggestion", "suggest"]
