"""The exact sign test over looks, against brute force over every sequence of seeds."""

from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proposals.judging import boundaries, spent
from proposals.judging.looks import more_seeds, next_look


@pytest.mark.parametrize(
    ("looks", "needed"),
    [((5, 10), (5, 9)), ((3,), (None,)), ((5,), (5,)), ((8,), (7,)), ((6, 12), (6, 10)), ((3, 6), (None, 6))],
)
def test_boundaries_at_five_percent(looks: tuple[int, ...], needed: tuple[int | None, ...]) -> None:
    assert boundaries(looks, 0.05) == needed


def test_spent_at_five_percent() -> None:
    assert spent((5, 10), 0.05) == (1 / 32, 5 / 1024)
    assert spent((3,), 0.05) == (0.0,)


def test_three_seeds_suffice_for_a_declared_error_of_one_in_eight() -> None:
    assert boundaries((3,), 0.125) == (3,)


def errors_by_enumeration(looks: tuple[int, ...], needed: tuple[int | None, ...]) -> list[float]:
    """How often each look is the first to say "holds", of all sequences of fair coins."""
    counts = [0] * len(looks)
    for seeds in product((0, 1), repeat=looks[-1]):
        for number, (look, enough) in enumerate(zip(looks, needed, strict=True)):
            if enough is not None and sum(seeds[:look]) >= enough:
                counts[number] += 1
                break
    return [count / 2 ** looks[-1] for count in counts]


@pytest.mark.parametrize("error", [0.05, 0.01, 0.1, 0.2])
@pytest.mark.parametrize("looks", [(5,), (5, 10), (6, 12), (3, 6, 9), (4, 5, 6), (2, 11), (1, 13), (5, 6)])
def test_what_is_spent_is_exact(looks: tuple[int, ...], error: float) -> None:
    assert list(spent(looks, error)) == errors_by_enumeration(looks, boundaries(looks, error))


grown = st.sets(st.integers(1, 40), min_size=1, max_size=4).map(lambda looks: tuple(sorted(looks)))
levels = st.floats(0.001, 0.4)


@given(looks=grown, error=levels)
def test_never_more_than_declared(looks: tuple[int, ...], error: float) -> None:
    assert sum(spent(looks, error)) <= error


@given(looks=grown, error=levels)
def test_each_look_takes_all_that_fits(looks: tuple[int, ...], error: float) -> None:
    """Greedy, so a look's boundary does not depend on the looks after it."""
    needed = boundaries(looks, error)
    for number in range(1, len(looks) + 1):
        assert boundaries(looks[:number], error) == needed[:number]
    assert all(enough is None or look / 2 < enough <= look for look, enough in zip(looks, needed, strict=True))


@pytest.mark.parametrize("looks", [(), (0, 5), (5, 5), (10, 5)])
def test_looks_must_grow(looks: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match="growing numbers of seeds"):
        boundaries(looks, 0.05)


def test_error_is_a_probability() -> None:
    with pytest.raises(ValueError, match="below one half"):
        boundaries((5,), 0.5)


@pytest.mark.parametrize(("holding", "failing", "seeds", "more"), [(4, 1, 5, 11), (5, 5, 10, None), (0, 0, 5, None)])
def test_more_seeds(holding: int, failing: int, seeds: int, more: int | None) -> None:
    assert more_seeds(holding, failing, seeds, 0.05) == more
    assert more_seeds(failing, holding, seeds, 0.05) == more


@pytest.mark.parametrize(
    ("holding", "failing", "seeds", "expected"),
    [
        (4, 1, 5, 10),  # 9 of 10 is in reach
        (1, 4, 5, 10),  # and so is 9 of 10 against
        (3, 2, 5, None),
        (4, 0, 5, 10),  # one tie
        (3, 0, 5, None),  # two ties are two too many
        (0, 0, 5, None),
        (8, 2, 10, None),  # no look is left
        (0, 0, 1, 5),  # before the first look nothing has been looked at
    ],
)
def test_a_look_is_taken_only_where_it_can_decide(holding: int, failing: int, seeds: int, expected: int | None) -> None:
    assert next_look(holding, failing, seeds, (5, 10), 0.05) == expected
