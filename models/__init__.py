"""What is trained: mixers, synthetics, the backbone, training and measuring.

Knows nothing of proposals, Prefect, the catalog or Modal. `options`, `metrics` and `request` import no torch,
so that a proposal can be checked without waiting for it.
"""
