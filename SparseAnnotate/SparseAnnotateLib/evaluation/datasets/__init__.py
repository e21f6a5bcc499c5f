"""Data sets of labelled cases: a folder, a table, the Medical Segmentation Decathlon's layout, nnU-Net's raw layout.

The ground of `evaluation`: it knows files, and neither selectors nor predictors.
"""

from .case import LabelledCase
from .find import find_labelled_cases

__all__ = ["LabelledCase", "find_labelled_cases"]
