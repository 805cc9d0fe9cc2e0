"""The nouns for what is measured, and the metrics that they name."""

from models.metrics import METRICS, Metric
from proposals.natural.words import word_set

SPEED = "@speed"
"""No metric: the inverse of a time, so that "0.6x of the speed" is a ratio of times the other way round."""

_NAMED = {
    "test_accuracy": "accuracy; test accuracy; acc; test acc; accuracies; recall accuracy; recall rate; copy accuracy; "
                     "held out accuracy; token accuracy; accurate; classification accuracy; test set accuracy; "
                     "per token accuracy; retrieval accuracy; generalisation accuracy; accuracy on the test set; "
                     "accuracy on held out data; accuracy on the test split; accuracy on test data",
    "train_accuracy": "train accuracy; training accuracy; train acc; training set accuracy; accuracy on the "
                      "training set; "
                      "accuracy on training data; training acc; accuracy on the train set; accuracy on the "
                      "training data; "
                      "accuracy on the training split; on the training set; on the training data; on training data; "
                      "on the train set",
    "validation_accuracy": "validation accuracy; val accuracy; val acc; validation acc; accuracy on the "
                           "validation set; "
                           "accuracy on validation data; dev accuracy; on the validation set; on validation data",
    "test_loss": "test loss; loss on the test set; test cross entropy; held out loss",
    "train_loss": "train loss; training loss; final training loss; training cross entropy",
    "perplexity": "perplexity; ppl; test perplexity; test ppl",
    "forward_time": "forward time; forward pass time; inference time; forward latency; latency; inference latency; "
                    "forward pass; inference; forward; forward pass latency; forward runtime; forward passes",
    "step_time": "step time; time per step; training step; training step time; per step; train step time; "
                 "time per training step; step; steps; training steps; step wall clock; wall clock per step; "
                 "wall clock time per step; training speed per step; per training step",
    "train_time": "training time; train time; total training time; wall clock; wall clock time; training wall clock; "
                  "wall clock training time; training wall clock time; time to train; total wall clock; total "
                  "wall time",
    "throughput": "throughput; training throughput; tokens per second; token throughput",
    "peak_memory": "peak memory; memory; gpu memory; memory usage; memory footprint; peak gpu memory; training memory; "
                   "peak memory usage; memory use; memory consumption; peak vram; vram; activation memory",
    "state_memory": "state memory; state size; recurrent state; recurrent state size; memory of the state; "
                    "size of the state; recurrent memory; state storage; memory of the recurrent state; kv cache size; "
                    "recurrent state memory; inference state size; state footprint",
    "parameters": "parameters; params; parameter count; number of parameters; parameter budget; trainable parameters; "
                  "parameter; trained parameters",
    "flops": "flops; flop count; number of flops; floating point operations; flop; total flops; forward flops",
    "relative_error": "relative error; relative approximation error; relative frobenius error; approximation error; "
                      "relative l2 error; rel error; relative difference; relative reconstruction error; "
                      "relative output error; rel. error; normalised error; normalized error; relative deviation",
    "max_error": "max error; maximum error; maximum absolute error; max absolute error; max abs error; maximum "
                 "difference; "
                 "max abs difference; maximum absolute difference; absolute error; max difference; "
                 "largest absolute difference; largest absolute error; absolute difference; linf error; l inf error; "
                 "max absolute difference; maximum deviation; largest difference; elementwise error; "
                 "maximum elementwise error; largest error; max deviation",
    "steps_to_converge": "steps to converge; convergence steps; steps to convergence; number of steps to converge; "
                         "training steps to converge; steps until convergence; convergence time in steps; "
                         "optimiser steps to converge; optimizer steps to converge; convergence step",
    "nan_count": "number of nans; nan steps count",
    "cost": "cost; costs; total cost; compute cost; budget; bill; run cost; total bill",
    SPEED: "speed; training speed; running speed",
}  # fmt: skip


def _number(describes: str) -> Metric:
    return Metric(unit="number", direction="lower", from_learning=True, describes=describes)


OWN: dict[str, Metric] = {
    "test_mse": _number("mean squared error, test split"),
    "train_mse": _number("mean squared error, training split"),
    "validation_loss": _number("loss, validation split"),
    "validation_perplexity": _number("perplexity, validation split"),
    "sequence_accuracy": Metric(unit="fraction", direction="higher", from_learning=True,
                                describes="share of test sequences predicted right at every position"),
    "epochs_to_converge": Metric(unit="count", direction="lower", from_learning=True, describes="epochs until "
                                                                                                "converged"),
    "kernel_time": Metric(unit="seconds", direction="lower", of_hardware=True, describes="median of one kernel launch"),
    "matvec_time": Metric(unit="seconds", direction="lower", of_hardware=True, describes="median of one product"),
    "gradient_norm": Metric(unit="number", direction="lower", describes="norm of the gradient"),
}  # fmt: skip
"""Metrics that the common vocabulary lacks and whose nouns are usual."""

_OWN_NAMED = {
    "test_mse": "mse; test mse; mean squared error; test mean squared error",
    "train_mse": "train mse; training mse; training mean squared error",
    "validation_loss": "validation loss; val loss",
    "validation_perplexity": "validation perplexity; val perplexity; validation ppl; val ppl",
    "sequence_accuracy": "sequence accuracy; exact match accuracy; sequence level accuracy; exact match; whole "
                         "sequence accuracy",
    "epochs_to_converge": "epochs to converge; epochs to convergence; epochs until convergence; convergence epochs",
    "kernel_time": "kernel time; kernel latency; kernel runtime; kernel",
    "matvec_time": "matvec time; matvec; matrix vector product time",
    "gradient_norm": "gradient norm; grad norm; maximum gradient norm; max gradient norm",
}  # fmt: skip

NOUNS: dict[tuple[str, ...], str] = {
    tuple(phrase.split()): name
    for table in (_NAMED, _OWN_NAMED)
    for name, phrases in table.items()
    for phrase in phrases.split("; ")
}

DOUBTFUL = {
    ("memory",): "`memory` is read as peak memory; write `state memory` for the recurrent state",
    ("memory", "usage"): "`memory` is read as peak memory; write `state memory` for the recurrent state",
    ("memory", "footprint"): "`memory` is read as peak memory; write `state memory` for the recurrent state",
}

HEADS = word_set(
    "fraction share rate norm rank number entropy radius variance energy utilisation utilization occupancy "
    "sparsity distance similarity correlation overlap count eigenvalue probability bandwidth information usage "
    "hardness coverage purity residual condition kurtosis drift"
)
"""What an own metric of a diagnostic kind ends in: "matmul fraction", "effective rank"."""


def metric_of(name: str, vocabulary: dict[str, Metric]) -> Metric | None:
    return vocabulary.get(name) or OWN.get(name) or METRICS.get(name)
