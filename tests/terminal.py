"""A terminal, for what looks otherwise there than in a pipe."""

import os
import pty
import subprocess


def in_terminal(command: list[str], environment: dict[str, str]) -> subprocess.CompletedProcess[str]:
    """Run it with a terminal for its standard input and output. stdout: everything that was shown."""
    ours, theirs = pty.openpty()
    child = subprocess.Popen(command, env=environment, stdin=theirs, stdout=theirs, stderr=subprocess.PIPE, text=True)
    os.close(theirs)
    shown = b""
    while piece := _read(ours):
        shown += piece
    os.close(ours)
    _, said = child.communicate(timeout=60)
    return subprocess.CompletedProcess(command, child.returncode, shown.decode(), said)


def _read(terminal: int) -> bytes:
    try:
        return os.read(terminal, 65536)
    except OSError:  # nobody has the other end open any more
        return b""
