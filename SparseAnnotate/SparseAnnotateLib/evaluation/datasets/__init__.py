"""Data sets of labelled cases: `case` is one, and `find` recognises how a folder holds them.

A `folder` of images and labels, a `table`, the layout of the Medical Segmentation Decathlon (`decathlon`), or nnU-Net's
raw layout (`nnunet`). The ground of `evaluation`: it knows files, and neither selectors nor predictors.
"""

from .case import LabelledCase
from .find import find_labelled_cases

__all__ = ["LabelledCase", "find_labelled_cases"]
