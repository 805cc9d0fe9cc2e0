"""What the recalls and memorization ask for, all of it and nothing else."""

from collections import Counter, defaultdict

import pytest
from answers import ANSWERS

from models.options import (
    Compression,
    DelayedCopy,
    FuzzyInContextRecall,
    HierarchicalCopy,
    InContextRecall,
    Memorization,
    NoisyInContextRecall,
    SelectiveCopying,
)
from models.synthetics import build_data
from models.synthetics.base import IGNORED

SIZES = {"train": 300, "validation": 20, "test": 20}


def rows(options, seed=0):
    train = build_data(options, seed).train
    for tokens, positions, targets in zip(
        train.tokens.tolist(), train.positions.tolist(), train.targets.tolist(), strict=True
    ):
        yield tokens, {place: answer for place, answer in zip(positions, targets, strict=True) if answer != IGNORED}


def test_every_key_that_came_before_is_asked():
    for tokens, asked in rows(InContextRecall(name="in_context_recall", **SIZES)):
        keys = tokens[0::2]
        assert max(keys) < 8 <= min(tokens[1::2])
        assert set(asked) == {2 * place for place, key in enumerate(keys) if key in keys[:place]}
        assert all(tokens[place + 1] - 8 == answer for place, answer in asked.items())


def test_noise_stands_in_the_place_of_pairs():
    options = NoisyInContextRecall(name="noisy_in_context_recall", noise=0.4, **SIZES)
    noisy = total = 0
    symbols = Counter()
    for tokens, asked in rows(options):
        pairs = list(zip(tokens[0::2], tokens[1::2], strict=True))
        noise = [a >= 16 for a, _ in pairs]
        assert noise == [b >= 16 for _, b in pairs]
        symbols.update(token for token in tokens if token >= 16)
        noisy, total = noisy + sum(noise), total + len(pairs)
        keys = [key for key, _ in pairs]
        assert set(asked) == {2 * place for place, key in enumerate(keys) if not noise[place] and key in keys[:place]}
    assert noisy / total == pytest.approx(0.4, abs=0.02)
    assert set(symbols) == set(range(16, 32))


def test_every_token_of_a_value_whose_key_came_before_is_asked():
    options = FuzzyInContextRecall(name="fuzzy_in_context_recall", **SIZES)
    lengths = Counter()
    for tokens, asked in rows(options):
        seen, start, wanted = set(), 0, set()
        while start < len(tokens):
            middle = next((i for i in range(start, 128) if tokens[i] >= 8), 128)
            end = next((i for i in range(middle, 128) if tokens[i] < 8), 128)
            key = tuple(tokens[start:middle])
            if key in seen:
                wanted |= set(range(middle - 1, end - 1))
            if end < 128:
                seen.add(key)
                lengths[len(key), end - middle] += 1
            start = end
        # of the last pair the end is cut off, and with it what is asked of it is not known from the tokens alone
        assert {place for place in asked if place < 120} == {place for place in wanted if place < 120}
    # shorter motifs are cut off less often, and single tokens cannot all be keys
    assert set(lengths) == {(key, value) for key in (1, 2, 3) for value in (1, 2, 3)}


