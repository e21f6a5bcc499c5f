"""How good a prediction is: agreement of two of them, and the Dice to expect, plane by plane."""

from .agreement import agreement_per_plane, p_accuracy, p_dsc

__all__ = ["agreement_per_plane", "p_accuracy", "p_dsc"]
