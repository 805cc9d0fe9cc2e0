"""What is trained: mixers, synthetics, the backbone, training and measuring.

Knows nothing of proposals, Prefect, the catalog or Modal. `options`, `metrics`, `request` and `code_version`
import no torch, so that a proposal can be checked without waiting for it.
"""
