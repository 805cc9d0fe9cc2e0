"""What an attempt may take, and what it took: the registration's budget, the workspace's caps, the table of rates."""

from sqlalchemy import Engine

from db.catalog import Caps, Reserve, reservation_of
from proposals.spec import AnySetup
from tasks.place import now
from tasks.quotes import quote_of
from tasks.rates import CPU, NO_QUOTE, PAID, Rate, rate_of, rate_of_device
from tasks.settings import Settings

CLOCKS_DIFFER = 300.0
"""Seconds by which a machine may say more than we can have waited for it."""
SLACK = 4
"""A run on a paid machine may take so many times its even share of the registered minutes."""


def ask_for(setup: AnySetup, executor: str, settings: Settings) -> Reserve:
    """The most that one run may take. `minutes` of the registration are for all of it.

    On machines that cost nothing no run takes longer than all together may. On paid ones a run has SLACK times its even
    share (of the runs of the last look), so that several can be under way within the cap, and less where the caps have
    no room for that, but at least the share. Raises RateError where the rate is not known.
    """
    rate = rate_asked(setup, executor, settings)
    whole = setup.compute.minutes * 60
    share = whole / (len(setup.variants) * setup.seeds[-1])
    most = min(whole, SLACK * share) if executor in PAID else whole
    return Reserve(most, min(share, most), rate.dollars_per_hour, rate.basis)


def rate_asked(setup: AnySetup, executor: str, settings: Settings) -> Rate:
    """Of the machine that the setup asks for. Raises RateError where it is not known."""
    gpu = setup.compute.gpu
    quote = NO_QUOTE if (gpu or CPU) in settings.rates else quote_of(executor)
    return rate_of(executor, gpu, settings.rates, quote)


def caps_for(setup: AnySetup, settings: Settings) -> Caps:
    """The registration's own cap, or the workspace's where that is lower."""
    own, caps = setup.compute.dollars, settings.caps
    return Caps(own if caps.experiment is None else min(own, caps.experiment), caps.day, caps.workspace)


def bill(
    engine: Engine, attempt: int, seconds: float | None, device: str | None, settings: Settings
) -> tuple[float, float]:
    """Seconds and dollars of an attempt that is ending: measured seconds at the rate of the device that ran.

    seconds None: nobody measured them. On a paid machine they are then those since its submission, as far as its time
    limit allows: rather too much than too little. Elsewhere they are not counted. What a machine says of itself is
    believed as far as its time limit, or the clock since its submission.
    """
    reserved = reservation_of(engine, attempt)
    if reserved is None:  # begun by a version that reserved nothing, and paid nothing
        return (seconds if seconds and seconds > 0 else 0.0), 0.0
    since = (now() - reserved.submitted_at).total_seconds()
    since = since if since >= 0 else reserved.seconds  # a clock was set back
    if seconds is not None:
        seconds = min(seconds, max(since, reserved.seconds) + CLOCKS_DIFFER) if seconds >= 0 else None
    if seconds is None:
        seconds = min(since, reserved.seconds) if reserved.executor in PAID else 0.0
    rate = reserved.dollars_per_hour
    if device is not None and reserved.executor in PAID:
        rate = rate_of_device(device, rate, settings.rates, quote_of(reserved.executor))
    return seconds, seconds / 3600 * rate
