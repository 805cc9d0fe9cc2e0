"""What an hour of a machine costs: one table for estimates, reservations and bills.

GPUs: `RATES` in proposals/checks/rates.py, which `mve check` uses too. All of them are estimates from third-party
pages, May 2026 (`RATES_OF`): a GPU without the processor and memory beside it, which Modal bills too; `cpu` is one
core. A workspace puts what it pays in their place, under [rates] of its mve.toml. No torch, no network.
"""

import re
from collections.abc import Mapping
from typing import NamedTuple

from proposals.checks.rates import RATES

SOURCE = "third-party pages, May 2026, estimates"
CPU = "cpu"
TABLE: dict[str, float] = {**RATES, CPU: 0.047}
"""Dollars per hour."""

PAID = ("modal",)
"""Executors whose machines are billed by the hour. The machines of any other are their owner's: $0.00, unless [rates]
has the executor's name."""


class Rate(NamedTuple):
    """Dollars per hour, and where that is from, for people."""

    dollars_per_hour: float
    basis: str


class RateError(ValueError):
    """What a machine costs is not known, so nothing can be reserved for it."""


def rate_of(executor: str, gpu: str | None, own: Mapping[str, float]) -> Rate:
    """What the machine that is asked for costs. own: the workspace's rates.

    Raises RateError for a GPU that is in neither table.
    """
    if executor not in PAID:
        basis = "mve.toml" if executor in own else "this machine's hours are its owner's"
        return Rate(own.get(executor, 0.0), f"{executor}: {basis}")
    name = gpu or CPU
    if name not in own and name not in TABLE:
        known = ", ".join(TABLE)
        raise RateError(
            f"what an hour of {name} costs is not known, so nothing was reserved and nothing started. Put "
            f"`{name} = ...` (dollars per hour) under [rates] in mve.toml, or name one of {known} in the proposal"
        )
    if name in own:
        return Rate(own[name], f"{name}: mve.toml")
    return Rate(TABLE[name], f"{name}: {SOURCE}")


def rate_of_device(device: str, asked: float, own: Mapping[str, float]) -> float:
    """Dollars per hour of the device that ran, by the name that it gives itself, such as "NVIDIA A100-SXM4-80GB"; what
    was asked for where no rate is known for it. An "H100" may be answered by a better one."""
    said = _words(device)
    rates = {**TABLE, **own}
    known = [name for name in rates if _words(name) <= said]
    return rates[max(known, key=lambda name: len(_words(name)))] if known else asked


def _words(name: str) -> set[str]:
    return set(re.findall(r"[a-z0-9]+", name.lower()))
