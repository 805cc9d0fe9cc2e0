"""What the dry run draws is what training will have drawn when it is over: each refuses what the other refuses."""

import pytest

from models.drawing import draw_all
from models.request import TrainRequest
from models.training import dry_run, train

PARITY = {"name": "parity", "length": 10, "train": 200, "validation": 40, "test": 40}
RECALL = {"name": "mqar", "pairs": 3, "length": 16, "vocabulary": 12, "train": 48, "validation": 16, "test": 16}
REFUSED = [
    (PARITY, {"length": 6}, r"\{length: 6\} cannot be drawn: 42 different sequences are wanted and only 64 exist"),
    (RECALL, {"pairs": 1}, r"\{pairs: 1\} cannot be drawn: 80 different sequences are wanted and only 100 exist"),
]
TAKEN = [(PARITY, {"length": 7}), (RECALL, {"pairs": 1, "length": 8}), (RECALL, {"length": 32})]


def ask(make_request, synthetic, condition):
    asked = make_request().model_dump() | {"synthetic": synthetic, "evaluations": [condition]}
    return TrainRequest.model_validate(asked)


@pytest.mark.parametrize(("synthetic", "condition", "says"), REFUSED)
def test_what_training_would_refuse_in_the_end_is_refused_before(make_request, synthetic, condition, says):
    request = ask(make_request, synthetic, condition)
    dry_run(request, 1)  # has nothing against it: it looks at the training alone
    with pytest.raises(ValueError, match=says.split(": ", 2)[2]):
        train(request)
    with pytest.raises(ValueError, match=f"^the evaluation {says}"):
        draw_all(request)


@pytest.mark.parametrize(("synthetic", "condition"), TAKEN)
def test_what_training_takes_is_taken(make_request, synthetic, condition):
    request = ask(make_request, synthetic, condition)
    draw_all(request)
    train(request)


def test_sequences_that_are_too_few_for_training_itself_are_refused(make_request):
    request = ask(make_request, {**PARITY, "train": 600}, {"length": 12})
    dry_run(request, 1)
    with pytest.raises(ValueError, match=r"^680 different sequences are wanted and only 1024 exist"):
        draw_all(request)
