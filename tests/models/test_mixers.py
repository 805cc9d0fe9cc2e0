"""Every mixer against its step-by-step recurrence, and what all of them promise."""

import pytest
import torch
from oracles import ORACLES, step_by_step
from pydantic import TypeAdapter

from models import options as o
from models.mixers import MIXERS, build_mixer
from models.mixers.base import HeadMixer, select
from models.mixers.log_linear import fenwick_levels, level_count

LENGTH, WIDTH, HEADS = 16, 8, 2


def build(options, dtype=torch.float64, length=LENGTH):
    torch.manual_seed(0)
    return build_mixer(options, WIDTH, HEADS, length).to(dtype).eval()


def inputs(length=13, dtype=torch.float64, batch=2):
    return torch.randn(batch, length, WIDTH, dtype=dtype, generator=torch.Generator().manual_seed(1))


def exact_table(mixer, options):
    # the buffers are float32: for a comparison in float64 the cosines are wanted in float64 too
    if getattr(options, "kernel", None) == "cosine":
        name = "table" if hasattr(mixer, "table") else "weights"
        t = torch.arange(LENGTH, dtype=torch.float64)
        cosine = torch.cos(torch.pi / 2 * (t[:, None] - t) / LENGTH)
        buffer = getattr(mixer, name)
        setattr(mixer, name, (buffer != 0) * (cosine if buffer.dim() == 2 else cosine.unsqueeze(1)))


def test_parallel_form_equals_the_recurrence(options):
    mixer, x = build(options), inputs()
    exact_table(mixer, options)
    torch.testing.assert_close(mixer(x), step_by_step(mixer, options, x, LENGTH), rtol=1e-9, atol=1e-11)


def test_gradients_equal_those_of_the_recurrence(options):
    mixer, x = build(options), inputs(length=9).requires_grad_()
    exact_table(mixer, options)
    wanted = [x, *mixer.parameters()]
    toward = torch.randn(2, 9, WIDTH, dtype=torch.float64)
    ours = torch.autograd.grad(mixer(x), wanted, toward)
    theirs = torch.autograd.grad(step_by_step(mixer, options, x, LENGTH), wanted, toward)
    for mine, other in zip(ours, theirs, strict=True):
        torch.testing.assert_close(mine, other, rtol=1e-7, atol=1e-9)


def test_float32_is_near_the_recurrence(options):
    mixer, x = build(options, torch.float32), inputs(dtype=torch.float32)
    expected = step_by_step(mixer.double(), options, x.double(), LENGTH)
    torch.testing.assert_close(mixer.float()(x).double(), expected, rtol=1e-3, atol=1e-4)


def test_the_future_changes_nothing(options):
    mixer, x = build(options), inputs()
    changed = x.clone()
    changed[:, 7:] += 1.0
    assert mixer.causal
    torch.testing.assert_close(mixer(changed)[:, :7], mixer(x)[:, :7], rtol=0, atol=0)
    assert not torch.equal(mixer(changed)[:, 7:], mixer(x)[:, 7:])


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64, torch.bfloat16])
def test_dtype_is_kept(options, dtype):
    assert build(options, dtype)(inputs(dtype=dtype)).dtype == dtype


def test_asking_for_some_positions_gives_those_of_all(options):
    mixer, x = build(options), inputs()
    everything = mixer(x)
    at = torch.tensor([[0, 5, 12], [3, 4, 11]])
    for asked in (slice(4, 9), at):
        torch.testing.assert_close(mixer(x, asked), select(everything, asked), rtol=1e-12, atol=1e-13)


def test_trimming_does_not_change_what_is_left(options):
    mixer, x = build(options), inputs()
    torch.testing.assert_close(mixer(x[:, :6]), mixer(x)[:, :6], rtol=1e-12, atol=1e-13)


def test_a_row_without_weights_is_zero_and_finite():
    mixer = build(o.LinearAttention(mixer="linear_attention", kernel="relu"))
    with torch.no_grad():
        mixer.into.weight[:WIDTH].zero_()
    x = inputs().requires_grad_()
    y = mixer(x)
    (gradient,) = torch.autograd.grad(y.sum(), x)
    assert torch.equal(y, torch.zeros_like(y))
    assert gradient.isfinite().all()


def test_fenwick_levels_by_the_binary_digits():
    levels = fenwick_levels(64)
    for t in range(64):
        end = 0
        for digit in reversed(range(6)):
            if t >> digit & 1:
                assert (levels[t, end : end + 2**digit] == digit + 1).all()
                end += 2**digit
        assert end == t
        assert levels[t, t] == 0
        assert (levels[t, t + 1 :] == -1).all()


@pytest.mark.parametrize(("length", "count"), [(1, 1), (2, 2), (3, 3), (4, 3), (128, 8), (129, 9)])
def test_level_count(length, count):
    assert level_count(length) == count
    assert int(fenwick_levels(length).max()) + 1 == count


def test_state_elements():
    def elements(**options):
        return build_mixer(TypeAdapter(o.MixerOptions).validate_python(options), 32, 2, 128).state_elements()

    assert elements(mixer="softmax_attention") == 2 * 128 * 32
    assert elements(mixer="linear_attention") == 2 * 16 * 17
    assert elements(mixer="linear_attention", kernel="cosine") == 2 * 2 * 16 * 17
    assert elements(mixer="log_linear") == 8 * 2 * 16 * 17
    assert elements(mixer="log_linear", kernel="cosine") == 8 * 2 * 2 * 16 * 17


def test_tables_are_not_saved_with_the_weights(options):
    mixer = build(options)
    assert set(mixer.state_dict()) == {name for name, _ in mixer.named_parameters()}


def test_device_is_kept(options):
    with torch.device("meta"):
        mixer = build_mixer(options, WIDTH, HEADS, LENGTH)
    assert mixer(inputs(dtype=torch.float32).to("meta")).device.type == "meta"


def test_seeds_train_as_one_batch(options):
    mixer, x = build(options), inputs()
    weights = {name: torch.stack([p, 0.9 * p]) for name, p in mixer.named_parameters()}
    together = torch.func.vmap(lambda w: torch.func.functional_call(mixer, w, (x,)), randomness="different")(weights)
    for seed in range(2):
        alone = torch.func.functional_call(mixer, {name: w[seed] for name, w in weights.items()}, (x,))
        torch.testing.assert_close(together[seed], alone, rtol=1e-9, atol=1e-10)


def test_gradients_are_finite_at_scale(options):
    mixer, x = build(options, torch.float32), inputs(length=LENGTH, dtype=torch.float32)
    x = (10 * x).requires_grad_()
    gradients = torch.autograd.grad(mixer(x).square().mean(), [x, *mixer.parameters()])
    assert all(gradient.isfinite().all() for gradient in gradients)


def test_width_must_be_a_multiple_of_heads():
    with pytest.raises(ValueError, match="width 9 is not a multiple of heads 2"):
        HeadMixer.__init__(build(o.SoftmaxAttention(mixer="softmax_attention")), 9, 2, 4)


def test_every_option_has_its_mixer():
    choices = o.MixerOptions.__args__[0].__args__
    named = {choice.model_fields["mixer"].annotation.__args__[0] for choice in choices}
    assert named == set(MIXERS) == set(ORACLES) | {"own"}
