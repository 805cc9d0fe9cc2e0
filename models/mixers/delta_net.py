"""The delta rule, in chunks, and with a routed state."""

from typing import ClassVar

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional

from models import options
from models.mixers.base import At, Mixer, select
from models.mixers.routing import ColumnRouting
from models.mixers.scan import scan

CHUNK = 32
EPS = 1e-6


class DeltaNet(Mixer):
    """y_t = W_o norm(S_t^T q_t) in each head, S_t = (I - beta_t k_t k_t^T) S_{t-1} + beta_t k_t v_t^T.

    S_{-1} is zero, or learned from the identity on. q, k, v: linear in x, k of length 1, and before that a short causal
    convolution and SiLU if asked for; beta_t = sigmoid(w_beta . x_t), twice that with "double"; norm: RMSNorm with
    gains, times silu(W_g x_t) with `gate`.

    Schlag et al., "Linear Transformers Are Secretly Fast Weight Programmers", 2021; Yang et al., "Parallelizing Linear
    Transformers with the Delta Rule over Sequence Length", 2024; Grazzi et al., "Unlocking State-Tracking in Linear
    RNNs Through Negative Eigenvalues", 2024. Memory is linear in length. State: state x state for each head.

    Raises ValueError where width is not a multiple of heads and no `state` is given.
    """

    def __init__(self, options: options.DeltaNet, width: int, heads: int, length: int) -> None:
        super().__init__()
        if options.state is None and width % heads:
            raise ValueError(f"width {width} is not a multiple of heads {heads}: give the size of a head with `state`")
        self.heads, self.state = heads, options.state or width // heads
        self.largest_beta = 2.0 if options.beta == "double" else 1.0
        inner = heads * self.state
        self.into = nn.Linear(width, 3 * inner, bias=False)
        self.beta = nn.Linear(width, heads, bias=False)
        taps = options.short_convolution
        self.convolution = nn.Conv1d(3 * inner, 3 * inner, taps, groups=3 * inner, bias=False) if taps else None
        learned = options.initial == "learned"
        self.initial = nn.Parameter(torch.eye(self.state).repeat(heads, 1, 1)) if learned else None
        self.gain = nn.Parameter(torch.ones(self.state))
        self.gate = nn.Linear(width, inner, bias=False) if options.gate else None
        self.out = nn.Linear(inner, width, bias=False)

    def forward(self, x: Float[Tensor, "batch length width"], at: At = None) -> Float[Tensor, "batch queries width"]:
        q, k, v = self.queries_keys_values(x)
        read = self.read(x, q, k, v, self.betas(x))
        return self.readout(select(x, at), select(read.flatten(2), at))

    def queries_keys_values(
        self, x: Float[Tensor, "batch length width"]
    ) -> tuple[
        Float[Tensor, "batch length heads state"],
        Float[Tensor, "batch length heads state"],
        Float[Tensor, "batch length heads state"],
    ]:
        qkv = self.into(x)
        if self.convolution is not None:
            before = self.convolution.kernel_size[0] - 1
            padded = functional.pad(qkv.mT, (before, 0))
            qkv = functional.silu(self.convolution(padded)).mT
        q, k, v = qkv.reshape(*x.shape[:2], 3, self.heads, self.state).unbind(2)
        return q, functional.normalize(k, dim=-1), v

    def betas(self, x: Float[Tensor, "batch length width"]) -> Float[Tensor, "batch length heads"]:
        """Step size of each write."""
        return self.largest_beta * torch.sigmoid(self.beta(x))

    def read(
        self,
        x: Float[Tensor, "batch length width"],
        q: Float[Tensor, "batch length heads state"],
        k: Float[Tensor, "batch length heads state"],
        v: Float[Tensor, "batch length heads state"],
        beta: Float[Tensor, "batch length heads"],
    ) -> Float[Tensor, "batch length heads state"]:
        """S_t^T q_t at all t."""
        return chunkwise_delta_rule(q, k, v, beta, self.initial)

    def transitions(
        self,
        x: Float[Tensor, "batch length width"],
        k: Float[Tensor, "batch length heads state"],
        beta: Float[Tensor, "batch length heads"],
    ) -> Float[Tensor, "batch length heads state state"]:
        """A_t of S_t = A_t S_{t-1} + beta_t k_t v_t^T."""
        identity = torch.eye(self.state, dtype=k.dtype, device=k.device)
        return identity - (beta.unsqueeze(-1) * k).unsqueeze(-1) * k.unsqueeze(-2)

    def recurrence(
        self, x: Float[Tensor, "batch length width"]
    ) -> tuple[
        Float[Tensor, "batch length heads state state"],
        Float[Tensor, "batch length heads state state"],
        Float[Tensor, "heads state state"] | None,
    ]:
        """A_t and beta_t k_t v_t^T of all t, and S_{-1}, for those who look inside."""
        _, k, v = self.queries_keys_values(x)
        beta = self.betas(x)
        return self.transitions(x, k, beta), writes(k, v, beta), self.initial

    def readout(
        self, x: Float[Tensor, "batch queries width"], read: Float[Tensor, "batch queries inner"]
    ) -> Float[Tensor, "batch queries width"]:
        """The normed, gated output of all heads side by side, projected."""
        by_head = read.view(*read.shape[:2], self.heads, self.state)
        normed = functional.rms_norm(by_head, (self.state,), self.gain, EPS).flatten(2)
        if self.gate is not None:
            normed = normed * functional.silu(self.gate(x))
        y: Tensor = self.out(normed)
        return y

    def state_elements(self) -> int:
        return self.heads * self.state * self.state


