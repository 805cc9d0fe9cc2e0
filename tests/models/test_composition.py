"""Groups as tables, what can be reached in them, and what is asked."""

from collections import Counter
from itertools import product

import pytest
from answers import elements_of, generators_of, times

from models.options import Composition
from models.options.groups import elements, products
from models.options.groups import generators_of as steps_of
from models.synthetics import build_data
from models.synthetics.base import IGNORED

ORDERS = {"s3": 6, "s4": 24, "s5": 120, "a5": 60, "d4": 8, "z2": 2, "z60": 60}


def composed(group, **more):
    sizes = {"length": 12, "train": 50, "validation": 10, "test": 10}
    return Composition(name="composition", group=group, **{**sizes, **more})


@pytest.mark.parametrize("group", ORDERS)
def test_elements_and_products(group):
    known = elements(group)
    assert list(known) == elements_of(group)
    assert len(known) == ORDERS[group]
    steps = steps_of(group, "standard")
    for element, row in zip(known, products(group, steps), strict=True):
        assert [known[g] for g in row] == [times(element, known[step]) for step in steps]


@pytest.mark.parametrize("group", ["s3", "s4", "s5", "a5", "d4", "z7"])
@pytest.mark.parametrize("choice", ["standard", "adjacent", "transpositions", "all"])
def test_generators_generate(group, choice):
    if choice in ("adjacent", "transpositions") and group[0] != "s":
        return
    options = composed(group, generators=choice)
    assert [elements(group)[step] for step in options.steps] == generators_of(options)
    # with the identity among them, everything is reached in the end
    full = composed(group, generators=choice, identity=0 not in options.steps, length=30)
    assert full.reachable[-1] == len(elements(group))


def test_what_the_square_symmetries_are():
    r, s = (elements("d4")[step] for step in steps_of("d4", "standard"))
    inverse = times(r, times(r, r))
    assert times(r, inverse) == elements("d4")[0] == times(s, s)
    assert times(s, times(r, s)) == inverse


@pytest.mark.parametrize(
    ("options", "reachable", "chance"),
    [
        # r and s are odd both: at a known length half of the group
        ({"group": "d4", "length": 20, "labels": "last"}, 4, 0.25),
        ({"group": "d4", "length": 20, "labels": "last", "identity": True}, 8, 0.125),
        # after an even number of swaps, the even permutations
        ({"group": "s5", "length": 20, "labels": "last", "generators": "transpositions"}, 60, 1 / 60),
        # a swap and a cycle of five: all of them, not yet evenly
        ({"group": "s5", "length": 20, "labels": "last"}, 120, 0.0153),
        ({"group": "s5", "length": 4, "labels": "last", "generators": "all"}, 120, 1 / 120),
        ({"group": "z2", "length": 9}, 2, 0.5),
        ({"group": "z9", "length": 3, "labels": "last"}, 4, 3 / 8),
    ],
)
def test_reachable_elements_and_chance(options, reachable, chance):
    asked = composed(options.pop("group"), **options)
    assert asked.reachable[-1] == reachable
    assert asked.chance == pytest.approx(chance, abs=1e-4)


@pytest.mark.parametrize(
    "options",
    [
        {"group": "s3", "length": 6},
        {"group": "s3", "length": 6, "shortest": 3},
        {"group": "s3", "length": 6, "shortest": 3, "labels": "last"},
        {"group": "z5", "length": 5, "labels": "every"},
    ],
)
def test_reachable_and_chance_by_going_through_all_sequences(options):
    asked = composed(options.pop("group"), **options)
    generators = generators_of(asked)
    best, total = 0.0, 0
    for length in range(asked.shortest or asked.length, asked.length + 1):
        for step in range(1, length + 1) if asked.labels == "every" else [length]:
            ends = Counter()
            for word in product(generators, repeat=step):
                element = tuple(range(len(generators[0])))
                for x in word:
                    element = times(element, x)
                ends[element] += 1
            assert asked.reachable[step - 1] == len(ends)
            best += max(ends.values()) / len(generators) ** step
            total += 1
    assert asked.chance == pytest.approx(best / total)


@pytest.mark.parametrize("bos", [True, False])
def test_lengths_and_labels(bos):
    options = composed("s5", length=20, shortest=12, bos=bos, train=2000)
    last = options.model_copy(update={"labels": "last"})
    data, asked_last = build_data(options, 0).train, build_data(last, 0).train
    lengths = Counter()
    for row, tokens in enumerate(data.tokens.tolist()):
        count = sum(token >= 2 for token in tokens)
        lengths[count] += 1
        assert tokens == [1] * bos + tokens[bos : bos + count] + [0] * (20 - count)
        assert data.positions[row].tolist() == list(range(bos, 20 + bos))
        assert [target != IGNORED for target in data.targets[row].tolist()] == [True] * count + [False] * (20 - count)
        assert asked_last.positions[row].tolist() == [count - 1 + bos]
        assert asked_last.targets[row].item() == data.targets[row, count - 1]
    assert set(lengths) == set(range(12, 21))
    assert min(lengths.values()) > 150


def test_a_bigram_knows_the_first_elements_and_no_later_ones():
    """Why per-step labels have bigrams above chance: at the first position the token at hand is the whole product."""
    data = build_data(composed("s5", generators="transpositions", length=12, train=6000, test=2000), 0)

    def accuracy(step):
        counts = {}
        for token, answer in zip(
            data.train.tokens[:, step].tolist(), data.train.targets[:, step - 1].tolist(), strict=True
        ):
            counts.setdefault(token, Counter())[answer] += 1
        guesses = {token: count.most_common(1)[0][0] for token, count in counts.items()}
        asked = zip(data.test.tokens[:, step].tolist(), data.test.targets[:, step - 1].tolist(), strict=True)
        return sum(guesses[token] == answer for token, answer in asked) / 2000

    assert accuracy(1) == 1
    assert accuracy(2) > 2 / 60
    assert accuracy(12) < 2 / 60


def test_a_random_walk_by_hand():
    """One sequence, multiplied on a deck of cards: x_t rearranges places, so g x puts card g(x(i)) at place i."""
    options = composed("s5", length=30, generators="adjacent", train=20)
    data = build_data(options, 5)
    swaps = [(0, 1), (1, 2), (2, 3), (3, 4)]
    cards = list(range(5))
    for token, answer in zip(data.train.tokens[0, 1:].tolist(), data.train.targets[0].tolist(), strict=True):
        a, b = swaps[token - 2]
        cards[a], cards[b] = cards[b], cards[a]
        assert elements("s5")[answer] == tuple(cards)
