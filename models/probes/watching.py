"""What each mixer of a model is given, for probes that look at what it makes of it."""

from collections.abc import Iterator

from jaxtyping import Float, Int
from torch import Tensor

from models.backbone import Backbone
from models.mixers.base import Mixer


def mixer_inputs(
    model: Backbone, inputs: Int[Tensor, "sequences length"] | Float[Tensor, "sequences length channels"]
) -> Iterator[tuple[Mixer, Float[Tensor, "sequences length width"]]]:
    """Each layer's mixer with the normed input that it is called with, first layer first."""
    seen: list[tuple[Mixer, Tensor]] = []

    def note(mixer: Mixer, given: tuple[Tensor, ...]) -> None:
        seen.append((mixer, given[0]))

    hooks = [mixer.register_forward_pre_hook(note) for mixer in model.mixers]
    try:
        model(inputs)
    finally:
        for hook in hooks:
            hook.remove()
    return iter(seen)
