"""Causal linear attention with one state: elu, relu and cosFormer."""

from jaxtyping import Float
from torch import Tensor

from models import options
from models.mixers.base import At, HeadMixer, rows
from models.mixers.features import feature_map, position_weights, weighted_mean


class LinearAttention(HeadMixer):
    """y_t = W_o sum_{s <= t} w(t, s) v_s / (sum_{s <= t} w(t, s) + 1e-6),
    w(t, s) = phi(q_t) . phi(k_s) c(t, s).

    q, k, v: projections of x; phi: elu + 1 or relu; c(t, s): 1, or cos(pi/2 (t - s) / M) with M = length
    for the kernel "cosine" (by cos(a - b) a recurrence with two states, a cosine and a sine stream); W_o:
    output projection.

    elu: Katharopoulos et al., "Transformers are RNNs", 2020; cosine: Qin et al., "cosFormer", 2022.
    State: phi(k) v^T and phi(k) summed over time, in each head; twice that for "cosine".

    Raises ValueError where width is not a multiple of heads.
    """

    def __init__(self, options: options.LinearAttention, width: int, heads: int, length: int) -> None:
        super().__init__(width, heads, length)
        self.kernel = options.kernel
        self.weights: Tensor
        self.register_buffer("weights", position_weights(options.kernel, length), persistent=False)

    def forward(self, x: Float[Tensor, "batch length width"], at: At = None) -> Float[Tensor, "batch queries width"]:
        q, k, v = self.queries_keys_values(x, at)
        c = rows(self.weights[: x.shape[1], : x.shape[1]], at).to(x.dtype)
        weights = feature_map(self.kernel, q) @ feature_map(self.kernel, k).mT
        return self.join_heads(weighted_mean(weights * (c if c.dim() == 2 else c.unsqueeze(1)), v))

    def state_elements(self) -> int:
        streams = 2 if self.kernel == "cosine" else 1
        return streams * self.heads * self.head_width * (self.head_width + 1)
