"""The resolvent of HiPPO-LegS at many frequencies: Woodbury's identity against a truncated Neumann series.

Complex numbers are pairs of real and imaginary parts in every dtype, since there is no complex bfloat16.
"""

from dataclasses import dataclass
from functools import partial
from typing import Any

import torch
from jaxtyping import Complex, Float
from torch import Tensor

from models.options.studies import Condition, NeumannResolvent, Resolvent
from models.request import Value
from models.studies.measure import Studied, forward_time, inputs_sha256, relative_difference
from models.synthetics.base import stream

Pair = tuple[Tensor, Tensor]
"""Real and imaginary part."""


@dataclass(frozen=True)
class System:
    """A = V (diag(eigenvalues) - p p^*) V^*, V unitary; b and c in the same basis. All complex128."""

    eigenvalues: Complex[Tensor, " state"]
    p: Complex[Tensor, " state"]
    b: Complex[Tensor, " state"]
    c: Complex[Tensor, " state"]


def legs(state: int) -> tuple[Float[Tensor, "state state"], Float[Tensor, " state"], Float[Tensor, " state"]]:
    """A, B and P of HiPPO-LegS (Gu et al., 2020) in float64: A_nk = -sqrt((2n+1)(2k+1)) below the diagonal, -(n+1) on
    it, 0 above; B_n = sqrt(2n+1); A + P P^T = -I/2 + a skew matrix, with P_n = sqrt(n + 1/2)."""
    root = (2 * torch.arange(state, dtype=torch.float64) + 1).sqrt()
    a = -torch.outer(root, root).tril(-1) - torch.diag((root**2 + 1) / 2)
    return a, root, root / 2**0.5


def diagonalised(state: int, c: Float[Tensor, " state"]) -> System:
    """HiPPO-LegS with output c, in the basis in which all but a rank of one is diagonal."""
    a, b, p = legs(state)
    skew = a + torch.outer(p, p) + 0.5 * torch.eye(state, dtype=torch.float64)
    # -i times a skew matrix is Hermitian: its eigenvectors are orthogonal to rounding, those of A are not
    frequencies, basis = torch.linalg.eigh(-1j * skew)
    b, p, c = (x.to(basis.dtype) for x in (b, p, c))
    return System(1j * frequencies - 0.5, p=basis.mH @ p, b=basis.mH @ b, c=c @ basis)


def frequencies(length: int, dt: float) -> Complex[Tensor, " length"]:
    """g = (2 / dt) (1 - z) / (1 + z) at z = exp(2 pi i (l + 1/2) / length): the bilinear discretisation on the unit
    circle. Half a step aside, no z is -1, where g is infinite."""
    angle = torch.pi * (torch.arange(length, dtype=torch.float64) + 0.5) / length
    return torch.complex(torch.zeros_like(angle), -2 / dt * angle.tan())


def dense(state: int, c: Float[Tensor, " state"], at: Complex[Tensor, " points"]) -> Complex[Tensor, " points"]:
    """c^T (g I - A)^{-1} B by a dense solution in complex128: the reference."""
    a, b, _ = legs(state)
    shifted = at[:, None, None] * torch.eye(state) - a
    solved: Tensor = torch.linalg.solve(shifted, b.to(at.dtype).expand(len(at), -1))
    return solved @ c.to(at.dtype)


def pair(x: Complex[Tensor, "*shape"], dtype: torch.dtype, device: torch.device) -> Pair:
    return x.real.to(device, dtype), x.imag.to(device, dtype)


def times(x: Pair, y: Pair) -> Pair:
    return x[0] * y[0] - x[1] * y[1], x[0] * y[1] + x[1] * y[0]


def over(x: Pair, y: Pair) -> Pair:
    size = y[0] * y[0] + y[1] * y[1]
    upper = times(x, (y[0], -y[1]))
    return upper[0] / size, upper[1] / size


