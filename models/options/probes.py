"""What each probe of a trained model measures: metrics by name, for each name of a probe. The functions are in
`models.probes`."""

from models.metrics import Metric

PROBE_METRICS: dict[str, dict[str, Metric]] = {}
