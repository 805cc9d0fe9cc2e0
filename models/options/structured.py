"""State-space models whose transition is structured: Monarch factors, and compressed transfer between chunks."""

from typing import Literal

from pydantic import Field, model_validator

from models.options.base import Options, added

Transfer = Literal["full", "nystrom", "svd", "random", "diagonal", "cut"]


class Monarch(Options):
    """State space with a gated Monarch transition of two block-diagonal orthogonal factors and a permutation (after
    Dao et al., "Monarch", 2022). One state, whatever the number of heads.

    state: n = b * b, with b blocks of b x b in each factor. gates: a scalar for each block, from the input; without
    them the transition is the same orthogonal matrix at every step. blocks "input": in front of each block of the
    first factor a Householder reflection with a direction from the input, so that the transition's directions depend
    on the token too, and not its scales alone.
    """

    mixer: Literal["monarch"]
    state: int = Field(default=64, gt=1)
    gates: bool = True
    blocks: Literal["fixed", "input"] = added("fixed")

    @model_validator(mode="after")
    def _square(self) -> "Monarch":
        if self.side**2 != self.state:
            raise ValueError(
                f"state {self.state} is not a square: a Monarch matrix of b blocks of b x b has b * b rows, "
                f"such as {self.side**2} or {(self.side + 1) ** 2}"
            )
        return self

    @property
    def side(self) -> int:
        """b: rows of a block, and blocks of a factor."""
        return int(self.state**0.5 + 1e-9)


class Nystrom(Options):
    """Chunkwise state space: diagonal gated steps inside a chunk, one mixing matrix at each boundary, and a transfer
    of the state from boundary to boundary that may be compressed. One state, whatever the number of heads.

    state: n; chunk: steps of a chunk; landmarks: m, the rank that the transfer is allowed. transfer: "full" is exact;
    "nystrom" goes through m learned landmarks (after Xiong et al., "Nystromformer", 2021); "random" through m fixed
    Gaussian ones; "svd" is the best approximation of rank m; "diagonal" keeps the diagonal; "cut" transfers nothing.
    """

    mixer: Literal["nystrom"]
    state: int = Field(default=32, gt=0)
    landmarks: int = Field(default=8, gt=0)
    chunk: int = Field(default=32, gt=0)
    transfer: Transfer = "nystrom"

    @model_validator(mode="after")
    def _fewer(self) -> "Nystrom":
        if self.landmarks > self.state:
            raise ValueError(f"{self.landmarks} landmarks are more than the {self.state} dimensions of the state")
        return self
