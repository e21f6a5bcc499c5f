"""`morphology`: morphological contour interpolation, as in Slicer's *Fill between slices*.

Albu, Beugeling and Laurendeau, "A morphology-based approach for interslice interpolation of anatomical slices from
volumetric images", IEEE TBME 2008; ITK's filter by Zukic et al. 2016.
"""

from __future__ import annotations

import builtins
import contextlib
import importlib
import sys
import threading
from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise
from types import ModuleType
from typing import ClassVar, Literal

import numpy as np

from ..distances import bounding_box
from ..errors import require
from ..interpolation import fill
from .base import PREDICTORS, Prediction, PredictorBase, PredictorOptions, Progress


@dataclass(frozen=True, kw_only=True)
class MorphologyOptions(PredictorOptions):
    """Options of `morphology`.

    Attributes
    ----------
    ends : beyond the first and last painted plane: ``caps`` continues the outlines as `shape` does; ``empty`` leaves
        them empty, as Slicer does
    """

    ends: Literal["caps", "empty"] = "caps"


def itk_interpolation(labels: np.ndarray) -> np.ndarray:
    """Fill the empty planes of `labels` (planes, rows, columns; uint8) between those that hold a label, by ITK.

    Raises
    ------
    MissingPackageError
        Where ITK's filter is not installed.
    """
    filters, buffers, common = _modules()
    # The image is a view, which keeps no hold of the array: it is used only while `labels` lives.
    labels = np.ascontiguousarray(labels, np.uint8)
    image = buffers.itkPyBufferIUC3.GetImageViewFromArray(labels)
    interpolator = filters.itkMorphologicalContourInterpolatorIUC3.New()
    interpolator.SetInput(image)
    interpolator.SetAxis(2)
    with _one_thread(common.itkMultiThreaderBase):
        interpolator.Update()
    # GetArrayFromImage looks at itk.VectorImage first, and with it loads half of ITK.
    memory = buffers.itkPyBufferIUC3._GetArrayViewFromImage(interpolator.GetOutput())
    return np.array(memory).view(np.uint8).reshape(labels.shape)


def _modules() -> tuple[ModuleType, ModuleType, ModuleType]:
    """ITK's filter, its way to numpy, and its threads, and no other modules of ITK.

    By way of ``itk.MorphologicalContourInterpolator`` all that the filter builds on is loaded with every type of pixel:
    9 s of CPU; in this way .4 s, as long as torch and Dask (another 1.6 s) are put off, which ITK imports for functions
    that are not used here.
    """
    names = ("itkMorphologicalContourInterpolatorPython", "itkPyBufferPython", "ITKCommonBasePython")
    with _put_off("torch", "xarray"), _put_off("distributed", missing=True):
        needed = ["itk", *(f"itk.{name}" for name in names)]
        return tuple(require(name, extra="morphology", purpose="the predictor morphology") for name in needed)[1:]


@contextlib.contextmanager
def _put_off(*names: str, missing: bool = False):
    """What this thread imports by these names is loaded when it is first used, or taken as `missing`, while this lasts.

    Only this thread: to all others the modules are what they are, and nothing stands for them in `sys.modules`.
    """
    thread = threading.get_ident()
    with _PUTTING_OFF:
        ordinary = builtins.__import__

        def imported(name, scope=None, inner=None, wanted=(), level=0):
            package = name.partition(".")[0] if missing else name
            loaded = level or package not in names or package in sys.modules
            if loaded or threading.get_ident() != thread:
                return ordinary(name, scope, inner, wanted, level)
            if missing:
                raise ModuleNotFoundError(f"No module named {package!r}", name=package)
            return _Later(package)

        builtins.__import__ = imported
        try:
            yield
        finally:
            builtins.__import__ = ordinary


_PUTTING_OFF = threading.RLock()


class _Later(ModuleType):
    """Stands for a module that is imported when something of it is asked for."""

    def __getattr__(self, name):
        return getattr(importlib.import_module(self.__name__), name)


@contextlib.contextmanager
def _one_thread(threader):
    """Several threads corrupt the heap in this filter (ITK 5.4.7: 2 of 3 runs on ten brain structures aborted).

    One thread is as fast: the time goes into single outlines.
    """
    threads = threader.GetGlobalMaximumNumberOfThreads()
    threader.SetGlobalMaximumNumberOfThreads(1)
    try:
        yield
    finally:
        threader.SetGlobalMaximumNumberOfThreads(threads)


@PREDICTORS.register
class Morphology(PredictorBase):
    """Runs ITK's morphological contour interpolation between every two painted planes.

    `backend` is the function that does it: inside Slicer its own filter can be put here.
    """

    name = "morphology"
    summary = "Slicer's Fill between slices, continued beyond the first and last painted plane."
    Options = MorphologyOptions
    gives_probabilities = False
    needs = ("itk",)
    extra = "morphology"
    backend: ClassVar[Callable[[np.ndarray], np.ndarray]] = staticmethod(itk_interpolation)

    def _predict(self, volume, annotation):
        labels = np.zeros_like(annotation.labels)
        sources = annotation.source_planes
        for number, (before, after) in enumerate(pairwise(sources), start=1):
            yield Progress("interpolating outlines", (number - 1) / len(sources), f"planes {before} to {after}")
            _fill_gap(labels, annotation.labels, before, after, self.backend)
        if self.options.ends == "caps" and sources:
            yield Progress("closing the ends", 1 - 1 / len(sources))
            beyond = [p for p in annotation.open_planes if p < sources[0] or p > sources[-1]]
            for _ in fill(labels, annotation, volume.spacing_mm, planes=beyond):
                pass
        yield Prediction(labels)


def _fill_gap(labels, painted, before, after, backend) -> None:
    """Fill the planes between two painted ones.

    One gap at a time, since the filter on the whole stack joins two planes across a painted one on which the expert
    saw that the structure is absent; and so that progress shows and cancelling works.
    """
    box = bounding_box((painted[before] > 0) | (painted[after] > 0), margin=1)
    if after - before < 2 or box is None:
        return
    gap = np.zeros((after - before + 1, *painted[(0, *box)].shape), np.uint8)
    gap[0], gap[-1] = painted[(before, *box)], painted[(after, *box)]
    labels[(slice(before + 1, after), *box)] = backend(gap)[1:-1]