class RoutedDeltaNet(DeltaNet):
    """The delta rule with a state whose rows are moved by P(x_t), see `ColumnRouting`.

    routing "state": S_t = P_t S_{t-1} + beta_t k_t (v_t - S_{t-1}^T k_t)^T, the error being that of the state before it
    was moved. The transition is P_t - beta_t k_t k_t^T, which may be longer than 1 whatever P_t is: products over time
    can grow. "before": S_t = (I - beta_t k_t k_t^T) P_t S_{t-1} + beta_t k_t v_t^T, not longer than 1 where P_t is a
    permutation.

    With beta "double" its largest value widens from 1 to 2 over the first half of training. Computed as a scan over
    dense transitions, since a product of maps and reflections has no short form as a product of reflections has.
    """

    stochastic: ClassVar[bool] = True
    anneals: ClassVar[bool] = True

    def __init__(self, options: options.DeltaNet, width: int, heads: int, length: int) -> None:
        super().__init__(options, width, heads, length)
        self.delta_on_moved_state = options.routing == "before"
        self.final_beta = self.largest_beta
        self.routing = ColumnRouting(width, heads, self.state)

    def anneal(self, progress: float) -> None:
        self.largest_beta = 1 + (self.final_beta - 1) * min(1.0, 2 * progress)
        self.routing.anneal(progress)

    def transitions(
        self,
        x: Float[Tensor, "batch length width"],
        k: Float[Tensor, "batch length heads state"],
        beta: Float[Tensor, "batch length heads"],
    ) -> Float[Tensor, "batch length heads state state"]:
        moved: Tensor = self.routing(x)
        key = k.unsqueeze(-1)
        recalled = key.mT @ moved if self.delta_on_moved_state else key.mT
        return moved - (beta[..., None, None] * key) * recalled

    def read(
        self,
        x: Float[Tensor, "batch length width"],
        q: Float[Tensor, "batch length heads state"],
        k: Float[Tensor, "batch length heads state"],
        v: Float[Tensor, "batch length heads state"],
        beta: Float[Tensor, "batch length heads"],
    ) -> Float[Tensor, "batch length heads state"]:
        states = scan_heads(self.transitions(x, k, beta), writes(k, v, beta), self.initial)
        read: Tensor = (q.unsqueeze(-2) @ states).squeeze(-2)
        return read


def delta_net(options: options.DeltaNet, width: int, heads: int, length: int) -> DeltaNet:
    """The delta rule, routed or not."""
    kind = DeltaNet if options.routing == "none" else RoutedDeltaNet
    return kind(options, width, heads, length)


def writes(
    k: Float[Tensor, "batch length heads state"],
    v: Float[Tensor, "batch length heads state"],
    beta: Float[Tensor, "batch length heads"],
) -> Float[Tensor, "batch length heads state state"]:
    """beta_t k_t v_t^T."""
    return (beta.unsqueeze(-1) * k).unsqueeze(-1) * v.unsqueeze(-2)


