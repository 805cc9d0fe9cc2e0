"""Can all that is asked for be drawn? Training finds out about its evaluations only when it is over."""

from models.evaluations import options_under
from models.inspecting import _unseen  # not public: another name there would be another version of every run
from models.request import TrainRequest
from models.synthetics import build_data


def draw_all(request: TrainRequest) -> None:
    """Draw the data of the first seed and every evaluation of it, as training will, and keep nothing.

    Raises ValueError, as training would, but naming the evaluation.
    """
    seed = request.seeds[0]
    data = build_data(request.synthetic, seed)
    for condition in request.evaluations:
        options = options_under(request.synthetic, condition)
        if options.length != request.synthetic.length:  # as in conditions_of
            options = options.model_copy(update={"train": 1, "validation": 1})
        try:
            _unseen(build_data(options, seed).test, data)
        except ValueError as error:
            named = ", ".join(f"{name}: {value}" for name, value in condition.items())
            raise ValueError(f"the evaluation {{{named}}} cannot be drawn: {error}") from error