@pytest.mark.parametrize("vocabulary", [16, 64])
def test_chance_is_the_value_of_any_key(vocabulary):
    options = InContextRecall(name="in_context_recall", vocabulary=vocabulary, length=512, **SIZES)
    right = asked = 0
    for tokens, answers in rows(options):
        values = list(dict(zip(tokens[0::2], tokens[1::2], strict=True)).values())
        for answer in answers.values():
            right += values.count(answer + vocabulary // 2) / len(values)
            asked += 1
    assert right / asked == pytest.approx(options.chance, abs=0.01)


def test_memorization_has_one_dictionary_for_each_seed():
    options = Memorization(name="memorization", **SIZES)
    longer = options.model_copy(update={"length": 64})
    dictionaries = []
    for asked_of, seed in ((options, 0), (longer, 0), (options, 1)):
        data = build_data(asked_of, seed)
        values = defaultdict(set)
        for split in (data.train, data.validation, data.test):
            assert (split.tokens[:, 1::2] == 0).all()
            assert split.positions[0].tolist() == list(range(1, asked_of.length, 2))
            for key, value in zip(
                split.tokens[:, 0::2].flatten().tolist(), split.targets.flatten().tolist(), strict=True
            ):
                values[key].add(value)
        assert all(len(found) == 1 for found in values.values())
        dictionaries.append({key: min(found) for key, found in values.items()})
    one, at_length, other = dictionaries
    assert sorted(one) == list(range(1, 129))
    assert sorted(one.values()) == list(range(128))
    assert one == at_length != other


def test_compression_asks_every_place_once():
    orders = Counter()
    for tokens, asked in rows(Compression(name="compression", length=8, **SIZES)):
        assert len(tokens) == 17
        assert tokens[8] == 0
        assert sorted(tokens[9:]) == list(range(17, 25))
        assert sorted(asked) == list(range(9, 17))
        orders[tokens[9]] += 1
    assert len(orders) == 8


def test_delayed_copies_start_anywhere_in_the_first_chunk():
    options = DelayedCopy(name="delayed_copy", content=8, **SIZES)
    starts = Counter()
    for tokens, asked in rows(options):
        start = next(place for place, token in enumerate(tokens) if token > 1)
        starts[start] += 1
        assert sorted(asked) == list(range(start + 64, start + 72))
        assert [token > 1 for token in tokens] == [start <= place < start + 8 for place in range(256)]
        assert [token == 1 for token in tokens] == [place in asked for place in range(256)]
    assert set(starts) == set(range(25))


@pytest.mark.parametrize(
    "options",
    [
        DelayedCopy(name="delayed_copy", content=8, **{**SIZES, "train": 3000}),
        SelectiveCopying(name="selective_copying", content=8, length=64, **{**SIZES, "train": 3000}),
    ],
    ids=["delayed", "selective"],
)
def test_one_of_the_symbols_shown(options):
    """Its accuracy is above chance: 1 / n + (1 - 1 / n) / K, 18 % for 8 of 16 symbols."""
    right = asked = 0
    for tokens, answers in rows(options):
        shown = [token - 2 for token in tokens if token >= 2]
        right += sum(shown.count(answer) / 8 for answer in answers.values())
        asked += len(answers)
    assert right / asked == pytest.approx(1 / 8 + 7 / 8 / 16, abs=0.005)
    assert options.chance == 1 / 16


@pytest.mark.parametrize(
    ("options", "places", "length"),
    [
        ({}, {"A": 1, "D": 6, "B": 7, "C": 8, "E": 12, "H": 17, "F": 18, "G": 19}, 20),
        ({"brackets": False}, {"A": 0, "D": 3, "B": 5, "C": 6, "E": 8, "H": 11, "F": 13, "G": 14}, 15),
        ({"tree": "[A [[B]]]", "step": 2}, {"A": 1, "B": 8}, 9),
    ],
)
def test_leaves_are_asked_later_the_deeper_they_lie(options, places, length):
    read = HierarchicalCopy(name="hierarchical_copy", symbols=50, **SIZES, **options)
    assert read.length == length
    marks = [mark for mark in read.tree if mark != " " and (read.brackets or mark not in "[]")]
    for tokens, asked in rows(read):
        symbols = {}
        for mark, token in zip(marks, tokens, strict=False):
            if mark in "[]":
                assert token == {"[": 1, "]": 2}[mark]
            else:
                symbols[mark] = token - 3
        assert tokens[len(marks) :] == [0] * (length - len(marks))
        assert asked == {place: symbols[leaf] for leaf, place in places.items()}


def test_copied_symbols_lie_anywhere():
    options = SelectiveCopying(name="selective_copying", content=4, length=20, **SIZES)
    places = Counter()
    for tokens, asked in rows(options):
        assert tokens[16:] == [1] * 4
        assert sorted(asked) == [16, 17, 18, 19]
        content = [place for place, token in enumerate(tokens[:16]) if token]
        assert len(content) == 4
        places.update(content)
    assert min(places.values()) > 40
    assert set(places) == set(range(16))


def test_answers_are_not_vacuous():
    """The other code of `answers.py` tells a wrong answer: it is no copy of what is given."""
    options = InContextRecall(name="in_context_recall", **SIZES)
    tokens, asked = next(rows(options))
    place, answer = next(iter(asked.items()))
    assert ANSWERS["in_context_recall"](options, tokens[: place + 1]) == answer
    changed = [8 + (answer + 1) % 8 if token == 8 + answer else token for token in tokens[: place + 1]]
    assert ANSWERS["in_context_recall"](options, changed) != answer
