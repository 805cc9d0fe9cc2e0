"""The four forms of DeltaNet's forward pass agree with a recurrence written here, in plain sums over numbers."""

import pytest
import torch
from torch.nn import functional

from models.options.studies import Block, Chunkwise, DeltaForward, NaiveWy, Recurrence
from models.studies.delta_forward import Inputs, blockwise, chunkwise, computed, delta_forward, draw, recurrence

FORMS = {
    "naive_wy": NaiveWy(form="naive_wy"),
    "recurrence": Recurrence(form="recurrence"),
    "chunkwise": Chunkwise(form="chunkwise", chunk=16),
    "block": Block(form="block", chunk=16, block=4),
    "block_of_one": Block(form="block", chunk=8, block=1),
}
SETTINGS = [("identity", "value"), ("identity", "query"), ("zero", "value"), ("zero", "query")]


def options(initial="identity", readout="value", length=40, **more):
    content = {"name": "delta_forward", "length": length, "width": 6, "initial_state": initial, "readout": readout}
    return DeltaForward.model_validate({**content, "repeats": 2, **more})


def by_numbers(x, initial, readout):
    """S in lists: S[i][j] += beta k[i] (v[j] - sum_i S[i][j] k[i])."""
    width = x.keys.shape[1]
    state = [[float(i == j and initial == "identity") for j in range(width)] for i in range(width)]
    outputs = []
    for k, v, r, beta in zip(*(part.tolist() for part in (x.keys, x.values, x.read, x.beta)), strict=True):
        e = [v[j] - sum(state[i][j] * k[i] for i in range(width)) for j in range(width)]
        state = [[state[i][j] + beta * k[i] * e[j] for j in range(width)] for i in range(width)]
        if readout == "value":
            outputs.append([sum(state[i][j] * r[j] for j in range(width)) for i in range(width)])
        else:
            outputs.append([sum(state[i][j] * r[i] for i in range(width)) for j in range(width)])
    return torch.tensor(outputs, dtype=torch.float64)


@pytest.mark.parametrize("form", FORMS.values(), ids=FORMS)
@pytest.mark.parametrize("length", [40, 48, 16, 5, 1])
@pytest.mark.parametrize(("initial", "readout"), SETTINGS)
def test_every_form_is_the_recurrence(form, length, initial, readout):
    x = draw(options(initial, readout, length), 0)
    torch.testing.assert_close(computed(form, x), by_numbers(x, initial, readout), rtol=1e-11, atol=1e-11)


@pytest.mark.parametrize("form", FORMS.values(), ids=FORMS)
def test_what_comes_later_changes_nothing(form):
    x = draw(options(), 0)
    changed = Inputs(
        *(torch.cat([part[:20], part[20:] + 1]) for part in (x.read, x.keys, x.values, x.beta)), x.initial, False
    )
    torch.testing.assert_close(computed(form, changed)[:20], computed(form, x)[:20], rtol=1e-12, atol=1e-12)
    assert not torch.allclose(computed(form, changed)[20:], computed(form, x)[20:])


@pytest.mark.parametrize("form", FORMS.values(), ids=FORMS)
def test_without_writing_the_state_stays(form):
    x = draw(options(), 0)
    x = Inputs(x.read, x.keys, x.values, torch.zeros_like(x.beta), x.initial, x.by_columns)
    torch.testing.assert_close(computed(form, x), x.values, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("form", FORMS.values(), ids=FORMS)
def test_orthonormal_keys_are_recalled_exactly(form):
    values = torch.randn(12, 6, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    eye = torch.eye(6, dtype=torch.float64)
    # six pairs are written and then asked for, with keys of their own that are written with a beta of zero
    beta = torch.tensor([1.0] * 6 + [0.0] * 6, dtype=torch.float64)
    x = Inputs(torch.cat([eye, eye]), torch.cat([eye, eye]), values, beta, torch.zeros_like(eye), True)
    torch.testing.assert_close(computed(form, x)[6:], values[:6], rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("length", [32, 27])
def test_one_block_a_chunk_is_no_blocks(length):
    x = draw(options(length=length), 0)
    torch.testing.assert_close(blockwise(x, 16, 16), chunkwise(x, 16), rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("block", [8, 16, 32, 64])
def test_at_the_size_of_the_question_float32_stays_near(block):
    x = draw(DeltaForward(name="delta_forward"), 0)
    exact = recurrence(x)
    found = blockwise(x.to(torch.float32, torch.device("cpu")), 64, block)
    assert found.dtype == torch.float32
    assert float((found.double() - exact).norm() / exact.norm()) < 1e-6


def test_keys_that_are_not_normalised_overflow():
    """|1 - beta |k|^2| is about 30 for keys of width 64: nothing could be compared."""
    study = DeltaForward(name="delta_forward", length=128, keys="normal", repeats=1, warmup=0)
    found = {
        (value.metric, value.condition.get("values")): value.value
        for value in delta_forward(study, FORMS["block"], 0, torch.device("cpu")).values
    }
    assert found["max_error", "normal"] is None
    assert found["error_to_naive", "unit"] is None
    assert found["forward_time", None] > 0


def test_inputs_are_as_they_are_said_to_be():
    x, unit = draw(options(length=2000), 0), draw(options(length=2000), 0, unit_values=True)
    torch.testing.assert_close(x.keys.norm(dim=1), torch.ones(2000, dtype=torch.float64))
    torch.testing.assert_close(unit.values, functional.normalize(x.values, dim=1), rtol=1e-6, atol=1e-7)
    assert torch.equal(unit.keys, x.keys)
    assert torch.equal(unit.read, unit.values)
    assert abs(float(x.values.std()) - 1) < 0.05
    assert 0 < float(x.beta.min()) < float(x.beta.max()) < 1
    # both dtypes start from the same numbers
    assert torch.equal(x.values, x.values.float().double())


def test_the_naive_form_is_no_distance_from_itself_and_multiplies_no_matrices():
    found = {(v.metric, v.condition.get("values")): v.value for v in studied("naive_wy")}
    assert found["error_to_naive", "normal"] == 0
    assert found["matmul_share", None] == 0
    assert 0 < found["max_error", "unit"] < 1e-5


def test_operations_of_the_recurrence_are_those_on_paper():
    found = {(v.metric, v.condition.get("values")): v.value for v in studied("recurrence")}
    width, length = 6, 40
    # two matrix times vector; outer product, times beta, added; error
    assert found["flops", None] == length * (4 * width**2 + 3 * width**2 + width)


def test_products_of_the_blocks_are_those_on_paper():
    study, form = DeltaForward(name="delta_forward", repeats=1, warmup=0), Block(form="block")
    found = {v.metric: v.value for v in delta_forward(study, form, 0, torch.device("cpu")).values if not v.condition}
    d, chunk, q = 64, 64, 16
    products = 4 * 2 * q * q * d  # K_a K_a^T
    for a in range(4):
        products += 2 * q * q * 2 * d  # T_a times the right-hand side of [V, K]
        products += 2 * q * (a * q) * d + 2 * q * (a * q) * 2 * d if a else 0  # the coupling, and times what is solved
        products += 2 * 2 * q * ((a + 1) * q) * d  # weights, and times K
    products += 2 * chunk * d * d * 3  # W S, K^T U, V S^T
    assert found["matmul_share"] * found["flops"] == pytest.approx(8 * products)


def studied(form):
    return delta_forward(options(), FORMS[form], 0, torch.device("cpu")).values
