"""The model around a mixer: embeddings, pre-norm residual blocks, a linear head."""

from typing import Any

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn
from torch.nn import functional

from models import options
from models.mixers import build_mixer
from models.mixers.base import At, Mixer, select, vectorising
from models.options import MixerOptions
from models.synthetics.base import Sizes


class SwiGLU(nn.Module):
    """y = W_o (silu(W_g x) * W_u x), inner width `expand` x width (Shazeer, 2020)."""

    def __init__(self, width: int, expand: int = 4) -> None:
        super().__init__()
        # two matrices, not one of twice the size: element-wise kernels are slow on halves of a tensor
        self.gate = nn.Linear(width, expand * width, bias=False)
        self.up = nn.Linear(width, expand * width, bias=False)
        self.out = nn.Linear(expand * width, width, bias=False)

    def forward(self, x: Float[Tensor, "*batch width"]) -> Float[Tensor, "*batch width"]:
        y: Tensor = self.out(functional.silu(self.gate(x)) * self.up(x))
        return y


class _RMSNorm(torch.autograd.Function):
    """By hand: torch's own takes two to four times as long on small tensors on a CPU, mostly in its
    gradient."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, gain: Tensor, eps: float) -> Tensor:
        length = torch.linalg.vector_norm(x, dim=-1, keepdim=True)
        scale = length.square_().div_(x.shape[-1]).add_(eps).rsqrt_()
        unit = x * scale
        ctx.save_for_backward(gain, unit, scale)
        y: Tensor = unit * gain
        return y

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, Tensor, None]:
        gain, unit, scale = ctx.saved_tensors
        along = gradient * unit
        # what points along `unit` does not change it
        mean = (along @ gain).unsqueeze(-1).div_(gain.shape[0])
        by_x = torch.addcmul(gradient * gain, unit, mean, value=-1).mul_(scale)
        return by_x, along.flatten(0, -2).sum(0), None


class RMSNorm(nn.Module):
    """y = g * x / sqrt(mean(x^2) + 1e-6), g: gain of each channel (Zhang and Sennrich, 2019)."""

    EPS = 1e-6

    def __init__(self, width: int) -> None:
        super().__init__()
        self.gain = nn.Parameter(torch.ones(width))

    def forward(self, x: Float[Tensor, "*batch width"]) -> Float[Tensor, "*batch width"]:
        if vectorising():
            return functional.rms_norm(x, (x.shape[-1],), self.gain, self.EPS)
        y: Tensor = _RMSNorm.apply(x, self.gain, self.EPS)  # type: ignore[no-untyped-call]
        return y


class Block(nn.Module):
    """x + mixer(norm(x)), then x + mlp(norm(x)) unless `expand` is 0."""

    def __init__(self, mixer: MixerOptions, backbone: options.Backbone, length: int) -> None:
        super().__init__()
        self.mixer_norm, self.mlp_norm = RMSNorm(backbone.width), None
        if backbone.expand:
            self.mlp_norm = RMSNorm(backbone.width)
        self.mixer = build_mixer(mixer, backbone.width, backbone.heads, length)
        self.mlp = SwiGLU(backbone.width, backbone.expand) if backbone.expand else None
        self.dropout = nn.Dropout(backbone.dropout) if backbone.dropout else nn.Identity()

    def forward(self, x: Float[Tensor, "batch length width"], at: At = None) -> Float[Tensor, "batch queries width"]:
        """The block's output at the positions `at`; what nobody asked for is not computed."""
        x = select(x, at) + self.dropout(self.mixer(self.mixer_norm(x), at))
        if self.mlp is None or self.mlp_norm is None:
            return x
        y: Tensor = x + self.dropout(self.mlp(self.mlp_norm(x)))
        return y


class Backbone(nn.Module):
    """Logits = W norm(block_L(... block_1(E[token] + P[position]))).

    E, P: learned embeddings of tokens and positions, P left out where `positions` is "none"; for signals E is a linear
    map of the channels; W: head without bias, not tied to E, a row for each class, or one where the answer is a number.
    `sizes.length`: the longest sequence, and M of the cosine kernels.
    """

    def __init__(self, mixer: MixerOptions, backbone: options.Backbone, sizes: Sizes) -> None:
        super().__init__()
        self.tokens: nn.Module
        if sizes.vocabulary:
            self.tokens = nn.Embedding(sizes.vocabulary, backbone.width)
        else:
            self.tokens = nn.Linear(sizes.channels, backbone.width)
        self.positions = nn.Embedding(sizes.length, backbone.width) if backbone.positions == "learned" else None
        self.dropout = nn.Dropout(backbone.dropout) if backbone.dropout else nn.Identity()
        self.blocks = nn.ModuleList(Block(mixer, backbone, sizes.length) for _ in range(backbone.layers))
        self.norm = RMSNorm(backbone.width)
        self.head = nn.Linear(backbone.width, sizes.classes or 1, bias=False)

    @property
    def mixers(self) -> list[Mixer]:
        """Of each layer, first to last."""
        return [block.mixer for block in self.blocks]  # type: ignore[misc]

    @property
    def causal(self) -> bool:
        return all(mixer.causal for mixer in self.mixers)

    def state_elements(self) -> int:
        """Numbers in the recurrent state of one sequence, over all layers."""
        return sum(mixer.state_elements() for mixer in self.mixers)

    def anneal(self, progress: float) -> None:
        """See `Mixer.anneal`."""
        for mixer in self.mixers:
            mixer.anneal(progress)

    def forward(
        self, tokens: Int[Tensor, "batch length"] | Float[Tensor, "batch length channels"], at: At = None
    ) -> Float[Tensor, "batch queries classes"]:
        """Logits at the positions `at` (None: all); where the answer is a number, that number as the only class.

        Two exact savings: the caller may cut `tokens` after the last position that anyone asks for, where the
        model is causal; and the last block's queries, MLP and the head are computed at `at` alone.
        """
        x = self.tokens(tokens)
        if self.positions is not None:
            x = x + self.positions.weight[: tokens.shape[1]]
        x = self.dropout(x)
        last = len(self.blocks) - 1
        for depth, block in enumerate(self.blocks):
            x = block(x, at if depth == last else None)
        logits: Tensor = self.head(self.norm(x))
        return logits
