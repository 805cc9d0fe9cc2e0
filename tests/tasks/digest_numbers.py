"""Every number of a digest, looked up in the catalog by SQL. Written without the code that renders digests.

`problems(document, catalog)` is about the newest digest of a catalog: the views then say what it should say. A line
with a digit that is not explained by a row of the catalog is a problem, wherever it stands.
"""

import html
import json
import math
import re
import sqlite3
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

VERDICTS = "verdict JOIN registration ON registration.id = verdict.registration_id"
FORMULA = "(proceeded + 1) / (proceeded + abandoned + 2)."


def problems(document: str, catalog: Path) -> list[str]:
    connection = sqlite3.connect(f"file:{catalog}?mode=ro", uri=True)
    try:
        return list(_Reading(document, connection).problems())
    finally:
        connection.close()


class _Reading:
    def __init__(self, document: str, connection: sqlite3.Connection) -> None:
        self.text = document.split("<!-- notes -->")[0]
        self.connection = connection
        (self.digest,) = self.ask(
            "SELECT id, window_start, window_end, written_at FROM digest ORDER BY id DESC LIMIT 1"
        )
        self.start = json.loads(self.digest["window_start"])
        self.section, self.verdict, self.registration, self.place = "front", 0, 0, 0
        self.moved, self.verdict_row = "", dict[str, Any]()

    def ask(self, query: str, *values: Any) -> list[dict[str, Any]]:
        cursor = self.connection.execute(query, values)
        names = [column[0] for column in cursor.description]
        return [dict(zip(names, row, strict=True)) for row in cursor]

    def one(self, query: str, *values: Any) -> Any:
        (row,) = self.ask(query, *values)
        (value,) = row.values()
        return value

    def problems(self) -> Iterator[str]:
        for line in self.text.splitlines():
            if line.startswith("## "):
                self.section, self.place = line[3:], 0
                if re.search(r"\d", line):
                    yield f"a number in a heading: {line}"
            elif re.search(r"\d", line) and not self.explained(line):
                yield f"{self.section}: {line}"

    def explained(self, line: str) -> bool:
        parts: dict[str, Callable[[str], bool]] = {
            "front": self.front,
            "Verdicts": self.verdicts,
            "Proposals": self.proposals,
            "Registrations": self.registrations,
            "Under way": self.under_way,
            "Faults, and runs not collected": self.faults,
            "Spend against estimate": self.spend,
            "What waits": self.waits,
            "Track record of the tricks": self.tricks,
            "The next dollar": self.next_dollar,
        }
        try:
            return self.section in parts and parts[self.section](line)
        except (ValueError, IndexError, KeyError):
            return False

    # -- sections ----------------------------------------------------------------------------------------------

    def front(self, line: str) -> bool:
        at = self.digest["written_at"]
        start = self.start
        before = self.ask("SELECT written_at FROM digest WHERE id = ?", self.digest["id"] - 1)
        new = "SELECT COUNT(*) FROM (SELECT stem FROM proposal_version GROUP BY stem HAVING MIN(id) > ?)"
        tricks = {
            trick: id
            for row in self.ask("SELECT id, tricks FROM proposal_version ORDER BY id DESC")
            for trick in json.loads(row["tricks"])
            for id in (row["id"],)
        }
        since = f"of what happened since {minute(before[0]['written_at'])}" if before else "of all that happened so far"
        return line in {
            f"date: {at[:19]}",
            f"timestamp: {at[:10]} {at[11:19]}",
            f"tricks: {sum(id > start['proposal_version'] for id in tricks.values())}",
            f"proposals: {self.one(new, start['proposal_version'])}",
            f"experiments: {self.one('SELECT COUNT(*) FROM experiment WHERE id > ?', start['experiment'])}",
            f"digest: {self.digest['id']}",
            f"  start: {self.digest['window_start']}",
            f"  end: {self.digest['window_end']}",
            f'catalog_revision: "{self.one("SELECT version_num FROM alembic_version")}"',
            f"# Research log, {minute(at)}",
            f"Digest {self.digest['id']}, {since}: {self.summary()}.",
        }

    def summary(self) -> str:
        counts = self.ask(
            """
            SELECT verdict, COUNT(*) AS count FROM verdict WHERE id IN (
                SELECT MAX(verdict.id) FROM verdict JOIN registration ON registration.id = registration_id
                WHERE verdict.id > ? GROUP BY stem, fidelity
            ) GROUP BY verdict ORDER BY verdict
            """,
            self.start["verdict"],
        )
        kinds = ", ".join(f"{row['count']} {row['verdict']}" for row in counts)
        new = self.one(
            "SELECT COUNT(*) FROM (SELECT stem FROM proposal_version GROUP BY stem HAVING MIN(id) > ?)",
            self.start["proposal_version"],
        )
        registered = self.one("SELECT COUNT(*) FROM registration WHERE id > ?", self.start["registration"])
        ended = self.ended()
        parts = [
            plural(sum(row["count"] for row in counts), "verdict") + (f" ({kinds})" if kinds else ""),
            plural(new, "new proposal"),
            plural(registered, "registration"),
            plural(sum(row["state"] != "collected" for row in ended), "fault"),
            f"{dollars(sum(row['dollars'] for row in ended))} spent",
        ]
        return ", ".join(parts)

    def ended(self) -> list[dict[str, Any]]:
        """Attempts that ended in the window."""
        since = (
            f"attempt_id > {self.start['attempt']} OR attempt_id IN ({','.join(map(str, self.start['open'])) or '0'})"
        )
        return self.ask(
            f"SELECT attempt_end.*, registration_id FROM attempt_end JOIN attempt ON attempt.id = attempt_id "
            f"JOIN experiment ON experiment.id = experiment_id WHERE {since}"
        )

    def verdicts(self, line: str) -> bool:
        if line.startswith("### "):
            stem, self.moved = plain(line[4:]).split(": ", 1)
            return bool(self.ask("SELECT 1 FROM proposal WHERE stem = ?", stem))
        if line.startswith("| "):
            return self.criterion(cells(line))
        if line.startswith("- "):
            said = plain(line[2:]).removeprefix("caveat: ")
            (row,) = self.ask("SELECT reasons, caveats FROM verdict WHERE id = ?", self.verdict)
            for one in self.ask("SELECT * FROM verdict WHERE id = ?", self.verdict_row["supersedes_id"]):
                reasons = "; ".join(json.loads(one["reasons"]))
                if said == f"the policy said {one['verdict']} by rule {one['rule']}: {reasons}":
                    return True
            return said in json.loads(row["reasons"]) + json.loads(row["caveats"])
        found = re.fullmatch(
            r"(.*)\. Fidelity (\w+); (?:rule (\d+)|said by (.+)); (\d+ seeds?); verdict (\d+), (.*)\.", plain(line)
        )
        if found is None:
            return False
        self.verdict = int(found[6])
        (row,) = self.ask(
            f"SELECT verdict.*, fidelity, title, stem FROM {VERDICTS} JOIN proposal USING (stem) WHERE verdict.id = ?",
            self.verdict,
        )
        self.verdict_row = row
        judged = row["supersedes_id"] or row["id"]
        seeds = self.one("SELECT COUNT(DISTINCT seed) FROM verdict_run WHERE verdict_id = ?", judged)
        said = (
            row["title"],
            row["fidelity"],
            row["rule"] and str(row["rule"]),
            row["overruled_by"],
            plural(seeds, "seed"),
        )
        chain = self.ask(
            f"SELECT verdict, next_look, overruled_by FROM {VERDICTS} "
            "WHERE stem = ? AND fidelity = ? AND verdict.id > ? ORDER BY verdict.id",
            row["stem"], row["fidelity"], self.start["verdict"],
        )  # fmt: skip
        before = self.ask(
            f"SELECT verdict, next_look, overruled_by FROM {VERDICTS} "
            "WHERE stem = ? AND fidelity = ? AND verdict.id <= ? ORDER BY verdict.id DESC LIMIT 1",
            row["stem"], row["fidelity"], self.start["verdict"],
        )  # fmt: skip
        path = " → ".join([*(said_of(one) for one in before or [None]), *(said_of(one) for one in chain)])
        return found.groups()[:5] == said and found[7] == minute(row["judged_at"]) and self.moved == path

    def criterion(self, row: list[str]) -> bool:
        judged = self.verdict_row["supersedes_id"] or self.verdict
        (kept,) = self.ask(
            "SELECT criterion_outcome.*, role, canonical FROM criterion_outcome JOIN criterion USING (criterion) "
            "WHERE verdict_id = ? AND criterion = ? AND registration_id = ?",
            judged, row[0], self.verdict_row["registration_id"],
        )  # fmt: skip
        before = self.ask(
            f"SELECT criterion_outcome.margin FROM {VERDICTS} "
            "JOIN criterion_outcome ON verdict_id = verdict.id JOIN criterion "
            "ON criterion.registration_id = registration.id AND criterion.criterion = criterion_outcome.criterion "
            "WHERE stem = ? AND fidelity = ? AND verdict.id <= ? AND criterion.criterion = ? AND canonical = ? "
            "ORDER BY verdict.id DESC LIMIT 1",
            self.verdict_row["stem"], self.verdict_row["fidelity"], self.start["verdict"], row[0], kept["canonical"],
        )  # fmt: skip
        assert kept["unit"] == "fraction", "the units of these tests"
        return row == [
            kept["criterion"],
            kept["role"],
            kept["target"],
            percent(kept["achieved"]),
            "–" if kept["low"] is None else f"{percent(kept['low'])} to {percent(kept['high'])}",
            points(kept["margin"]),
            points(before[0]["margin"]) if before else "–",
            kept["decision"].replace("_", " "),
        ]

    def proposals(self, line: str) -> bool:
        stem, what, title, priority, tricks, estimated = cells(line)
        (row,) = self.ask("SELECT * FROM proposal_version WHERE stem = ? ORDER BY id DESC LIMIT 1", stem)
        first = self.one("SELECT MIN(id) FROM proposal_version WHERE stem = ?", stem)
        return (
            (title, priority) == (row["title"], row["priority"])
            and what == ("new" if first > self.start["proposal_version"] else "edited")
            and row["id"] > self.start["proposal_version"]
            and tricks == (", ".join(json.loads(row["tricks"])) or "–")
            and estimated == estimate(row["estimate_dollars"], row["estimate_minutes"])
        )

    def registrations(self, line: str) -> bool:
        if line.startswith("  - "):
            field, before, after, seen = re.fullmatch(  # type: ignore[union-attr]
                r"([\w.]+): (.*) → (.*); results had (been|not been) seen", plain(line[4:])
            ).groups()
            (row,) = self.ask(
                "SELECT * FROM deviation WHERE registration_id = ? AND field = ?", self.registration, field
            )
            return (before, after) == (json.loads(row["before"]), json.loads(row["after"])) and (seen == "been") == row[
                "results_seen"
            ]
        found = re.fullmatch(
            r"- (\S+) as `(\w{12})`, (.*): fidelity (\w+), estimate (.*?)(; it differs from the one before:)?",
            plain(line),
        )
        if found is None:
            return False
        (row,) = self.ask("SELECT * FROM registration WHERE substr(sha256, 1, 12) = ?", found[2])
        self.registration = row["id"]
        return row["id"] > self.start["registration"] and found.groups()[:5] == (
            row["stem"], row["sha256"][:12], minute(row["registered_at"]), row["fidelity"],
            estimate(row["estimate_dollars"], row["estimate_minutes"]),
        )  # fmt: skip

    def under_way(self, line: str) -> bool:
        row = cells(line)
        (kept,) = self.ask(
            """
            SELECT stem, experiment.id, fidelity, executor, started_at,
                (SELECT COUNT(DISTINCT run_id) FROM attempt WHERE experiment_id = experiment.id) AS begun,
                (SELECT COUNT(DISTINCT run_id) FROM attempt JOIN run_result USING (run_id)
                 WHERE experiment_id = experiment.id) AS results,
                (SELECT COUNT(*) FROM uncollected WHERE experiment_id = experiment.id) AS open
            FROM experiment JOIN registration ON registration.id = registration_id WHERE experiment.id = ?
            """,
            int(row[1]),
        )
        kept["started_at"] = minute(kept["started_at"])
        return row == [str(value) for value in kept.values()]

    def faults(self, line: str) -> bool:
        row = cells(line) if line.startswith("|") else []
        named = (
            "SELECT stem, (SELECT MIN(variant) FROM experiment_run WHERE experiment_run.run_id = attempt.run_id "
            "AND experiment_run.experiment_id = experiment.id) AS variant, seed, attempt.number, {} FROM attempt "
            "JOIN run ON run.id = attempt.run_id JOIN experiment ON experiment.id = attempt.experiment_id "
            "JOIN registration ON registration.id = registration_id "
            "LEFT JOIN attempt_end ON attempt_id = attempt.id WHERE {}"
        )
        if not row:
            late = self.ask(
                named.format("1", "state <> 'collected' AND attempt.id IN (SELECT attempt_id FROM run_result)")
            )
            return line in [
                f"- {one['stem']}: {one['variant']}, seed {one['seed']}, attempt {one['number']}" for one in late
            ]
        ended = [one["attempt_id"] for one in self.ended() if one["state"] != "collected"] or [0]
        of_these = f"attempt.id IN ({','.join(map(str, ended))})"
        faults = self.ask(named.format("ended_at, state, reason", of_these))
        open_now = self.ask(
            named.format("submitted_at, attempt.executor || ', ' || host AS place, attempt.id", "attempt_id IS NULL")
        )
        rows = [
            [*map(str, list(one.values())[:4]), minute(one["ended_at"]), one["state"].replace("_", " "), one["reason"]]
            for one in faults
        ]
        rows += [
            [
                *map(str, list(one.values())[:4]), minute(one["submitted_at"]), one["place"],
                "**yes**" if one["id"] in self.start["open"] else "no",
            ]
            for one in open_now
        ]  # fmt: skip
        return row in rows

    def spend(self, line: str) -> bool:
        ended = self.ended()
        if not line.startswith("|"):
            took = sum(one["seconds"] for one in ended) / 60
            spent = dollars(sum(one["dollars"] for one in ended))
            return line == f"{plural(len(ended), 'attempt')} ended, after {spent} and {minutes(took)}."
        rows = []
        for kept in self.ask("SELECT * FROM spend"):
            own = [one for one in ended if one["registration_id"] == kept["registration_id"]]
            rows.append(
                [
                    kept["stem"], kept["fidelity"], dollars(sum(one["dollars"] for one in own)),
                    minutes(sum(one["seconds"] for one in own) / 60), dollars(kept["actual_dollars"]),
                    dollars(kept["failed_dollars"]), minutes(kept["actual_minutes"]),
                    estimate(kept["estimate_dollars"], kept["estimate_minutes"]),
                ]
            )  # fmt: skip
        return cells(line) in rows

    def waits(self, line: str) -> bool:
        stem, fidelity, why = cells(line)
        looks = self.ask(
            "SELECT next_look FROM verdict JOIN registration ON registration.id = registration_id "
            "WHERE stem = ? AND fidelity = ? ORDER BY verdict.id DESC LIMIT 1",
            stem, fidelity,
        )  # fmt: skip
        known = {f"undecided: on to {look['next_look']} seeds" for look in looks}
        return bool(self.ask("SELECT 1 FROM proposal WHERE stem = ?", stem)) and (
            why in known or not re.search(r"\d", why)
        )

    def tricks(self, line: str) -> bool:
        if FORMULA in line:
            return not re.search(r"\d", line.replace(FORMULA, ""))
        trick, *numbers = cells(line)
        (row,) = self.ask("SELECT proposals, judged, proceed, abandon FROM tricks WHERE trick = ?", trick)
        return numbers == [*map(str, row.values()), percent(self.chance(trick))]

    def chance(self, trick: str) -> float:
        (row,) = self.ask("SELECT proceed, abandon FROM tricks WHERE trick = ?", trick)
        return float((row["proceed"] + 1) / (row["proceed"] + row["abandon"] + 2))

    def next_dollar(self, line: str) -> bool:
        place, stem, title, chance, bits, estimated, rate = cells(line)
        self.place += 1
        (row,) = self.ask("SELECT * FROM proposal_version WHERE stem = ? ORDER BY id DESC LIMIT 1", stem)
        money, time = row["estimate_dollars"], row["estimate_minutes"]
        if money is None:
            found = self.ask(
                "SELECT estimate_dollars, estimate_minutes FROM registration WHERE stem = ? AND fidelity = 'specified' "
                "ORDER BY id DESC LIMIT 1", stem,
            )  # fmt: skip
            money, time = found[0].values() if found else (None, None)
        tricks = [self.chance(one["trick"]) for one in self.ask("SELECT trick FROM based_on WHERE stem = ?", stem)]
        p = sum(tricks) / len(tricks) if tricks else 0.5
        entropy = -p * math.log2(p) - (1 - p) * math.log2(1 - p)
        price, per = (time, "minute") if money == 0 else (money, "dollar")
        return (place, title, chance, bits, estimated, rate) == (
            str(self.place), row["title"], percent(p), f"{entropy:.3f}", estimate(money, time),
            f"{entropy / price:.4f} bits per {per}" if price else "–",
        )  # fmt: skip


