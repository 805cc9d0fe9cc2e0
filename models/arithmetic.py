"""What follows from a setup on paper: parameters, recurrent state and FLOPs of a model. No torch here.

The formulas repeat what the modules build; a test holds them to the modules, number for number. Whatever they do
not know (a mixer without an entry, an option that was added since) gives None, never a guess: a figure from here
may decide a proposal without training.
"""

from dataclasses import dataclass

from pydantic import BaseModel

from models.options import Backbone, LinearAttention, LogLinear, MixerOptions, Mqar, SoftmaxAttention, SyntheticOptions

BYTES_PER_NUMBER = 4
"""Models train in float32."""


@dataclass(frozen=True)
class Figures:
    """Of one model, and of one sequence of full length with an output at every position.

    parameters: trained numbers; state_memory: bytes of the recurrent state, over all layers; flops: of the matrix
    products of one forward pass, two for each multiply-add, as torch's counter counts them. They are those of the
    code that trains, which forms all pairs of positions, and not of the recurrence that a mixer could also be.
    """

    parameters: int
    state_memory: int
    flops: int


@dataclass(frozen=True)
class _Layer:
    """One mixer in one layer: trained numbers, numbers of state, FLOPs."""

    parameters: int
    state: int
    flops: int


def figures_of(mixer: MixerOptions, backbone: Backbone, synthetic: SyntheticOptions) -> Figures | None:
    """None where the mixer, or what it stands in, is not known here."""
    sizes = _sizes(synthetic)
    if sizes is None or not _has_only(backbone, "layers", "width", "heads", "dropout", "positions", "expand"):
        return None
    vocabulary, length = sizes
    width = backbone.width
    layer = _mixer(mixer, width, backbone.heads, length)
    if layer is None:
        return None
    mlp, norm = 3 * width * backbone.expand * width, width
    block = layer.parameters + mlp + (2 if backbone.expand else 1) * norm
    positions = length if backbone.positions == "learned" else 0
    embeddings, head = (vocabulary + positions) * width, width * vocabulary
    return Figures(
        parameters=embeddings + backbone.layers * block + norm + head,
        state_memory=BYTES_PER_NUMBER * backbone.layers * layer.state,
        flops=backbone.layers * (layer.flops + 2 * length * mlp) + 2 * length * head,
    )


def why_not(mixer: MixerOptions, backbone: Backbone, synthetic: SyntheticOptions) -> str:
    """What `figures_of` does not know, empty where it knows all."""
    if _sizes(synthetic) is None:
        return f"there is no arithmetic for the synthetic `{synthetic.name}`"
    if figures_of(mixer, backbone, synthetic) is None:
        return f"there is no arithmetic for the mixer `{mixer.mixer}` with these options"
    return ""


def _sizes(synthetic: SyntheticOptions) -> tuple[int, int] | None:
    """Vocabulary and length."""
    return (synthetic.vocabulary, synthetic.length) if isinstance(synthetic, Mqar) else None


def _mixer(options: MixerOptions, width: int, heads: int, length: int) -> _Layer | None:
    if isinstance(options, SoftmaxAttention) and _has_only(options, "mixer"):
        return _attention(width, length, state=2 * length * width, values=width)
    if not isinstance(options, LinearAttention | LogLinear) or not _has_only(options, "mixer", "kernel"):
        return None
    streams = {"elu": 1, "relu": 1, "cosine": 2}.get(options.kernel)
    if streams is None:
        return None
    # phi(k) v^T and phi(k), in each head and stream; in the products, the values have a column of ones beside them
    state, values = streams * (width * (width // heads) + width), width + heads
    layer = _attention(width, length, state, values)
    if isinstance(options, LinearAttention):
        return layer
    levels = (length - 1).bit_length() + 1
    return _Layer(
        parameters=layer.parameters + width * heads * levels,
        state=levels * layer.state,
        # the weights of the levels, and each pair's weight chosen among them
        flops=layer.flops + 2 * length * width * heads * levels + 2 * length * length * heads * levels,
    )


def _attention(width: int, length: int, state: int, values: int) -> _Layer:
    """Projections of queries, keys, values and output; weights of all pairs; `values`: columns that they average."""
    projections = 4 * width * width
    return _Layer(projections, state, 2 * length * projections + 2 * length * length * (width + values))


def _has_only(options: BaseModel, *known: str) -> bool:
    """An option that was added since these formulas were written may change them."""
    return set(type(options).model_fields) == set(known)
