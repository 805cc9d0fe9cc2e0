"""`python -m benchmarks.faults.clock FILE COMMAND...`: `mve COMMAND...` in a process whose clock jumps by the seconds
that FILE holds, as soon as it is there. FILE.done says that it has jumped.

Shifted are `time.time` and the one place where tasks ask what time it is (tasks/place.py). Monotonic clocks are not: a
clock that is set does not move those either.
"""

import datetime
import sys
import threading
import time
from pathlib import Path


def main() -> None:
    path = Path(sys.argv[1])
    threading.Thread(target=_wait, args=(path,), daemon=True).start()
    sys.argv = ["mve", *sys.argv[2:]]
    from flows.cli import main as mve

    mve()


def _wait(path: Path) -> None:
    while not path.exists() or "tasks.place" not in sys.modules or not hasattr(sys.modules["tasks.place"], "now"):
        time.sleep(0.05)
    shift = float(path.read_text())
    true, place = time.time, sys.modules["tasks.place"]

    class Shifted(datetime.datetime):
        @classmethod
        def now(cls, tz: datetime.tzinfo | None = None) -> datetime.datetime:
            return datetime.datetime.now(tz) + datetime.timedelta(seconds=shift)

    time.time = lambda: true() + shift
    place.datetime = Shifted
    path.with_name(f"{path.name}.done").touch()


if __name__ == "__main__":
    main()
