"""The model around a mixer: embeddings, pre-norm residual blocks, a linear head."""

import torch
from torch.nn import functional
from jaxtyping import Float, Int
from torch import Tensor, nn

from models import options
from models.mixers import build_mixer
from models.mixers.base import At, select
from models.options import MixerOptions


class SwiGLU(nn.Module):
    """y = W_o (silu(W_g x) * W_u x), inner width 4 x width (Shazeer, 2020)."""

    def __init__(self, width: int) -> None:
        super().__init__()
        # two matrices, not one of twice the size: element-wise kernels are slow on halves of a tensor
        self.gate = nn.Linear(width, 4 * width, bias=False)
        self.up = nn.Linear(width, 4 * width, bias=False)
        self.out = nn.Linear(4 * width, width, bias=False)

    def forward(self, x: Float[Tensor, "*batch width"]) -> Float[Tensor, "*batch width"]:
        y: Tensor = self.out(functional.silu(self.gate(x)) * self.up(x))
        return y


class RMSNorm(nn.Module):
    """y = g * x / sqrt(mean(x^2) + 1e-6), g: gain of each channel (Zhang and Sennrich, 2019)."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.gain = nn.Parameter(torch.ones(width))

    def forward(self, x: Float[Tensor, "*batch width"]) -> Float[Tensor, "*batch width"]:
        return functional.rms_norm(x, (x.shape[-1],), self.gain, 1e-6)


class Block(nn.Module):
    """x + mixer(norm(x)), then x + mlp(norm(x))."""

    def __init__(self, mixer: MixerOptions, backbone: options.Backbone, length: int) -> None:
        super().__init__()
        self.mixer_norm, self.mlp_norm = RMSNorm(backbone.width), RMSNorm(backbone.width)
        self.mixer = build_mixer(mixer, backbone.width, backbone.heads, length)
        self.mlp = SwiGLU(backbone.width)
        self.dropout = nn.Dropout(backbone.dropout) if backbone.dropout else nn.Identity()

    def forward(
        self, x: Float[Tensor, "batch length width"], at: At = None
    ) -> Float[Tensor, "batch queries width"]:
        """The block's output at the positions `at`; what nobody asked for is not computed."""
        x = select(x, at) + self.dropout(self.mixer(self.mixer_norm(x), at))
        y: Tensor = x + self.dropout(self.mlp(self.mlp_norm(x)))
        return y


class Backbone(nn.Module):
    """Logits = W norm(block_L(... block_1(E[token] + P[position]))).

    E, P: learned embeddings of tokens and positions; W: head without bias, not tied to E.
    `length`: the longest sequence, and M of the cosine kernels. `vocabulary`: number of tokens.
    """

    def __init__(self, mixer: MixerOptions, backbone: options.Backbone, vocabulary: int, length: int) -> None:
        super().__init__()
        self.tokens = nn.Embedding(vocabulary, backbone.width)
        self.positions = nn.Embedding(length, backbone.width)
        self.dropout = nn.Dropout(backbone.dropout) if backbone.dropout else nn.Identity()
        self.blocks = nn.ModuleList(Block(mixer, backbone, length) for _ in range(backbone.layers))
        self.norm = RMSNorm(backbone.width)
        self.head = nn.Linear(backbone.width, vocabulary, bias=False)

    @property
    def causal(self) -> bool:
        return all(block.mixer.causal for block in self.blocks)  # type: ignore[union-attr]

    def state_elements(self) -> int:
        """Numbers in the recurrent state of one sequence, over all layers."""
        return sum(block.mixer.state_elements() for block in self.blocks)  # type: ignore[union-attr, operator, misc]

    def forward(
        self, tokens: Int[Tensor, "batch length"], at: At = None
    ) -> Float[Tensor, "batch queries vocabulary"]:
        """Logits at the positions `at` (None: all).

        Two exact savings: the caller may cut `tokens` after the last position that anyone asks for, where the
        model is causal; and the last block's queries, MLP and the head are computed at `at` alone.
        """
        x = self.dropout(self.tokens(tokens) + self.positions.weight[: tokens.shape[1]])
        last = len(self.blocks) - 1
        for depth, block in enumerate(self.blocks):
            x = block(x, at if depth == last else None)
        logits: Tensor = self.head(self.norm(x))
        return logits
