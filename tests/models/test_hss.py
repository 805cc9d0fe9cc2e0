"""Linear attention with a compressed state: where nothing is lost, what is stored, and where it is cut."""

import pytest
import torch
from oracles.hss import off_diagonal_blocks
from pydantic import TypeAdapter

from models import options as o
from models.mixers import build_mixer
from models.mixers.hss import compress, compressions, stored_elements


def build(width=16, heads=1, length=64, dtype=torch.float64, **options):
    torch.manual_seed(0)
    checked = TypeAdapter(o.MixerOptions).validate_python({"mixer": "hss", **options})
    return build_mixer(checked, width, heads, length).to(dtype).eval()


def inputs(length, width=16):
    return torch.randn(2, length, width, dtype=torch.float64, generator=torch.Generator().manual_seed(1))


def test_as_many_updates_as_ranks_lose_nothing():
    x = inputs(12)
    dense = build(form="dense")
    torch.testing.assert_close(build(rank=8, leaf=1)(x), dense(x), rtol=0, atol=0)
    assert not torch.allclose(build(rank=2, leaf=1)(x), dense(x), rtol=1e-3)


def test_a_rank_of_the_whole_block_loses_nothing():
    x = inputs(40)
    torch.testing.assert_close(build(rank=8, leaf=1)(x), build(form="dense")(x), rtol=1e-10, atol=1e-12)


def test_ranks_are_cut_when_the_rank_exceeds_one_and_a_half_times_what_is_kept():
    for rank in range(1, 12):
        bound, expected = 0, []
        for t in range(100):
            bound += 1
            if bound > 1.5 * rank:
                expected.append(t)
                bound = rank
        assert compressions(rank, 100) == expected
    assert compressions(8, 12) == []


def test_every_block_beside_the_diagonal_is_at_its_best_of_that_rank():
    torch.manual_seed(2)
    s = torch.randn(3, 16, 16, dtype=torch.float64)
    cut = compress(s, rank=2, leaf=4)
    blocks = off_diagonal_blocks(16, 4)
    assert len(blocks) == 2 + 4
    for rows, columns in blocks:
        before, after = s[:, rows, columns], cut[:, rows, columns]
        assert (torch.linalg.matrix_rank(after, rtol=1e-10) <= 2).all()
        missing = torch.linalg.svdvals(before)[:, 2:].square().sum(-1)
        torch.testing.assert_close((before - after).square().sum((-2, -1)), missing)
    for leaf in range(4):
        diagonal = slice(4 * leaf, 4 * leaf + 4)
        assert torch.equal(s[:, diagonal, diagonal], cut[:, diagonal, diagonal])


@pytest.mark.parametrize(("rank", "share"), [(8, 0.75), (4, 0.5), (2, 0.3125), (1, 0.21875)])
def test_stored_elements_of_a_state_of_64(rank, share):
    assert stored_elements(64, rank, 8) == share * 64 * 64


def test_what_is_stored_is_enough_to_build_the_matrix():
    torch.manual_seed(3)
    cut = compress(torch.randn(16, 16, dtype=torch.float64), rank=2, leaf=4)
    rebuilt, stored = torch.zeros_like(cut), 0
    for rows, columns in off_diagonal_blocks(16, 4):
        u, sigma, v = torch.linalg.svd(cut[rows, columns])
        left, right = u[:, :2] * sigma[:2], v[:2]
        rebuilt[rows, columns] = left @ right
        stored += min(left.numel() + right.numel(), cut[rows, columns].numel())
    for leaf in range(4):
        diagonal = slice(4 * leaf, 4 * leaf + 4)
        rebuilt[diagonal, diagonal] = cut[diagonal, diagonal]
        stored += 16
    torch.testing.assert_close(rebuilt, cut)
    assert stored_elements(16, 2, 4) == stored


def test_state_elements():
    assert build(width=64, form="dense").state_elements() == 64 * 64 + 64
    assert build(width=64, rank=8).state_elements() == 3072 + 64
    assert build(width=64, heads=2, rank=1).state_elements() == 2 * (stored_elements(32, 1, 8) + 32)


def test_the_first_to_read_a_compressed_state_is_the_position_that_made_it_necessary():
    x = inputs(20)
    cut, dense = build(rank=4, leaf=1)(x), build(form="dense")(x)
    torch.testing.assert_close(cut[:, :6], dense[:, :6], rtol=0, atol=0)
    assert not torch.equal(cut[:, 6], dense[:, 6])


def test_a_head_that_cannot_be_halved_down_to_the_leaf():
    with pytest.raises(ValueError, match="heads of width 24 cannot be halved down to leaves of 8"):
        build(width=24)
    build(width=24, form="dense")
