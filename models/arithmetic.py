"""What follows from a setup on paper: parameters, recurrent state and FLOPs of a model. No torch here.

The formulas repeat what the modules build; a test holds them to the modules, number for number. Whatever they do
not know (a mixer without an entry, an option that was added since) gives None, never a guess: a figure from here
may decide a proposal without training.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel

from models.evaluations import options_under
from models.options import (
    Backbone,
    DampedOscillation,
    HierarchicalCopy,
    Hss,
    LinearAttention,
    LogLinear,
    MixerOptions,
    Mqar,
    Parity,
    SoftmaxAttention,
    SyntheticOptions,
)

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


@dataclass(frozen=True)
class _Sizes:
    """As in `models.synthetics.base.Data`; longest: of all sequences, those of evaluations too."""

    vocabulary: int
    classes: int
    channels: int
    length: int
    longest: int


def figures_of(
    mixer: MixerOptions,
    backbone: Backbone,
    synthetic: SyntheticOptions,
    evaluations: Sequence[dict[str, Any]] = (),
) -> Figures | None:
    """None where the mixer, or what it stands in, is not known here. evaluations: the model is made for the longest
    sequence among them, which the FLOPs are not of."""
    sizes = _sizes(synthetic, evaluations)
    if sizes is None or not _has_only(backbone, "layers", "width", "heads", "dropout", "positions", "expand"):
        return None
    width, length = backbone.width, sizes.length
    layer = _mixer(mixer, width, backbone.heads, length, sizes.longest)
    if layer is None:
        return None
    mlp, norms = 3 * width * backbone.expand * width, 2 * width if backbone.expand else width
    into = (sizes.vocabulary or sizes.channels + 1) * width
    positions = sizes.longest * width if backbone.positions == "learned" else 0
    head = width * (sizes.classes or 1)
    return Figures(
        parameters=into + positions + backbone.layers * (layer.parameters + mlp + norms) + width + head,
        state_memory=BYTES_PER_NUMBER * backbone.layers * layer.state,
        # tokens are looked up, signals are multiplied
        flops=backbone.layers * (layer.flops + 2 * length * mlp) + 2 * length * (head + sizes.channels * width),
    )


def why_not(
    mixer: MixerOptions,
    backbone: Backbone,
    synthetic: SyntheticOptions,
    evaluations: Sequence[dict[str, Any]] = (),
) -> str:
    """What `figures_of` does not know, empty where it knows all."""
    if _sizes(synthetic, evaluations) is None:
        return f"there is no arithmetic for the synthetic `{synthetic.name}`"
    if figures_of(mixer, backbone, synthetic, evaluations) is None:
        return f"there is no arithmetic for the mixer `{mixer.mixer}` with these options"
    return ""


def _sizes(synthetic: SyntheticOptions, evaluations: Sequence[dict[str, Any]]) -> _Sizes | None:
    length = getattr(synthetic, "length", 0)
    longest = max([length, *(options_under(synthetic, condition).length for condition in evaluations)])
    match synthetic:
        case Mqar():
            return _Sizes(synthetic.vocabulary, synthetic.vocabulary, 0, length, longest)
        case Parity():
            return _Sizes(2, 2, 0, length, longest)
        case HierarchicalCopy():
            return _Sizes(3 + synthetic.symbols, synthetic.symbols, 0, length, longest)
        case DampedOscillation():
            return _Sizes(0, 0, 2 if synthetic.prefix else 1, length, longest)
    return None


def _mixer(options: MixerOptions, width: int, heads: int, length: int, longest: int) -> _Layer | None:
    if isinstance(options, SoftmaxAttention) and _has_only(options, "mixer"):
        return _attention(width, length, state=2 * longest * width, values=width)
    if isinstance(options, Hss) and _has_only(options, "mixer", "form", "rank", "leaf"):
        return _hss(options, width, heads, length)
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
    levels = (longest - 1).bit_length() + 1
    return _Layer(
        parameters=layer.parameters + width * heads * levels,
        state=levels * layer.state,
        # the weights of the levels, and each pair's weight chosen among them
        flops=layer.flops + 2 * length * width * heads * levels + 2 * length * length * heads * levels,
    )


def _hss(options: Hss, width: int, heads: int, length: int) -> _Layer | None:
    """phi(k), and the matrix or its blocks. None where the head's width is no leaf times a power of two."""
    size, rank, leaf = width // heads, options.rank, options.leaf
    if options.form == "dense":
        return _attention(width, length, state=heads * (size * size + size), values=width)
    if size % leaf or (size // leaf) & (size // leaf - 1):
        return None
    stored, rebuilt, half = size * leaf, 0, size // 2
    while half >= leaf:
        # size / half blocks beside the diagonal: two factors, or the whole block where that is less
        stored += size // half * min(2 * half * rank, half * half)
        rebuilt += size // half * 2 * half * half * rank if rank < half else 0
        half //= 2
    layer = _attention(width, length, state=heads * (stored + size), values=width)
    largest = rank * 3 // 2
    cuts = range(largest, length, largest + 1 - rank)
    if not cuts:
        return layer
    # updates up to the last cut, what queries after the first one read, factors multiplied again (no decomposition)
    more = heads * (2 * size * size * (cuts[-1] + 1 + length - cuts[0]) + len(cuts) * rebuilt)
    return _Layer(layer.parameters, layer.state, layer.flops + more)


def _attention(width: int, length: int, state: int, values: int) -> _Layer:
    """Projections of queries, keys, values and output; weights of all pairs; `values`: columns that they average."""
    projections = 4 * width * width
    return _Layer(projections, state, 2 * length * projections + 2 * length * length * (width + values))


def _has_only(options: BaseModel, *known: str) -> bool:
    """An option that was added since these formulas were written may change them."""
    return set(type(options).model_fields) == set(known)
