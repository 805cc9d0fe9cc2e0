"""MLflow's part of benchmarks/catalog.py, run by a Python that has MLflow and none of this repository.

Standard input: {"metrics": [[name, condition, value]], "points": [[metric, epoch, value]], "runs": N}. The last line of
standard output: {"logging": seconds, "searching": seconds}.
"""

import json
import re
import statistics
import sys
import time

from mlflow.entities import Metric
from mlflow.tracking import MlflowClient


def main() -> None:
    given = json.load(sys.stdin)
    client = MlflowClient(sys.argv[1])
    experiment = client.create_experiment("beside", artifact_location="file:///nowhere")
    # MLflow's metrics have no conditions: they become part of the name
    numbers = [
        Metric(name + re.sub(r"[^\w]+", "-", condition), value, 0, 0) for name, condition, value in given["metrics"]
    ]
    points = [Metric(metric, value, epoch, epoch) for metric, epoch, value in given["points"]]

    began = time.perf_counter()
    for _ in range(given["runs"]):
        run = client.create_run(experiment).info.run_id
        client.log_batch(run, metrics=numbers)
        for first in range(0, len(points), 1000):  # the most that it takes at once
            client.log_batch(run, metrics=points[first : first + 1000])
        client.set_terminated(run)
    logging = time.perf_counter() - began

    took = []
    for _ in range(5):
        began = time.perf_counter()
        found = client.search_runs([experiment], order_by=["metrics.test_accuracy DESC"], max_results=20)
        took.append(time.perf_counter() - began)
        assert found
    print(json.dumps({"logging": logging, "searching": statistics.median(took)}))


if __name__ == "__main__":
    main()
