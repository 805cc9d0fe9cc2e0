"""How fast mixers are against their own recurrences, and how their memory grows: `python -m benchmarks.mixers`.

For every proposal that trains and each of its variants: the seconds of one training step (loss, gradient, clipping,
optimiser) at the proposal's batch, length and width, one seed, one thread; and of the same model, with the same
weights and the same loss, whose mixers go step by step, see `benchmarks.steps`. A proposed variant is also set against
its dense baseline, where the proposal has one. "Mixer": the same for one pass of the mixer alone, forward and back.

Memory: the most bytes alive at a time, in tensors made by one pass of the mixer alone, forward and back, at four
lengths, and the exponent of length that fits them best: 1 for a mixer whose memory is linear in length, towards 2 for
one that holds a table over pairs of positions.
"""

import argparse
import math
import statistics
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from benchmarks.steps import RECURRENCES, Stepped
from benchmarks.training import our_step
from models.ensemble import Ensemble, batch_of
from models.mixers import build_mixer
from models.studies.measure import peak_bytes
from models.synthetics import build_data
from proposals.reading import find_proposal, read_as_far_as_it_goes
from proposals.spec import Setup

PROPOSALS = ("001", "003", "004", "005", "006", "022", "025")
FOLDER = Path(__file__).parents[1] / "proposals"
CPU = torch.device("cpu")
SECONDS = 0.5
"""Spent on each measurement, after one step that does not count; at least two steps."""
LENGTHS = (256, 512, 1024, 2048)
MEMORY_BATCH = 2
LR = 1e-6
"""So small that a step, repeated, stays the same step."""
GOAL = 5.0
GOAL_PROPOSALS = ("001", "006", "022", "025")
GOAL_DENSE = 2.0


def stepped(ensemble: Ensemble, options: Any, whole: bool) -> Ensemble:
    """The ensemble itself, its mixers taken step by step from now on."""
    for block in ensemble.module.blocks:
        mixer = block.mixer.mixer if isinstance(block.mixer, Stepped) else block.mixer
        block.mixer = Stepped(mixer, options, whole)
    return ensemble


def seconds_of(step: Callable[[], object], seconds: float) -> float:
    """Median of as many steps as fit, two at least, of the processor's time: one thread waits for nothing, and what
    else runs on the machine is left out."""
    step()
    found: list[float] = []
    while len(found) < 2 or sum(found) < seconds:
        start = time.process_time()
        step()
        found.append(time.process_time() - start)
    return statistics.median(found)


def loss_of(ensemble: Ensemble, batch: Any) -> float:
    """Without noise or dropout."""
    ensemble.module.eval()
    with torch.no_grad():
        loss, _ = ensemble.losses(batch)
    ensemble.module.train()
    return float(loss)


@dataclass(frozen=True)
class Seconds:
    """Of ours, of the loop and of the cell; the last two None where there is no recurrence to go through."""

    ours: float
    loop: float | None = None
    cell: float | None = None

    def ratios(self, goal: float | None = None) -> list[str]:
        """loop / ours and cell / ours; `goal` is named where the latter is below it."""
        if self.loop is None or self.cell is None:
            return ["", ""]
        missed = f" (goal {goal:g})" if goal and self.cell < goal * self.ours else ""
        return [f"{self.loop / self.ours:.1f}", f"{self.cell / self.ours:.1f}{missed}"]


def measure(setup: Setup, options: Any, seconds: float) -> tuple[Seconds, Seconds]:
    """Of a training step, and of one pass of the mixer alone."""
    # the data of a batch, and no more
    few = {"train": setup.training.batch, "validation": 1, "test": 1}
    data = build_data(setup.synthetic.model_copy(update=few), 0)
    ensemble = Ensemble(options, setup.backbone, data.sizes, (0,), CPU)
    batch = batch_of([data.train], ensemble.causal, CPU)
    mixer: Any = ensemble.module.blocks[0].mixer
    x = torch.randn(*batch.tokens.shape[1:3], setup.backbone.width)
    models, alone = [seconds_of(our_step(ensemble, batch, LR), seconds)], [seconds_of(one_pass(mixer, x), seconds)]
    for whole in (True, False) if options.mixer in RECURRENCES else ():
        before = loss_of(ensemble, batch)
        other = stepped(ensemble, options, whole)
        found = loss_of(other, batch)
        if not math.isclose(found, before, rel_tol=1e-3, abs_tol=1e-5):
            raise SystemExit(f"{options}: losses {before} and {found} differ, so nothing is compared")
        models.append(seconds_of(our_step(other, batch, LR), seconds))
        alone.append(seconds_of(one_pass(Stepped(mixer, options, whole), x), seconds))
    return Seconds(*models), Seconds(*alone)