# -- as people read them -------------------------------------------------------------------------------------


def plain(text: str) -> str:
    return html.unescape(re.sub(r"\\(.)", r"\1", text))


def cells(line: str) -> list[str]:
    return [plain(cell.strip()) for cell in re.split(r"(?<!\\)\|", line)[1:-1]]


def said_of(row: dict[str, Any] | None) -> str:
    if row is None:
        return "no verdict"
    going_on = f" (undecided: on to {row['next_look']} seeds)" if row["next_look"] else ""
    return row["verdict"] + going_on + (" (by a person)" if row["overruled_by"] else "")


def minute(text: str) -> str:
    return f"{text[:10]} {text[11:16]} UTC"


def percent(value: float | None) -> str:
    return "–" if value is None else f"{100 * value:.1f} %"


def points(value: float | None) -> str:
    return "–" if value is None else f"{100 * value:+.1f} pp"


def dollars(value: float) -> str:
    return f"${value:,.2f}"


def minutes(value: float) -> str:
    return f"{value:.1f} min"


def estimate(money: float | None, time: float | None) -> str:
    return "–" if money is None or time is None else f"{dollars(money)}, {minutes(time)}"


def plural(number: int, what: str) -> str:
    return f"{number} {what}{'' if number == 1 else 's'}"
