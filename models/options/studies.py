"""Experiments without training: what is studied, and the forms of it that are compared."""
