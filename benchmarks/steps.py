"""Mixers as their recurrences read, one position after the other: what the parallel forms are timed against.

The same parameters, vectorised over the batch, in float32. Two readings of "step by step":

    cell   every step does all that its position needs, projections included, as a recurrent cell would
    loop   what depends on a position alone is computed for all positions at once, and only the state goes step by step
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional

from models.mixers.base import At, Mixer, select
from models.mixers.delta_net import EPS as DELTA_EPS
from models.mixers.features import EPS as ATTENTION_EPS
from models.mixers.features import feature_map
from models.mixers.hss import compress, compressions
from models.mixers.lti import bilinear
from models.mixers.nystrom import transferred
from models.mixers.orthogonal import cayley

State = Any
Parts = tuple[Tensor, ...]
"""Of one position, or of all with a dimension for them after that of the batch."""


@dataclass(frozen=True)
class Recurrence:
    """parts(x): what depends on each position alone; step(state, parts of one position, t) -> state, what is read;
    read_out(x, reads): y; start: the state before the first step, None for zero."""

    parts: Callable[[Tensor], Parts]
    step: Callable[[State, Parts, int], tuple[State, Tensor]]
    read_out: Callable[[Tensor, Tensor], Tensor]
    start: State = None


def run(
    recurrence: Recurrence, x: Float[Tensor, "batch length width"], whole: bool
) -> Float[Tensor, "batch length width"]:
    """whole: as a loop, else as a cell."""
    state, rows = recurrence.start, []
    of_all = [part.unbind(1) for part in recurrence.parts(x)] if whole else []
    for t in range(x.shape[1]):
        here = x[:, t : t + 1]
        parts = tuple(part[t] for part in of_all) if whole else tuple(p[:, 0] for p in recurrence.parts(here))
        state, read = recurrence.step(state, parts, t)
        rows.append(read if whole else recurrence.read_out(here, read.unsqueeze(1)))
    return recurrence.read_out(x, torch.stack(rows, 1)) if whole else torch.cat(rows, 1)


class Stepped(nn.Module):
    """In the place of a mixer in a backbone."""

    def __init__(self, mixer: Mixer, options: Any, whole: bool) -> None:
        super().__init__()
        self.mixer, self.options, self.whole = mixer, options, whole

    def forward(self, x: Float[Tensor, "batch length width"], at: At = None) -> Float[Tensor, "batch queries width"]:
        return select(run(recurrence_of(self.mixer, self.options), x, self.whole), at)


def delta_net(mixer: Any, options: Any) -> Recurrence:
    if options.short_convolution:
        raise NotImplementedError("a short convolution looks at more than one position")

    def parts(x: Tensor) -> Parts:
        q, k, v = mixer.queries_keys_values(x)
        beta = mixer.betas(x)[..., None, None]
        key = k.unsqueeze(-1)
        moved = () if options.routing == "none" else (mixer.routing(x),)
        return q.unsqueeze(-2), key, v.unsqueeze(-2), beta, *moved

    def step(state: State, now: Parts, t: int) -> tuple[State, Tensor]:
        q, k, v, beta, *routes = now
        if state is None:
            state = torch.zeros_like(k @ v)
        moved = routes[0] @ state if routes else state
        seen = state if options.routing == "state" else moved
        state = moved + beta * k @ (v - k.mT @ seen)
        return state, (q @ state).squeeze(-2)

    return Recurrence(parts, step, lambda x, read: mixer.readout(x, read.flatten(2)), mixer.initial)


def pd_ssm(mixer: Any, options: Any) -> Recurrence:
    def read_out(x: Tensor, read: Tensor) -> Tensor:
        y: Tensor = mixer.out(functional.rms_norm(read.squeeze(-1), (mixer.state,), mixer.gain, DELTA_EPS).flatten(2))
        return y

    return Recurrence(lambda x: mixer.recurrence(x)[:2], _linear_step, read_out, mixer.initial)


def matrix_state_space(mixer: Any, options: Any) -> Recurrence:
    """Dense, and of displacement rank."""

    def parts(x: Tensor) -> Parts:
        return mixer.transitions(x), mixer.into(x).unsqueeze(-1)

    return Recurrence(parts, _linear_step, _with_skip(mixer))


def diagonal_state_space(mixer: Any, options: Any) -> Recurrence:
    activation = mixer.activation if options.mixer == "diagonal_ssm" else torch.sigmoid

    def step(state: State, now: Parts, t: int) -> tuple[State, Tensor]:
        decay, new = now
        state = new if state is None else decay * state + new
        return state, state

    return Recurrence(lambda x: (activation(mixer.decay(x)), mixer.into(x)), step, _with_skip(mixer))


def lti(mixer: Any, options: Any) -> Recurrence:
    """Diagonal plus low rank, real or oscillatory: the system once, then h = A h + B u, y = C h + d u."""
    if options.mixer == "dplr":
        a, b = bilinear(mixer.transition(), mixer.b, mixer.log_dt.exp())
        c = mixer.c
    else:
        real, imaginary = mixer.transition()
        a = torch.cat([torch.cat([real, -imaginary], -1), torch.cat([imaginary, real], -1)], -2)
        a, b = bilinear(a, torch.cat([mixer.b[0], mixer.b[1]], -2), mixer.dt)
        c = 2 * torch.cat([mixer.c[0], -mixer.c[1]], -1)
    heads = len(a)

    def step(state: State, now: Parts, t: int) -> tuple[State, Tensor]:
        state = now[0] if state is None else torch.einsum("hnm,bhm->bhn", a, state) + now[0]
        return state, state

    return Recurrence(
        lambda x: (torch.einsum("hnc,blhc->blhn", b, x.unflatten(-1, (heads, -1))),),
        step,
        lambda x, read: torch.einsum("hcn,blhn->blhc", c, read).flatten(2) + mixer.d * x,
    )


def monarch(mixer: Any, options: Any) -> Recurrence:
    """The state as a matrix: blocks along rows, then along columns."""
    side = options.side
    first, second = cayley(mixer.first), cayley(mixer.second)

    def parts(x: Tensor) -> Parts:
        into = mixer.into(x).unflatten(-1, (side, side))
        gates = mixer.gate(x).sigmoid() if options.gates else torch.ones_like(into[..., 0, :]).repeat(1, 1, 2)
        directions = (mixer.directions(x),) if options.blocks == "input" else ()
        units = tuple(functional.normalize(v.unflatten(-1, (side, side)), dim=-1) for v in directions)
        return into, gates[..., :side, None], gates[..., side:, None], *units

    def step(state: State, now: Parts, t: int) -> tuple[State, Tensor]:
        new, alpha, beta, *units = now
        if state is not None:
            for v in units:
                state = state - 2 * v * (v * state).sum(-1, keepdim=True)
            state = beta * torch.einsum("icd,bid->bic", first, state)
            state = alpha * torch.einsum("icd,bid->bic", second, state.mT)
            new = state.mT + new
        return new, new.flatten(1)

    return Recurrence(parts, step, _with_skip(mixer))


def nystrom(mixer: Any, options: Any) -> Recurrence:
    """What the chunk made itself, the product of its gates, and what entered it."""
    mixing = cayley(mixer.mixing)

    def parts(x: Tensor) -> Parts:
        gate, write, value = mixer.into(x).chunk(3, dim=-1)
        return gate.sigmoid(), write.sigmoid() * value

    def step(state: State, now: Parts, t: int) -> tuple[State, Tensor]:
        gate, new = now
        own, product, entered = state or (torch.zeros_like(new), torch.ones_like(new), torch.zeros_like(new))
        own, product = gate * own + new, product * gate
        read = own + product * entered
        if (t + 1) % options.chunk == 0:
            factors = [factor.squeeze(1) for factor in mixer.factors(mixing, product.unsqueeze(1))]
            entered = transferred(factors, entered) + own @ mixing.mT
            own, product = torch.zeros_like(own), torch.ones_like(product)
        return (own, product, entered), read

    return Recurrence(parts, step, lambda x, read: mixer.out(mixer.read(x) * read))


def hss(mixer: Any, options: Any) -> Recurrence:
    """The state as a matrix, compressed where its rank asks for it; its gradient goes straight through."""
    cuts: set[int] = set()

    def parts(x: Tensor) -> Parts:
        q, k, v = (feature_map("elu", part).transpose(1, 2) for part in mixer.queries_keys_values(x, None))
        return q.unsqueeze(-2), k.unsqueeze(-1), v.unsqueeze(-2)

    def step(state: State, now: Parts, t: int) -> tuple[State, Tensor]:
        q, k, v = now
        matrix, norm = state or (torch.zeros_like(k @ v), torch.zeros_like(k))
        matrix, norm = matrix + k * v, norm + k
        if options.form == "hodlr" and t in cuts:
            matrix = matrix + (compress(matrix.detach(), options.rank, options.leaf) - matrix.detach())
        return (matrix, norm), (q @ matrix / (q @ norm + ATTENTION_EPS)).squeeze(-2)

    cuts.update(compressions(options.rank, mixer.length))
    return Recurrence(parts, step, lambda x, read: mixer.out(read.flatten(2)))


def _linear_step(state: State, now: Parts, t: int) -> tuple[State, Tensor]:
    transition, new = now
    state = new if state is None else transition @ state + new
    return state, state


def _with_skip(mixer: Any) -> Callable[[Tensor, Tensor], Tensor]:
    return lambda x, read: torch.add(mixer.out(read.flatten(2)), mixer.skip * x)


RECURRENCES: dict[str, Callable[[Any, Any], Recurrence]] = {
    "delta_net": delta_net,
    "pd_ssm": pd_ssm,
    "dense_ssm": matrix_state_space,
    "diagonal_ssm": diagonal_state_space,
    "displacement_rank": matrix_state_space,
    "dplr": lti,
    "oscillatory_dplr": lti,
    "monarch": monarch,
    "nystrom": nystrom,
    "hss": hss,
}
"""Mixers with a state of fixed size; attention over all earlier positions has none."""


def recurrence_of(mixer: Mixer, options: Any) -> Recurrence:
    if options.mixer == "displacement_rank" and not options.alpha:
        return diagonal_state_space(mixer, options)
    return RECURRENCES[options.mixer](mixer, options)
