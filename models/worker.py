"""A training or a study in a process of its own: `python -m models.worker DIRECTORY`.

Reads DIRECTORY/request.json (its `directory` is replaced by DIRECTORY; `"kind": "study"` says that nothing is
trained), trains, writes DIRECTORY/result.json in one move. What the system that started it can rely on:

    exit 0      result.json is there
    exit 1      our code failed: traceback on stderr, {"type", "message", "traceback"} in error.json
    exit 2      the command line was wrong
    exit 74     the machine failed: its disk is full or broken; said on stderr, and in error.json where that is possible
    exit 130    SIGTERM or Ctrl-C: the checkpoint of the last whole epoch is written, run again to go on; a study has
                none and starts anew
    137, ...    the system's: killed; run again to go on from the last checkpoint

`--lifeline`: stdin is a pipe that whoever started this holds open; the worker dies as soon as it is closed.
`--dry-run-steps N`: train N steps on the CPU and draw what will be evaluated, or study with N repeats, in one directory
after the other. Only dry_run.json is written then.
"""

import argparse
import errno
import json
import os
import signal
import sys
import threading
import traceback
from contextlib import suppress
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, NoReturn

if TYPE_CHECKING:
    from models.request import StudyRequest, TrainRequest

INTERRUPTED = 130
MACHINE_FAILED = os.EX_IOERR
OF_THE_MACHINE = (errno.ENOSPC, errno.EDQUOT, errno.EIO, errno.EROFS)
"""A disk that is full, over its quota, broken or read-only: no fault of what is trained."""


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m models.worker", description="Train what request.json asks for.")
    parser.add_argument("directory", type=Path, nargs="+")
    parser.add_argument("--lifeline", action="store_true", help="die as soon as standard input is closed")
    parser.add_argument("--dry-run-steps", type=int, metavar="N", help="train N steps, keep nothing")
    options = parser.parse_args(arguments)
    if options.dry_run_steps is None and len(options.directory) > 1:
        parser.error("one directory is trained at a time")
    if options.lifeline:
        threading.Thread(target=_die_with_parent, daemon=True).start()
    signal.signal(signal.SIGTERM, _interrupt)
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:  # not in a background that ignores Ctrl-C
        signal.signal(signal.SIGINT, _interrupt)
    directory = options.directory[0]
    try:
        if options.dry_run_steps is None:
            _train(directory)
        else:
            for directory in options.directory:
                _dry_run(directory, options.dry_run_steps)
    except KeyboardInterrupt:
        print("interrupted: run again to go on from the last whole epoch", file=sys.stderr)
        return INTERRUPTED
    except Exception as error:
        with suppress(OSError):  # the log may be on the disk that is full
            traceback.print_exc()
            _report(directory, error)
        return MACHINE_FAILED if isinstance(error, OSError) and error.errno in OF_THE_MACHINE else 1
    return 0


def _train(directory: Path) -> None:
    # imported late, so that the lifeline is watched while torch loads
    from models.checkpoint import write_atomically
    from models.request import TrainRequest

    request = _request(directory)
    if isinstance(request, TrainRequest):
        from models.training import train

        result = train(request)
    else:
        from models.studying import study

        result = study(request)
    write_atomically(directory / "result.json", result.model_dump_json(indent=1).encode())


def _dry_run(directory: Path, steps: int) -> None:
    from models.checkpoint import write_atomically
    from models.request import TrainRequest

    request = _request(directory)
    if isinstance(request, TrainRequest):
        from models.drawing import draw_all
        from models.training import dry_run

        seconds, parameters = dry_run(request, steps)
        draw_all(request)
    else:
        from models.studying import dry_run as dry_run_of_study

        seconds, parameters = dry_run_of_study(request, steps) / steps, 0
    content = {"steps": steps, "seconds_per_step": seconds, "parameters": parameters}
    write_atomically(directory / "dry_run.json", json.dumps(content, allow_nan=False).encode())


def _request(directory: Path) -> "TrainRequest | StudyRequest":
    from models.request import StudyRequest, TrainRequest

    content = json.loads((directory / "request.json").read_text(encoding="utf-8"))
    kind = StudyRequest if content.get("kind") == "study" else TrainRequest
    return kind.model_validate({**content, "directory": str(directory)})


def _report(directory: Path, error: Exception) -> None:
    content = {"type": type(error).__name__, "message": str(error), "traceback": traceback.format_exc()}
    try:
        path = directory / "error.json"
        path.with_name("error.json.tmp").write_text(json.dumps(content), encoding="utf-8")
        path.with_name("error.json.tmp").replace(path)
    except OSError as problem:
        print(f"error.json could not be written: {problem}", file=sys.stderr)


def _interrupt(number: int, frame: FrameType | None) -> NoReturn:
    for another in (signal.SIGTERM, signal.SIGINT):  # which would interrupt the writing of the checkpoint
        signal.signal(another, signal.SIG_IGN)
    raise KeyboardInterrupt


def _die_with_parent() -> None:
    while os.read(0, 4096):
        pass
    os._exit(128 + signal.SIGHUP)


if __name__ == "__main__":
    ended = main()
    if ended == MACHINE_FAILED:
        os._exit(ended)  # Python would end otherwise where its last words find no room
    sys.exit(ended)
