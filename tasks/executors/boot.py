"""What this machine knows of its start: a clock that nobody sets, and which process is which."""

import time
from functools import cache
from pathlib import Path

UNKNOWN = "unknown"


@cache
def boot_id() -> str:
    """Changes whenever this machine starts anew: a process id of another boot says nothing."""
    try:
        return Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    except OSError:
        return UNKNOWN


def up() -> float:
    """Seconds since this machine started, sleep included."""
    return time.clock_gettime(time.CLOCK_BOOTTIME)


def start_time(pid: int) -> str | None:
    """Clock ticks since boot at which the process began, with the id of the boot; None when there is no such
    process, or only what is left of one that ended."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    except (OSError, IndexError):
        return None
    return None if fields[0] == "Z" else f"{boot_id()}:{fields[19]}"
