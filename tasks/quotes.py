"""What the service says an hour costs, asked once in a while and not for every run. Where it does not answer there is
the table (tasks/rates.py), and the basis of the rate says so."""

import threading
import time

from tasks.executors import modal_client
from tasks.place import now
from tasks.rates import NO_QUOTE, PAID, Quote, read_quote

KEPT = 86_400.0
"""Seconds for which an answer holds."""
SILENT = 600.0
"""Seconds for which a service that did not answer is not asked again."""

_lock = threading.Lock()
_answers: dict[str, tuple[float, Quote]] = {}
"""By executor: until when on the monotonic clock, and the answer."""


def quote_of(executor: str) -> Quote:
    """Empty for machines that nobody bills."""
    if executor not in PAID:
        return NO_QUOTE
    with _lock:  # the first of many dispatches asks
        until, quote = _answers.get(executor, (0.0, NO_QUOTE))
        if time.monotonic() > until:
            quote = _asked()
            _answers[executor] = (time.monotonic() + (KEPT if quote.rates else SILENT), quote)
        return quote


def _asked() -> Quote:
    try:
        rates = read_quote(modal_client.told_rates())
    except Exception as error:  # of the network, the client or the account: the table has a rate
        return Quote({}, f"Modal's rates call gave none: {type(error).__name__}")
    if not rates:
        return Quote({}, "Modal's rates call gave none that could be read")
    return Quote(rates, f"Modal's rates call, {now():%Y-%m-%d}")
