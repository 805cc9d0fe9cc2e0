"""What each call on the local Modal server took, from the server's journal alone."""

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any


@dataclass
class Call:
    """Times in seconds since 1970. given: when containers were given it, with their names; ended: when it had its
    output, whatever became of that; None: it is under way. commits: of containers that were at work on it."""

    id: str
    called: float
    given: list[tuple[float, str]] = field(default_factory=list)
    ended: float | None = None
    commits: list[float] = field(default_factory=list)
    interrupted: bool = False
    told: float | None = None
    """When its function had ended: it committed its outcome, or its checkpoint after an interruption."""
    done: bool = False
    """It has committed its outcome: where it is started again it only says so once more."""

    @property
    def running(self) -> str | None:
        """The container that has it now."""
        return self.given[-1][1] if self.given and self.ended is None else None

    @property
    def seconds(self) -> tuple[float, float]:
        """At least and at most: from the first commit of its function to its outcome, or else to the end of its
        container; and from the moment that a container got it to its end."""
        if not self.given or self.ended is None:
            return 0.0, 0.0
        least = (self.told or self.ended) - self.commits[0] if self.commits else 0.0
        return max(0.0, least), self.ended - self.given[0][0]


class Journal:
    """The journal from where it stands now. `read` takes in what is new."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.path = root / "journal.jsonl"
        self.position = self.path.stat().st_size
        self.calls: dict[str, Call] = {}
        self.committed: list[dict[str, Any]] = []

    def read(self) -> "Journal":
        with self.path.open("rb") as file:
            file.seek(self.position)
            for line in file:
                if not line.endswith(b"\n"):
                    break
                self.position += len(line)
                self._take(json.loads(line))
        return self

    def _take(self, line: dict[str, Any]) -> None:
        at, event = line["at"], line["event"]
        if event == "called":
            self.calls[line["call"]] = Call(line["call"], at)
        elif event == "committed":
            self.committed.append(line)
            self._at_work(line)
        call = self.calls.get(line.get("call", ""))
        if call is None:
            return
        if event == "given":
            call.given.append((at, line["task"]))
            if not call.done:
                call.interrupted, call.told = False, None
        elif event == "fault" and line["do"] == "preempt":
            call.interrupted = True
        elif event in ("output", "finished", "lost_output") and call.ended is None:
            call.ended = at

    def _at_work(self, line: dict[str, Any]) -> None:
        for call in self.calls.values():
            if call.running == line["task"]:
                call.commits.append(line["at"])
                outcome = any(name.endswith(f"/outcome-{call.id}.json") for name in line["files"])
                if (outcome or call.interrupted) and not call.done:
                    call.told, call.done = line["at"], outcome

    def results(self) -> dict[str, set[str]]:
        """Containers that brought a result of their own, by the run's folder."""
        found: dict[str, set[str]] = {}
        for line in self.committed:
            for name in line["files"]:
                if name.endswith("/result.json"):
                    found.setdefault(name.split("/")[1], set()).add(line["task"])
        return found

    def pid(self, task: str) -> int | None:
        """Process of a container that has not ended."""
        pid = None
        for text in self.path.read_text().splitlines():
            line = json.loads(text)
            if line.get("task") == task and line["event"] in ("started", "ended"):
                pid = line["pid"] if line["event"] == "started" else None
        return pid
