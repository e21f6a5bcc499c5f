"""`guided`, the default predictor; docs/guided.md explains it."""

from .predictor import Guided

__all__ = ["Guided"]