def one_pass(mixer: nn.Module, x: Tensor) -> Callable[[], None]:
    """Forward and back."""
    x = x.clone().requires_grad_()
    wanted, gradient = [x, *mixer.parameters()], torch.randn_like(x)

    def step() -> None:
        # a parameter may be none of a position's business, such as a learned route that is fixed in this variant
        torch.autograd.grad(mixer(x), wanted, gradient, allow_unused=True)

    return step


def is_dense(options: Any) -> bool:
    """The variant that a structured one is meant to be cheaper than."""
    said = options.model_dump()
    return said["mixer"] == "dense_ssm" or said.get("form") == "dense" or said.get("transfer") == "full"


def setup_of(number: str) -> Setup | None:
    """None where the proposal is not there, or cannot be read yet."""
    try:
        setup = read_as_far_as_it_goes(find_proposal(FOLDER, number)).proposal.setup
    except ValueError:
        return None
    return setup if isinstance(setup, Setup) else None


def step_table(setups: dict[str, Setup], seconds: float) -> None:
    columns = ["proposal", "variant", "step", "loop / step", "cell / step", "step / dense"]
    columns += ["mixer", "loop / mixer", "cell / mixer"]
    print(f"| {' | '.join(columns)} |\n{'|---' * len(columns)}|")
    for number, setup in setups.items():
        goal = GOAL if number in GOAL_PROPOSALS else None
        variants = sorted(setup.variants.items(), key=lambda named: not is_dense(named[1].mixer))
        of_dense = None
        for name, variant in variants:
            step, alone = measure(setup, variant.mixer, seconds)
            if of_dense is None and is_dense(variant.mixer):
                of_dense = step.ours
            against = ""
            if of_dense and variant.proposed:
                missed = f" (goal {GOAL_DENSE:g})" if step.ours > GOAL_DENSE * of_dense else ""
                against = f"{step.ours / of_dense:.2f}{missed}"
            cells = [number, f"**{name}**" if variant.proposed else name, f"{step.ours * 1e3:.1f} ms"]
            cells += [*step.ratios(), against, f"{alone.ours * 1e3:.1f} ms", *alone.ratios(goal)]
            print(f"| {' | '.join(cells)} |", flush=True)


def memory_table(setups: dict[str, Setup]) -> None:
    columns = ["proposal", "variant", *map(str, LENGTHS), "exponent"]
    print(f"| {' | '.join(columns)} |\n{'|---' * len(columns)}|")
    for number, setup in setups.items():
        for name, variant in setup.variants.items():
            held = [memory_of(variant.mixer, setup, length) for length in LENGTHS]
            cells = [number, name, *(f"{size / 1e6:.1f} MB" for size in held), f"{exponent(held):.2f}"]
            print(f"| {' | '.join(cells)} |", flush=True)


def memory_of(options: Any, setup: Setup, length: int) -> int:
    """Bytes of one pass over a batch of two."""
    torch.manual_seed(0)
    mixer = build_mixer(options, setup.backbone.width, setup.backbone.heads, length)
    x = torch.randn(MEMORY_BATCH, length, setup.backbone.width, requires_grad=True)
    return peak_bytes(lambda: mixer(x).sum().backward(), CPU)


def exponent(held: list[int]) -> float:
    """The slope of log(bytes) over log(length), by least squares."""
    x, y = [math.log(length) for length in LENGTHS], [math.log(size) for size in held]
    return statistics.linear_regression(x, y).slope


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.mixers")
    parser.add_argument("--proposals", nargs="+", default=PROPOSALS, metavar="NNN")
    parser.add_argument("--seconds", type=float, default=SECONDS, help="of each measurement")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    found = {number: setup_of(number) for number in arguments.proposals}
    setups = {number: setup for number, setup in found.items() if setup is not None}
    if missing := found.keys() - setups.keys():
        print(f"not there, or not readable: {', '.join(sorted(missing))}", file=sys.stderr)
    print(f"One training step, median of processor time, one thread, torch {torch.__version__}; in bold: proposed.\n")
    step_table(setups, arguments.seconds)
    print(f"\nMemory of one pass, batch {MEMORY_BATCH}, by length.\n")
    memory_table(setups)


if __name__ == "__main__":
    main()
