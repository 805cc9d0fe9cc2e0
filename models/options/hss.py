"""Linear attention whose state is compressed block by block."""

from typing import Literal

from pydantic import Field

from models.options.base import Options


class Hss(Options):
    """Linear attention with the feature map elu(x) + 1 on queries, keys and values, and a hierarchically off-diagonal
    low-rank state (HODLR, the form without nested bases; Ambikasaran and Darve, 2013).

    form "hodlr": the state is split into quarters again and again down to blocks of size `leaf` on the diagonal, and
    every block beside the diagonal is cut back to `rank` when its rank exceeds 1.5 `rank`; "dense": the same attention
    with the whole matrix, the reference.
    """

    mixer: Literal["hss"]
    form: Literal["hodlr", "dense"] = "hodlr"
    rank: int = Field(default=8, gt=0)
    leaf: int = Field(default=8, gt=0)