def scan_heads(
    transitions: Float[Tensor, "batch length heads n n"],
    inputs: Float[Tensor, "batch length heads n m"],
    initial: Float[Tensor, "heads n m"] | None = None,
) -> Float[Tensor, "batch length heads n m"]:
    """`scan` for each head, from the state `initial` on."""
    if initial is not None:
        first = inputs[:, :1] + transitions[:, :1] @ initial
        inputs = torch.cat([first, inputs[:, 1:]], 1)
    heads = inputs.shape[2]
    if heads == 1:
        return scan(transitions.squeeze(2), inputs.squeeze(2)).unsqueeze(2)
    batch = inputs.shape[0]
    states = scan(transitions.transpose(1, 2).flatten(0, 1), inputs.transpose(1, 2).flatten(0, 1))
    return states.view(batch, heads, *states.shape[1:]).transpose(1, 2)


def chunkwise_delta_rule(
    q: Float[Tensor, "batch length heads d"],
    k: Float[Tensor, "batch length heads d"],
    v: Float[Tensor, "batch length heads d"],
    beta: Float[Tensor, "batch length heads"],
    initial: Float[Tensor, "heads d d"] | None = None,
) -> Float[Tensor, "batch length heads d"]:
    """o_t = S_t^T q_t with S_t = (I - beta_t k_t k_t^T) S_{t-1} + beta_t k_t v_t^T, in chunks of C positions.

    initial: S_{-1}, zero where nothing is given.

    Inside a chunk that begins with S, row t of U is what step t writes along k_t, beta_t (v_t - S_{t-1}^T k_t). All of
    them solve one triangular system, (I + tril(diag(beta) K K^T, -1)) U = diag(beta) (V - K S), so U = U' - W S
    with U' and W from one solve for all chunks at once (the UT transform). A chunk leaves behind
    (I - K^T W) S + K^T U', a dense recurrence over chunks for `scan`, and O = Q S + tril(Q K^T) U.
    """
    dtype, length = q.dtype, q.shape[1]
    chunk = min(CHUNK, length)
    padding = -length % chunk

    def in_chunks(x: Tensor) -> Tensor:
        x = functional.pad(x, (0, 0, 0, 0, 0, padding)).transpose(1, 2)
        x = x.reshape(*x.shape[:2], -1, chunk, x.shape[-1])
        return x.to(torch.promote_types(dtype, torch.float32))

    q, k, v, beta = in_chunks(q), in_chunks(k), in_chunks(v), in_chunks(beta.unsqueeze(-1))
    system = (beta * (k @ k.mT)).tril(-1)
    # the ones on the diagonal are implied
    solved = torch.linalg.solve_triangular(system, beta * torch.cat([v, k], -1), upper=False, unitriangular=True)
    written, along = solved.split([v.shape[-1], k.shape[-1]], -1)
    within = (q @ k.mT).tril()
    if k.shape[2] == 1 and initial is None:
        out = within @ written
    else:
        begin = _beginnings(k, written, along, initial)
        out = q @ begin + within @ (written - along @ begin)
    read: Tensor = out.flatten(2, 3)[:, :, :length].transpose(1, 2)
    return read.to(dtype)


def _beginnings(
    k: Float[Tensor, "batch heads chunks chunk d"],
    written: Float[Tensor, "batch heads chunks chunk d"],
    along: Float[Tensor, "batch heads chunks chunk d"],
    initial: Float[Tensor, "heads d d"] | None,
) -> Float[Tensor, "batch heads chunks d d"]:
    """The state with which each chunk begins."""
    batch, heads, chunks, _, d = k.shape
    first = k.new_zeros(heads, d, d) if initial is None else initial.to(k.dtype)
    first = first.unsqueeze(1).expand(batch, heads, 1, d, d)
    if chunks == 1:
        return first
    carried = torch.eye(d, dtype=k.dtype, device=k.device) - k[:, :, :-1].mT @ along[:, :, :-1]
    # the state before the first chunk counts as left by a chunk that carries nothing
    carried = torch.cat([torch.zeros_like(carried[:, :, :1]), carried], 2)
    left = torch.cat([first, k[:, :, :-1].mT @ written[:, :, :-1]], 2)
    return scan(carried.flatten(0, 1), left.flatten(0, 1)).view(batch, heads, chunks, d, d)
