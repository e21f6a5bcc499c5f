"""Slicer's contour interpolator in place of ITK's package."""

import subprocess
import sys
from pathlib import Path

MODULE = Path(__file__).resolve().parents[3] / "SparseAnnotate"

# In a process of its own that leaves without taking its libraries down: after this filter slicer-core 5.13 beside other
# ITK libraries crashed in a destructor at exit, when all was done.
CODE = """
import os, sys
import numpy as np
from SparseAnnotateLib.annotation import SparseAnnotation
from SparseAnnotateLib.predictors import run
from SparseAnnotateLib.predictors.morphology import Morphology
from SparseAnnotateLib.volume import Volume
from SparseAnnotateSlicer.scene.interpolator import slicer_interpolation, use_slicers_interpolator

gap = np.zeros((7, 24, 30), np.uint8)
gap[0, 5:12, 6:14] = 1
gap[-1, 8:19, 9:22] = 1
gap[0, 15:20, 20:26] = 2
gap[-1, 1:6, 20:28] = 2
filled = slicer_interpolation(gap)
assert np.array_equal(filled[[0, -1]], gap[[0, -1]])
for number in (1, 2):
    areas = (filled == number).sum(axis=(1, 2))
    low, high = sorted((areas[0], areas[-1]))
    assert (areas >= 0.8 * low).all() and (areas <= 1.2 * high).all(), areas
assert use_slicers_interpolator() and Morphology.backend is slicer_interpolation
volume = Volume.from_array(np.zeros(gap.shape, np.float32))
prediction = run(Morphology(), volume, SparseAnnotation.from_painted_planes(gap))
assert np.array_equal(prediction.labels[1:-1] > 0, filled[1:-1] > 0)
print("as expected", flush=True)
os._exit(0)
"""


def test_fills_gaps_for_the_predictor_morphology():
    done = subprocess.run(
        [sys.executable, "-c", CODE], cwd=MODULE, capture_output=True, text=True, timeout=900, check=False
    )
    assert done.returncode == 0, done.stderr
    assert "as expected" in done.stdout
