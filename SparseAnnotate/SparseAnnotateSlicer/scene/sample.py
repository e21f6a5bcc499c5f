"""A made-up scan to try the module on: nothing is downloaded, and it is the same every time."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import slicer
from slicer.i18n import tr as _

NAME = "MadeUpCT"
SHAPE = (40, 128, 128)
# Along i, j, k: slices far apart, as in many clinical scans.
SPACING_MM = (1.6, 1.6, 4.0)
# The organ is on these slices and on no others.
FIRST, LAST = 6, 33
_ICON = Path(__file__).resolve().parents[2] / "Resources" / "Icons" / "SparseAnnotateSample.png"


def madeUpScan() -> tuple[np.ndarray, np.ndarray]:
    """A bent organ with a notch in a body with a spine, and where the organ is.

    Returns
    -------
    intensities : int16 (k, j, i), in Hounsfield units
    labels : uint8 (k, j, i), 1 in the organ
    """
    slices, rows, columns = SHAPE
    z = np.arange(slices)[:, None, None]
    y, x = np.meshgrid(np.linspace(-1, 1, rows), np.linspace(-1, 1, columns), indexing="ij")
    body = (x / 0.9) ** 2 + (y / 0.72) ** 2 < 1
    spine = x**2 + (y - 0.42) ** 2 < 0.12**2
    along = (z - FIRST + 0.6) / (LAST - FIRST + 1.2)
    labels = _organ(along, x, y) & body & (along > 0) & (along < 1)
    intensities = np.where(body, 40.0, -1000.0) + 300.0 * spine + 60.0 * labels + np.zeros((slices, 1, 1))
    noise = np.random.default_rng(2026).normal(0, 45, SHAPE)
    for axis in (1, 2):
        intensities = _blurred(intensities, axis)
        noise = _blurred(noise, axis)
    return np.clip(intensities + noise, -1024, 1500).astype(np.int16), labels.astype(np.uint8)


def _organ(along, x, y):
    """A bean that wanders, turns, swells and shrinks; `along` runs from 0 to 1 through the slices."""
    inside = np.clip(along, 0, 1)
    centre_x = -0.36 + 0.13 * np.sin(3.6 * np.pi * inside)
    centre_y = -0.02 + 0.16 * (inside - 0.5) + 0.06 * np.cos(5 * np.pi * inside)
    angle = np.arctan2(y - centre_y, x - centre_x)
    radius = 0.31 * np.sqrt(np.sqrt(4 * inside * (1 - inside))) * (1 + 0.22 * inside * np.sin(7 * np.pi * inside))
    radius = radius * (1 + 0.2 * np.cos(2 * angle + 7 * inside) - 0.3 * np.exp(-((angle / 0.45) ** 2)))
    return (x - centre_x) ** 2 + (y - centre_y) ** 2 < radius**2


def _blurred(array, axis: int):
    """The mean of three neighbours, twice."""
    for _turn in range(2):
        array = (np.roll(array, 1, axis) + array + np.roll(array, -1, axis)) / 3
    return array


def addSample(source=None) -> list:  # noqa: ARG001 - as Sample Data calls it
    """Put the made-up scan into the scene and show it; returns a list with its vtkMRMLScalarVolumeNode."""
    node = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLScalarVolumeNode", NAME)
    intensities, _labels = madeUpScan()
    slicer.util.updateVolumeFromArray(node, intensities)
    node.SetSpacing(*SPACING_MM)
    node.SetIJKToRASDirections(-1, 0, 0, 0, -1, 0, 0, 0, 1)
    node.SetOrigin(*(sign * 0.5 * s * n for sign, s, n in zip((1, 1, -1), SPACING_MM, SHAPE[::-1], strict=True)))
    node.CreateDefaultDisplayNodes()
    display = node.GetDisplayNode()
    display.SetAutoWindowLevel(False)
    display.SetWindowLevel(320, 60)
    if getattr(slicer, "app", None) is not None and slicer.app.layoutManager() is not None:
        slicer.util.setSliceViewerLayers(background=node, fit=True)
    return [node]


def registerSampleData() -> None:
    """List the scan in Slicer's module Sample Data."""
    import SampleData

    logic = SampleData.SampleDataLogic
    logic.registerCustomSampleDataCategory("SparseAnnotate", title="SparseAnnotate")
    logic.registerCustomSampleDataSource(
        category="SparseAnnotate",
        sampleName=_("Made-up CT"),
        uris="",
        fileNames="",
        nodeNames=NAME,
        thumbnailFileName=str(_ICON),
        customDownloader=addSample,
    )