def resolvent_at(at: Pair, eigenvalues: Pair, weights: Pair, terms: int | None) -> Pair:
    """c^* (g I - A)^{-1} b at the points g, with D = 1 / (g - eigenvalues) and f = -p^* D p:
    c D b - (c D p) (p^* D b) / (1 - f), or with 1 + f + ... + f^(terms - 1) in the place of 1 / (1 - f).

    weights: (state, 4), c b, c p, p^* b and p^* p, so that all four sums are one product of matrices.
    """
    real, imaginary = (g[:, None] - value for g, value in zip(at, eigenvalues, strict=True))
    size = real * real + imaginary * imaginary
    real, imaginary = real / size, -imaginary / size
    sums = real @ weights[0] - imaginary @ weights[1], real @ weights[1] + imaginary @ weights[0]
    cb, cp, pb, pp = zip(*(part.unbind(-1) for part in sums), strict=True)
    low_rank = times(cp, pb)
    if terms is None:
        correction = over(low_rank, (1 + pp[0], pp[1]))
    else:
        series = torch.ones_like(pp[0]), torch.zeros_like(pp[0])
        for _ in range(terms - 1):
            product = times(series, pp)
            series = 1 - product[0], -product[1]
        correction = times(low_rank, series)
    return cb[0] - correction[0], cb[1] - correction[1]


class Evaluation:
    """The resolvent of one system in one form: `at(points, terms)`."""

    def __init__(self, system: System, form: Any, device: torch.device) -> None:
        self.dtype, self.device = getattr(torch, form.dtype), device
        c, b, p = system.c, system.b, system.p
        weights = torch.stack([c * b, c * p, p.conj() * b, p.conj() * p], -1)
        self.eigenvalues, self.weights = (pair(x, self.dtype, device) for x in (system.eigenvalues, weights))

    def at(self, points: Pair, terms: int | None) -> Pair:
        return resolvent_at(points, self.eigenvalues, self.weights, terms)

    def points(self, at: Complex[Tensor, " points"]) -> Pair:
        return pair(at, self.dtype, self.device)


def ratios(system: System, at: Complex[Tensor, " points"]) -> tuple[Float[Tensor, " points"], Float[Tensor, " points"]]:
    """|f| and |E|_2 at the points, E = D p p^* being what the series is in: f is its only eigenvalue beside 0."""
    inverse = 1 / (at[:, None] - system.eigenvalues)
    f = (inverse * system.p.abs() ** 2).sum(-1)
    norm = torch.linalg.vector_norm(inverse * system.p, dim=-1) * torch.linalg.vector_norm(system.p)
    return f.abs(), norm


@torch.no_grad()
def resolvent(study: Resolvent, form: Any, seed: int, device: torch.device) -> Studied:
    """Errors, convergence of the series, finiteness and times of one form, for one drawn output c."""
    # one row for each state size, so that the numbers of one do not depend on the others
    outputs = {
        state: torch.randn(state, dtype=torch.float64, generator=stream(seed, f"resolvent {state}"))
        for state in sorted({study.state, *study.states})
    }
    system, at = diagonalised(study.state, outputs[study.state]), frequencies(study.length, study.dt)
    evaluation = Evaluation(system, form, device)
    reference, points = dense(study.state, outputs[study.state], at), evaluation.points(at)
    near = evaluation.points(system.eigenvalues + study.distance)
    values: list[Value] = []

    def add(metric: str, value: float | None, condition: Condition | None = None) -> None:
        values.append(Value(metric=metric, value=value, condition=condition or {}))

    series = isinstance(form, NeumannResolvent)
    conditions: list[tuple[int | None, Condition]] = [(study.default_terms if series else None, {})]
    conditions += [(count, {"terms": count}) for count in sorted(study.terms) if series]
    reached: list[float] = []
    for terms, condition in conditions:
        found = torch.complex(*(part.double().cpu() for part in evaluation.at(points, terms)))
        error = relative_difference(found, reference)
        add("relative_error", error, condition)
        if condition:
            # an overflow is no smallest error, whatever it would have been
            reached += [] if error is None else [error]
            add("smallest_error", min(reached, default=None), condition)
        finite = torch.stack(evaluation.at(near, terms)).isfinite().all(0)
        add("finite_share", float(finite.double().mean()), condition)
    ratio, norm = ratios(system, at)
    add("diverging_share", float((ratio > 1).double().mean()))
    add("large_norm_share", float((norm > 1).double().mean()))
    add("series_ratio", float(ratio.max()))

    for state in sorted(outputs):
        timed = Evaluation(diagonalised(state, outputs[state]), form, device)
        run = partial(timed.at, points, conditions[0][0])
        values.append(forward_time(run, study.repeats, study.warmup, device, {"state": state}))
        if state == study.state:
            values.append(values[-1].model_copy(update={"condition": {}}))
    return Studied(tuple(values), inputs_sha256({str(state): c for state, c in outputs.items()}))
