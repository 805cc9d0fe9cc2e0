"""Other test sets for a trained model, such as longer sequences: the conditions of a metric."""

from typing import Any

from models.options import SyntheticOptions


def options_under(synthetic: SyntheticOptions, condition: dict[str, Any]) -> SyntheticOptions:
    """The synthetic with the options of `condition` in the place of its own. A length that is named is that of every
    sequence, where the synthetic mixes lengths.

    Raises ValueError (pydantic's) where it has no such option or value.
    """
    fixed = {"shortest": None} if "length" in condition and hasattr(synthetic, "shortest") else {}
    return type(synthetic).model_validate({**synthetic.model_dump(), **fixed, **condition})
