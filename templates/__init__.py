"""The pages that people read, as Jinja templates, and the one function that renders them."""

from templates.render import render

__all__ = ["render"]
