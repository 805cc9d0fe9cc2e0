"""Experiments without training: timing, numerical error, operations, spectra."""
