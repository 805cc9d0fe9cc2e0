"""Composition in finite groups, and parity; the groups themselves as tables, which the data are made from too."""

import re
from collections.abc import Callable
from functools import lru_cache
from itertools import combinations, permutations
from typing import Literal

from pydantic import Field, model_validator

from models.options.base import Options

Permutation = tuple[int, ...]
"""Images of 0 .. n - 1."""
Generators = Literal["standard", "adjacent", "transpositions", "all"]
Labels = Literal["every", "last"]
LARGEST_CYCLIC = 512


class Composition(Options):
    """The element composed so far, g_t = g_(t-1) x_t with g_0 = e, of generators x_t drawn evenly.

    group: s<n>, all permutations of n; a5, the even ones of 5; d4, the symmetries of the square; z<n>, addition
    modulo n. Permutations multiply as functions, (g x)(i) = g(x(i)).

    generators "standard": s<n> (0 1) and (0 1 ... n-1); a5 (0 1 2) and (0 1 2 3 4); d4 the quarter turn r and a
    reflection s; z<n> 0 and 1. "adjacent" and "transpositions" (s<n> only): the swaps of neighbours, or of any two.
    "all": every element. identity: e is a generator too, where it is none already.

    length: generators in a sequence; shortest: where given, their number is drawn evenly from shortest .. length and
    the rest is padding. labels: after every generator, or after the last one. bos: a token stands before them.
    """

    name: Literal["composition"]
    group: str = Field(pattern=r"^(s3|s4|s5|a5|d4|z[0-9]+)$")
    generators: Generators = "standard"
    identity: bool = False
    length: int = Field(gt=0)
    shortest: int | None = Field(default=None, gt=0)
    labels: Labels = "every"
    bos: bool = True
    train: int = Field(gt=0)
    validation: int = Field(gt=0)
    test: int = Field(gt=0)

    @model_validator(mode="after")
    def _fits(self) -> "Composition":
        if self.group[0] == "z" and not 2 <= int(self.group[1:]) <= LARGEST_CYCLIC:
            raise ValueError(f"group {self.group}: the order of a cyclic group here is from 2 to {LARGEST_CYCLIC}")
        if self.shortest is not None and self.shortest > self.length:
            raise ValueError(f"shortest {self.shortest} is longer than length {self.length}")
        if self.generators in ("adjacent", "transpositions") and self.group[0] != "s":
            raise ValueError(
                f"group {self.group} has no generators `{self.generators}`, which are swaps: take `standard` or `all`"
            )
        if self.identity and 0 in generators_of(self.group, self.generators):
            raise ValueError(f"`{self.generators}` of {self.group} has the identity already: leave `identity` out")
        return self

    @property
    def steps(self) -> tuple[int, ...]:
        """The generators as indices of elements, in the order of their tokens."""
        return generators_of(self.group, self.generators) + ((0,) if self.identity else ())

    @property
    def reachable(self) -> tuple[int, ...]:
        """How many elements can be the answer after 1 .. length generators. Where all generators are odd, only half
        of the group."""
        return tuple(sum(share > 0 for share in shares) for shares in walk(self.group, self.steps, self.length))

    @property
    def chance(self) -> float:
        """Accuracy of the most frequent element after each number of generators: the best without looking at them.
        Exact; 1 / reachable once the walk is even over what it reaches."""
        best = [max(shares) for shares in walk(self.group, self.steps, self.length)]
        lengths = range(self.length if self.shortest is None else self.shortest, self.length + 1)
        asked = [step for length in lengths for step in (range(length) if self.labels == "every" else [length - 1])]
        return sum(best[step] for step in asked) / len(asked)


class Parity(Options):
    """Whether the number of ones among the bits so far is odd; bits are drawn evenly. labels: at the last bit, or at
    every one."""

    name: Literal["parity"]
    length: int = Field(default=32, gt=0)
    labels: Labels = "last"
    train: int = Field(gt=0)
    validation: int = Field(gt=0)
    test: int = Field(gt=0)

    @property
    def chance(self) -> float:
        return 0.5


def compose(first: Permutation, then: Permutation) -> Permutation:
    """first then as functions: i -> first(then(i))."""
    return tuple(first[image] for image in then)


@lru_cache
def elements(group: str) -> tuple[Permutation, ...]:
    """All elements in lexicographic order: the identity is number 0, and k of z<n> is number k."""
    size = int(re.sub(r"\D", "", group))
    every = permutations(range(size))
    chosen: dict[str, Callable[[Permutation], bool]] = {
        "s": lambda element: True,
        "a": lambda element: sum(a > b for a, b in combinations(element, 2)) % 2 == 0,
        # corners that were opposite stay opposite
        "d": lambda element: (element[0] - element[2]) % 4 == 2,
    }
    if group[0] == "z":
        return tuple(_turn(size, by) for by in range(size))
    return tuple(filter(chosen[group[0]], every))


@lru_cache
def generators_of(group: str, choice: Generators) -> tuple[int, ...]:
    """The chosen generators, as indices of elements."""
    known = elements(group)
    size = len(known[0])
    swaps = [_swapped(size, a, b) for a, b in combinations(range(size), 2)]
    standard: dict[str, list[Permutation]] = {
        "s": [_swapped(size, 0, 1), _turn(size, 1)],
        "a": [(1, 2, 0, 3, 4), (1, 2, 3, 4, 0)],
        "d": [(1, 2, 3, 0), (0, 3, 2, 1)],
        "z": [_turn(size, 0), _turn(size, 1)],
    }
    chosen: dict[str, list[Permutation]] = {
        "standard": standard[group[0]],
        "adjacent": [_swapped(size, a, a + 1) for a in range(size - 1)],
        "transpositions": swaps,
        "all": list(known),
    }
    return tuple(known.index(element) for element in chosen[choice])


@lru_cache
def products(group: str, steps: tuple[int, ...]) -> tuple[tuple[int, ...], ...]:
    """Index of g x: for each element g, for each generator x of `steps`."""
    known = elements(group)
    index = {element: number for number, element in enumerate(known)}
    return tuple(tuple(index[compose(element, known[step])] for step in steps) for element in known)


@lru_cache
def walk(group: str, steps: tuple[int, ...], length: int) -> tuple[tuple[float, ...], ...]:
    """Probability of each element after 1 .. length generators drawn evenly, from the identity on."""
    table = products(group, steps)
    shares = [1.0] + [0.0] * (len(table) - 1)
    after = []
    for _ in range(length):
        ahead = [0.0] * len(table)
        for share, row in zip(shares, table, strict=True):
            for product in row:
                ahead[product] += share / len(steps)
        shares = ahead
        after.append(tuple(shares))
    return tuple(after)


def _turn(size: int, by: int) -> Permutation:
    return tuple((place + by) % size for place in range(size))


def _swapped(size: int, a: int, b: int) -> Permutation:
    swap = {a: b, b: a}
    return tuple(swap.get(place, place) for place in range(size))
