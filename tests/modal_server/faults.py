"""What the server can be told to do wrong, over HTTP: POST /fault {"do": ..., ...}.

At once, to a call that is running (`call`, or whichever runs longest):

    preempt   SIGINT, and SIGKILL after `grace` seconds; the input goes to another container, or with `again: false`
              its call ends as an internal failure, as when the real service gives up
    kill      SIGKILL as by the kernel when memory runs out: exit code 137
    timeout   as if its time were over
    expire    its output is no longer kept

To the next calls, `count` of them (1):

    refuse       a spawn is refused
    lose_output  an output is dropped on its way in; with `call`, that of this call
    slow         an input is handed out `seconds` late
    break        a container cannot import the function
    pickle       an output is replaced by a pickle that, where it is loaded, creates the file `path`

To the next question what an hour costs:

    rates        `rates` in place of the usual ones; without it the question is refused
"""

from typing import Any

NOW = ("preempt", "kill", "timeout", "expire")
NEXT = ("refuse", "lose_output", "slow", "break", "pickle", "rates")


class Faults:
    def __init__(self) -> None:
        self._ahead: list[dict[str, Any]] = []

    def plan(self, fault: dict[str, Any]) -> None:
        self._ahead += [fault] * int(fault.get("count", 1))

    def due(self, kind: str) -> dict[str, Any] | None:
        """The next planned one of this kind, which is used up by asking."""
        for fault in self._ahead:
            if fault["do"] == kind:
                self._ahead.remove(fault)
                return fault
        return None
