"""Every mixer step by step in float64, written as its recurrence: what the parallel form must agree with.

Plain loops over time on purpose, and often over batch and head too; nothing is shared with `models/` but the
parameters. An oracle takes (mixer, options, x [sequence, position, width], length) and gives y of the shape of x.
"""

from collections.abc import Callable

from torch import Tensor

from . import attention, delta, dplr, hss, state_space, structured

ORACLES: dict[str, Callable[..., Tensor]] = {
    "softmax_attention": attention.step_by_step,
    "linear_attention": attention.step_by_step,
    "log_linear": attention.step_by_step,
    "delta_net": delta.delta_net,
    "pd_ssm": delta.pd_ssm,
    "dplr": dplr.step_by_step,
    "oscillatory_dplr": dplr.step_by_step,
    "hss": hss.step_by_step,
    "monarch": structured.step_by_step,
    "nystrom": structured.step_by_step,
    "diagonal_ssm": state_space.step_by_step,
    "dense_ssm": state_space.step_by_step,
    "displacement_rank": state_space.step_by_step,
}


def step_by_step(mixer: object, options: object, x: Tensor, length: int) -> Tensor:
    """y by the recurrence of the mixer that `options` names."""
    return ORACLES[options.mixer](mixer, options, x, length)
