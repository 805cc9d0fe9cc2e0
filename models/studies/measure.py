"""Times, errors, operations and memory of a computation, each by one rule."""

import hashlib
import time
import weakref
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves
from torch.utils.flop_counter import flop_registry

from models.measuring import median_and_spread
from models.options.studies import Condition
from models.request import Value


@dataclass(frozen=True)
class Studied:
    """What a study of one form and one seed found. inputs_sha256: of all that was drawn."""

    values: tuple[Value, ...]
    inputs_sha256: str


def inputs_sha256(inputs: dict[str, Tensor]) -> str:
    """Names, shapes and numbers, in float64 whatever the computation's dtype is."""
    digest = hashlib.sha256()
    for name, tensor in inputs.items():
        digest.update(f"{name} {tuple(tensor.shape)} ".encode())
        digest.update(tensor.double().cpu().numpy().astype("<f8").tobytes())
    return digest.hexdigest()


@torch.no_grad()
def forward_time(
    run: Callable[[], object], repeats: int, warmup: int, device: torch.device, condition: Condition | None = None
) -> Value:
    """Median and interquartile range of the seconds of `repeats` runs, after `warmup` others. On a GPU each run is
    waited for."""

    def finished() -> None:
        if device.type == "cuda":
            torch.cuda.synchronize(device)

    for _ in range(warmup):
        run()
    seconds = []
    for _ in range(repeats):
        finished()
        start = time.perf_counter()
        run()
        finished()
        seconds.append(time.perf_counter() - start)
    median, spread = median_and_spread(seconds)
    return Value(metric="forward_time", value=median, spread=spread, condition=condition or {})


def largest_difference(found: Tensor, reference: Tensor) -> float | None:
    """max |found - reference| in float64; None where it is not finite."""
    return _finite((_wide(found) - _wide(reference)).abs().max())


def relative_difference(found: Tensor, reference: Tensor) -> float | None:
    """|found - reference| / |reference| in the 2-norm of all elements, in float64; None where it is not finite."""
    reference = _wide(reference)
    return _finite(torch.linalg.vector_norm(_wide(found) - reference) / torch.linalg.vector_norm(reference))


def _wide(x: Tensor) -> Tensor:
    return x.to(torch.complex128 if x.is_complex() else torch.float64)


def _finite(x: Tensor) -> float | None:
    number = float(x)
    return number if abs(number) < float("inf") else None


class Operations(TorchDispatchMode):  # type: ignore[no-untyped-call]
    """Counts the floating-point operations of what runs inside `with`.

    matmul: products of matrices, 2 m n k each, as torch.utils.flop_counter has them. other: one for each element of
    the result of an element-wise operation, one for each element that a reduction reads, 2 m n for a matrix times a
    vector, n^2 for each right-hand side of a triangular system. Copies, views, masks by tril and new tensors cost
    nothing.
    """

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.matmul = 0
        self.other = 0

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        result = func(*args, **(kwargs or {}))
        packet, tags = func.overloadpacket, func.tags
        if packet in flop_registry:
            self.matmul += int(flop_registry[packet](*args, **(kwargs or {}), out_val=result))
        elif packet in (torch.ops.aten.mv, torch.ops.aten.dot):
            self.other += 2 * args[0].numel()
        elif packet is torch.ops.aten.linalg_solve_triangular:
            self.other += result.numel() * args[0].shape[-1]
        elif packet is torch.ops.aten.clone:
            pass
        elif torch.Tag.pointwise in tags or packet in IN_PLACE:
            self.other += result.numel() if result.is_floating_point() else 0
        elif torch.Tag.reduction in tags:
            self.other += args[0].numel()
        return result


IN_PLACE = (torch.ops.aten.add_, torch.ops.aten.sub_, torch.ops.aten.mul_, torch.ops.aten.div_)


@torch.no_grad()
def operations(run: Callable[[], object]) -> Operations:
    """Of one run."""
    counted = Operations()
    with counted:
        run()
    return counted


class Allocations(TorchDispatchMode):  # type: ignore[no-untyped-call]
    """Follows the bytes of the tensors that are made inside `with`, while they are alive. What an operation uses for
    itself alone is not seen."""

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.held = 0
        self.peak = 0
        self._known: set[int] = set()

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        self._meet((args, kwargs), counts=False)
        result = func(*args, **(kwargs or {}))
        self._meet(result, counts=True)
        return result

    def _meet(self, tree: Any, counts: bool) -> None:
        for leaf in tree_leaves(tree):
            if not isinstance(leaf, Tensor):
                continue
            storage = leaf.untyped_storage()
            if storage._cdata in self._known:
                continue
            size = storage.nbytes() if counts else 0
            self._known.add(storage._cdata)
            self.held += size
            self.peak = max(self.peak, self.held)
            weakref.finalize(storage, self._forget, storage._cdata, size)

    def _forget(self, address: int, size: int) -> None:
        self._known.discard(address)
        self.held -= size


def peak_bytes(run: Callable[[], object], device: torch.device) -> int:
    """The most bytes that one run holds at a time in tensors that it makes."""
    if device.type == "cuda":
        before = torch.cuda.memory_allocated(device)
        torch.cuda.reset_peak_memory_stats(device)
        run()
        torch.cuda.synchronize(device)
        return int(torch.cuda.max_memory_allocated(device)) - before
    followed = Allocations()
    with followed:
        run()
    return followed.peak
