"""What an hour of a machine costs: for estimates, reservations and bills.

In this order: what the workspace puts under [rates] of its mve.toml, what Modal itself answers (`read_quote`), and one
table of GPUs, `RATES` in proposals/checks/rates.py, which `mve check` uses too: estimates from third-party pages, May
2026 (`RATES_OF`). A GPU's rate is without the processor and memory beside it, which Modal bills too; `cpu` is one core.
No torch, no network.
"""

import re
from collections.abc import Mapping
from math import isfinite
from typing import NamedTuple

from proposals.checks.rates import RATES
from tasks.executors.modal import LOCAL

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


class Quote(NamedTuple):
    """What a service says an hour costs, in dollars by the words of a machine's name, and when it was asked, or why it
    did not say, for people."""

    rates: Mapping[frozenset[str], float] = {}
    basis: str = ""


NO_QUOTE = Quote()


class RateError(ValueError):
    """What a machine costs is not known, so nothing can be reserved for it."""


def rate_of(executor: str, gpu: str | None, own: Mapping[str, float], quote: Quote = NO_QUOTE) -> Rate:
    """What the machine that is asked for costs. own: the workspace's rates; quote: the service's.

    Raises RateError for a GPU that none of them has.
    """
    if executor not in PAID:
        basis = "mve.toml" if executor in own else "this machine's hours are its owner's"
        return Rate(own.get(executor, 0.0), f"{executor}: {basis}")
    name = gpu or CPU
    if name in own:
        return Rate(own[name], f"{name}: mve.toml")
    if _words(name) in quote.rates:
        return Rate(quote.rates[_words(name)], f"{name}: {quote.basis}")
    if name not in TABLE:
        known = ", ".join(TABLE)
        raise RateError(
            f"what an hour of {name} costs is not known, so nothing was reserved and nothing started. Put "
            f"`{name} = ...` (dollars per hour) under [rates] in mve.toml, or name one of {known} in the proposal"
        )
    unquoted = quote.basis if not quote.rates else f"it is not in {quote.basis}"
    return Rate(TABLE[name], f"{name}: {SOURCE}" + (f" ({unquoted})" if quote.basis else ""))


def rate_of_device(device: str, asked: float, own: Mapping[str, float], quote: Quote = NO_QUOTE) -> float:
    """Dollars per hour of the device that ran, by the name that it gives itself, such as "NVIDIA A100-SXM4-80GB"; what
    was asked for where no rate is known for it. An "H100" may be answered by a better one. What a server on this
    machine ran in Modal's place is counted as what was asked for: money is rehearsed there too."""
    if device.startswith(LOCAL):
        return asked
    said = _words(device)
    rates = {
        **{_words(name): rate for name, rate in TABLE.items()},
        **quote.rates,
        **{_words(name): rate for name, rate in own.items()},
    }
    known = [name for name in rates if name <= said]
    return rates[max(known, key=len)] if known else asked


def read_quote(told: Mapping[str, str]) -> dict[frozenset[str], float]:
    """Modal's answer: "gpu_hour_cost_a100_80gb" is an hour of that GPU, "cpu_hour_cost" one of a core, as strings of
    dollars. Anything else in it, memory and volumes among it, is left out, and so is what is no amount."""
    found = {}
    for name, value in told.items():
        machine = CPU if name == "cpu_hour_cost" else name.removeprefix("gpu_hour_cost_")
        try:
            rate = float(value)
        except ValueError:
            continue
        if machine != name and isfinite(rate) and rate > 0:
            found[_words(machine)] = rate
    return found


def _words(name: str) -> frozenset[str]:
    return frozenset(re.findall(r"[a-z0-9]+", name.lower()))
