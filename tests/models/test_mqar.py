"""Recall data: the answers are right, the splits share nothing, and a seed always means the same data."""

import pytest
import torch

from models.options import Mqar
from models.synthetics import build_data
from models.synthetics.mqar import possible_sequences

SIZES = {"train": 200, "validation": 60, "test": 40}


def mqar(layout="padded", **replaced):
    sizes = {"pairs": 4, "length": 24, "vocabulary": 16, **SIZES}
    return Mqar(name="mqar", layout=layout, **{**sizes, **replaced})


def rows_of(data):
    for split in (data.train, data.validation, data.test):
        yield from zip(split.tokens.tolist(), split.positions.tolist(), split.targets.tolist(), strict=True)


@pytest.mark.parametrize("layout", ["padded", "spread"])
def test_answers_by_brute_force(layout):
    options = mqar(layout)
    for tokens, positions, targets in rows_of(build_data(options, 3)):
        keys, values = tokens[0:8:2], tokens[1:8:2]
        assert len(set(keys)) == 4
        assert all(2 <= token < 16 for token in keys + values)
        assert targets == [values[keys.index(tokens[position])] for position in positions]
        assert sorted(tokens[position] for position in positions) == sorted(keys)
        rest = [token for place, token in enumerate(tokens) if place >= 8 and place not in positions]
        if layout == "padded":
            assert positions == [9, 10, 11, 12]
            assert rest == [0] + [1] * 11
        else:
            assert positions == sorted(set(positions))
            assert all(position >= 8 and position % 2 == 0 for position in positions)
            assert rest == [1] * 12


def test_the_queries_of_the_spread_layout_crowd_near_the_pairs():
    data = build_data(mqar("spread", pairs=2, length=64, vocabulary=32), 0)
    gaps = (data.train.positions - 4) // 2
    assert gaps.max() < 30
    near = (gaps < 5).float().mean()
    # weights 1/x: the first 5 of 30 places have 57 % of them
    assert 0.4 < near < 0.7


def test_orders_and_values_are_even():
    data = build_data(mqar(train=3000), 0)
    counts = torch.bincount(data.train.targets.flatten(), minlength=16)[2:]
    assert counts.min() > 0.8 * 3000 * 4 / 14
    first_asked = (data.train.tokens[:, 9:10] == data.train.tokens[:, 0:8:2]).float().mean(0)
    assert (first_asked - 0.25).abs().max() < 0.04


@pytest.mark.parametrize("layout", ["padded", "spread"])
def test_no_sequence_occurs_twice_even_in_a_small_space(layout):
    # 156 possible sequences in the smallest, so that many must be drawn again
    options = mqar(layout, pairs=1, length=8, vocabulary=12, train=25, validation=15, test=10)
    if layout == "spread":
        options = mqar(layout, pairs=1, length=8, vocabulary=12, train=100, validation=30, test=20)
    rows = [tuple(tokens) for tokens, _, _ in rows_of(build_data(options, 0))]
    assert len(rows) == len(set(rows)) == options.train + options.validation + options.test


def test_splits_have_the_sizes_asked_for():
    data = build_data(mqar(), 0)
    assert [len(split.tokens) for split in (data.train, data.validation, data.test)] == [200, 60, 40]
    assert (data.vocabulary, data.length) == (16, 24)


def test_too_small_a_space_is_refused():
    options = mqar(pairs=1, length=8, vocabulary=5, train=4, validation=1, test=1)
    assert possible_sequences(options) == 9
    with pytest.raises(ValueError, match="6 different sequences are wanted and only 9 exist"):
        build_data(options, 0)


def test_a_seed_is_the_same_data_everywhere():
    one, again = build_data(mqar(), 7), build_data(mqar(), 7)
    assert torch.equal(one.train.tokens, again.train.tokens)
    assert one.sha256 == again.sha256 != build_data(mqar(), 8).sha256
    # written down: a change of the drawing changes every result, and should be known
    assert one.sha256 == "606c688759780194050bf6fdd243c1622ae1213d2627180958131f557142c98d"
    spread = build_data(mqar("spread"), 7)
    assert spread.sha256 == "62a01c114f3227723d76c95b0b5fdc12d7f6b86ee537ecd37ff78fe0267607cb"


def test_the_global_generator_is_left_alone():
    before = torch.get_rng_state()
    build_data(mqar("spread"), 0)
    assert torch.equal(before, torch.get_rng_state())


@pytest.mark.parametrize(
    ("replaced", "message"),
    [
        ({"length": 12}, "4 pairs in the padded layout need a length of at least 13, not 12"),
        ({"layout": "spread", "length": 15}, "in the spread layout need a length of at least 16, not 15"),
        ({"vocabulary": 5}, "4 distinct keys need a vocabulary of at least 6"),
    ],
)
def test_options_that_do_not_fit(replaced, message):
    with pytest.raises(ValueError, match=message):
        mqar(**replaced)
