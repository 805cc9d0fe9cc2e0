"""What a criterion of a report is for. Explicit rules, in this order; docs/history.md lists them.

A role that no rule settles is reported as uncertain, and its criterion takes no part in a verdict.
"""

from dataclasses import dataclass

from proposals.history.cast import Cast
from proposals.history.nouns import direction_of, is_inside
from proposals.history.reading import Reading
from proposals.history.statements import Statement
from proposals.spec import Role


@dataclass(frozen=True)
class Casting:
    """`why` names the rule. doubt: why it is uncertain, "" if it is not. turned: the formula must be turned around."""

    role: Role
    why: str
    doubt: str = ""
    turned: bool = False


def role_of(one: Statement, reading: Reading, cast: Cast, outcome_elsewhere: bool) -> Casting:
    """`outcome_elsewhere`: another criterion of the report is about what the idea achieves."""
    worse = _asks_for_worse(reading)
    if one.said_role in {"kill", "pause", "debug"}:
        return _failure(one, reading, worse)
    if one.said_role:
        return Casting(one.said_role, "the report names the role")
    if one.origin == "failure":
        return Casting("kill", "a failure criterion", "it says neither kill, pause nor debug")
    if reading.words == ("nan",):
        return Casting("guard", "no NaN is a guard")
    if not reading.formulas:
        return Casting("target", "a success criterion that was not read", "it was not read")
    if is_inside(reading.words):
        doubt = "" if outcome_elsewhere else "it may be the hypothesis itself: no other criterion is about an outcome"
        return Casting("diagnostic", "it is about how the idea works inside", doubt)
    proposed = reading.variant in cast.proposed
    if proposed and reading.wants == "band":
        return Casting("expectation", "a band that was predicted")
    if proposed:
        if worse:
            return Casting("expectation", "it asks for a worse value, so it predicts a limit")
        return Casting("target", "it is about the proposed variant", reading.doubt)
    if not cast.proposed:
        return Casting("target", "a success criterion", "which variant is proposed is not clear")
    if reading.wants == "band" or worse:
        return Casting("expectation", "it predicts what a variant that is not proposed will do")
    if worse is None:
        return Casting(
            "expectation", "it is about a variant that is not proposed", "whether more is better is not known"
        )
    return Casting("sanity", "a reference should succeed, else the test cannot tell")


def _failure(one: Statement, reading: Reading, worse: bool | None) -> Casting:
    """In a failure section the condition is that of the kill. Among success criteria a row says what is wanted,
    unless it asks for a worse value of the idea: then it is the kill's own condition."""
    assert one.said_role
    if one.origin == "failure" or not reading.formulas:
        return Casting(one.said_role, "the report names the role")
    if reading.wants == "band" or worse is None:
        return Casting(one.said_role, "the report names the role", "whether it is wanted or feared is not clear")
    if worse:
        return Casting(one.said_role, "the report names the role, and asks for what is feared")
    return Casting(
        one.said_role, "the report names the role; it applies where what is wanted did not happen", turned=True
    )


def _asks_for_worse(reading: Reading) -> bool | None:
    """None where the direction of the metric is not known."""
    direction = "lower" if reading.words == ("nan",) else direction_of(reading.words)
    if direction == "neither" or reading.wants not in {"more", "less"}:
        return None
    return (direction == "higher") != (reading.wants == "more")
