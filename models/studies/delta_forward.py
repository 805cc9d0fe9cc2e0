"""The forward pass of one DeltaNet head in four forms, timed and compared with the recurrence in float64."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn import functional

from models.options.studies import Block, DeltaForward
from models.request import Value
from models.studies.measure import (
    Studied,
    forward_time,
    inputs_sha256,
    largest_difference,
    operations,
    peak_bytes,
    relative_difference,
)
from models.synthetics.base import stream


@dataclass(frozen=True)
class Inputs:
    """One head. read: what the state is read with; by_columns: y_t = S_t^T read_t, else y_t = S_t read_t."""

    read: Float[Tensor, "length width"]
    keys: Float[Tensor, "length width"]
    values: Float[Tensor, "length width"]
    beta: Float[Tensor, " length"]
    initial: Float[Tensor, "width width"]
    by_columns: bool

    def to(self, dtype: torch.dtype, device: torch.device) -> "Inputs":
        read, keys, values, beta, initial = (part.to(device, dtype) for part in self.tensors().values())
        return Inputs(read, keys, values, beta, initial, self.by_columns)

    def tensors(self) -> dict[str, Tensor]:
        return {
            "read": self.read, "keys": self.keys, "values": self.values, "beta": self.beta, "initial": self.initial,
        }  # fmt: skip


def draw(study: DeltaForward, seed: int, unit_values: bool = False) -> Inputs:
    """In float64, rounded to float32 first, so that every dtype starts from the same numbers."""
    generator = stream(seed, "delta_forward")
    queries, keys, values = torch.randn(3, study.length, study.width, generator=generator)
    beta = torch.randn(study.length, generator=generator).sigmoid()
    if study.keys == "unit":
        keys = functional.normalize(keys, dim=-1)
    if unit_values:
        values = functional.normalize(values, dim=-1)
    initial = torch.eye(study.width) if study.initial_state == "identity" else torch.zeros(study.width, study.width)
    read, by_columns = (values, False) if study.readout == "value" else (queries, True)
    return Inputs(read, keys, values, beta, initial, by_columns).to(torch.float64, torch.device("cpu"))


def recurrence(x: Inputs) -> Float[Tensor, "length width"]:
    """S_t = S_{t-1} + beta_t k_t (v_t - S_{t-1}^T k_t)^T, step by step."""
    state, outputs = x.initial, []
    for t in range(len(x.keys)):
        error = x.values[t] - state.mT @ x.keys[t]
        state = state + x.beta[t] * torch.outer(x.keys[t], error)
        outputs.append((state.mT if x.by_columns else state) @ x.read[t])
    return torch.stack(outputs)


def naive_wy(x: Inputs) -> Float[Tensor, "length width"]:
    """S_t = S_0 + sum_{i <= t} w_i e_i^T with w_i = beta_i k_i, in two lists that are stacked anew at each step."""
    keys: list[Tensor] = []
    errors: list[Tensor] = []
    outputs = []
    for t in range(len(x.keys)):
        seen = x.initial.mT @ x.keys[t]
        if keys:
            seen = seen + torch.stack(errors).mT @ (torch.stack(keys) @ x.keys[t])
        keys.append(x.beta[t] * x.keys[t])
        errors.append(x.values[t] - seen)
        left, right = torch.stack(keys), torch.stack(errors)
        if x.by_columns:
            outputs.append(x.initial.mT @ x.read[t] + right.mT @ (left @ x.read[t]))
        else:
            outputs.append(x.initial @ x.read[t] + left.mT @ (right @ x.read[t]))
    return torch.stack(outputs)


def chunkwise(x: Inputs, chunk: int) -> Float[Tensor, "length width"]:
    """With K, V, beta of a chunk and the state S before it, (I + tril(diag(beta) K K^T, -1)) U = diag(beta) (V - K S)
    and the next state is S + K^T U.

    All systems are solved at once for diag(beta) [V, K], which gives U' and W of U = U' - W S; the loop over chunks is
    then two products each.
    """
    read, keys, values, beta, length = _in_chunks(x, chunk)
    system = (beta * (keys @ keys.mT)).tril(-1)
    solved = torch.linalg.solve_triangular(
        system, beta * torch.cat([values, keys], -1), upper=False, unitriangular=True
    )
    corrections, states = _states(x.initial, keys, solved)
    if x.by_columns:
        within = (read @ keys.mT).tril() @ corrections
        return (read @ states + within).flatten(0, 1)[:length]
    within = (read @ corrections.mT).tril() @ keys
    return (read @ states.mT + within).flatten(0, 1)[:length]


def blockwise(x: Inputs, chunk: int, block: int) -> Float[Tensor, "length width"]:
    """As `chunkwise`, with chunks cut into sub-blocks a of `block` positions. Only the systems on the diagonal,
    T_a = (I + tril(diag(beta_a) K_a K_a^T, -1))^{-1} diag(beta_a), are solved by substitution, all at once;
    U_a = T_a (V_a - K_a S - sum_{b < a} (K_a K_b^T) U_b) and the outputs are products of matrices."""
    read, keys, values, beta, length = _in_chunks(x, chunk)
    count = chunk // block
    in_blocks = keys.view(len(keys), count, block, -1)
    scales = beta.view(len(keys), count, block, 1)
    diagonal = (scales * (in_blocks @ in_blocks.mT)).tril(-1)
    inverse: Tensor = torch.linalg.solve_triangular(
        diagonal, torch.diag_embed(scales.squeeze(-1)), upper=False, unitriangular=True
    )
    wanted = torch.cat([values, keys], -1)
    solved: Tensor = inverse[:, 0] @ wanted[:, :block]
    for a in range(1, count):
        rows = slice(a * block, (a + 1) * block)
        coupling = keys[:, rows] @ keys[:, : a * block].mT
        solved = torch.cat([solved, inverse[:, a] @ (wanted[:, rows] - coupling @ solved)], 1)
    corrections, states = _states(x.initial, keys, solved)
    outputs = []
    left, right = (keys, corrections) if x.by_columns else (corrections, keys)
    for a in range(count):
        upto = (a + 1) * block
        reading = read[:, a * block : upto]
        weights = (reading @ left[:, :upto].mT).tril(a * block)
        outputs.append(weights @ right[:, :upto])
    before = read @ (states if x.by_columns else states.mT)
    return (before + torch.cat(outputs, 1)).flatten(0, 1)[:length]


def _in_chunks(x: Inputs, chunk: int) -> tuple[Tensor, Tensor, Tensor, Tensor, int]:
    """read, keys, values and beta as (chunks, chunk, ...), zeros at the end: a beta of zero changes no state."""
    length = len(x.keys)
    missing = -length % chunk

    def cut(part: Tensor) -> Tensor:
        return functional.pad(part, (0, 0, 0, missing)).view(-1, chunk, part.shape[-1])

    return cut(x.read), cut(x.keys), cut(x.values), cut(x.beta.unsqueeze(-1)), length


def _states(initial: Tensor, keys: Tensor, solved: Tensor) -> tuple[Tensor, Tensor]:
    """U of each chunk and the state before it, from [U', W]."""
    width = keys.shape[-1]
    fresh, decay = solved[..., :width], solved[..., width:]
    state, states, corrections = initial, [], []
    for at in range(len(keys)):
        states.append(state)
        correction = fresh[at] - decay[at] @ state
        corrections.append(correction)
        state = state + keys[at].mT @ correction
    return torch.stack(corrections), torch.stack(states)


def computed(form: Any, x: Inputs) -> Float[Tensor, "length width"]:
    """The outputs in the form that is asked for."""
    if form.form == "chunkwise":
        return chunkwise(x, form.chunk)
    if isinstance(form, Block):
        return blockwise(x, form.chunk, form.block)
    plain: dict[str, Callable[[Inputs], Tensor]] = {"naive_wy": naive_wy, "recurrence": recurrence}
    return plain[form.form](x)


@torch.no_grad()
def delta_forward(study: DeltaForward, form: Any, seed: int, device: torch.device) -> Studied:
    """Time, errors, operations and memory of one form on one draw. float32 products keep their precision on a GPU."""
    torch.backends.cuda.matmul.allow_tf32 = False
    dtype = getattr(torch, study.dtype)
    drawn = draw(study, seed)
    x = drawn.to(dtype, device)

    def run() -> Tensor:
        return computed(form, x)

    counted = operations(run)
    values = [
        forward_time(run, study.repeats, study.warmup, device),
        Value(metric="flops", value=counted.matmul + counted.other, source="derived"),
        Value(metric="matmul_share", value=counted.matmul / (counted.matmul + counted.other), source="derived"),
        Value(metric="peak_memory", value=peak_bytes(run, device)),
    ]
    for name, inputs in (("normal", drawn), ("unit", draw(study, seed, unit_values=True))):
        values += _errors(form, inputs, inputs.to(dtype, device), {"values": name})
    return Studied(tuple(values), inputs_sha256(drawn.tensors()))


def _errors(form: Any, drawn: Inputs, x: Inputs, condition: dict[str, Any]) -> Iterator[Value]:
    exact = recurrence(drawn)
    found = computed(form, x).cpu()
    naive = naive_wy(x).cpu()
    for metric, error in (
        ("max_error", largest_difference(found, exact)),
        ("relative_error", relative_difference(found, exact)),
        ("error_to_naive", largest_difference(found, naive)),
    ):
        yield Value(metric=metric, value=error, condition=condition)
