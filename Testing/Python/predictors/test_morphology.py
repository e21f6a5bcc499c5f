import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from predictors.predictor_tester import PredictorTester
from SparseAnnotateLib import PREDICTORS, SparseAnnotation, Volume, predictors, run
from SparseAnnotateLib.predictors.morphology import Morphology, _one_thread, itk_interpolation

pytest.importorskip("itk", reason="ITK's contour interpolation is not installed")


class TestMorphology(PredictorTester):
    name = "morphology"
    least_dice = 0.7


def test_the_filter_of_another_program_can_take_the_place_of_itk(monkeypatch):
    gaps = []

    def backend(labels):
        gaps.append(labels[:, 1, 1].tolist())
        return np.repeat(labels[:1], len(labels), axis=0)

    monkeypatch.setattr(Morphology, "backend", staticmethod(backend))
    labels = np.zeros((5, 3, 3), np.uint8)
    labels[[0, 4], 1, 1] = 1
    annotation = SparseAnnotation.from_painted_planes(labels)
    result = run(PREDICTORS.create("morphology"), Volume.from_array(np.zeros(labels.shape)), annotation)
    assert gaps == [[1, 0, 0, 0, 1]]
    assert result.labels[:, 1, 1].tolist() == [1, 1, 1, 1, 1]


def test_a_plane_painted_as_empty_keeps_two_parts_apart():
    labels = np.zeros((9, 12, 12), np.uint8)
    labels[[0, 8], 3:9, 3:9] = 1
    annotation = SparseAnnotation.from_painted_planes(labels, [0, 8], empty=[4])
    result = run(
        PREDICTORS.create("morphology", {"ends": "empty"}), Volume.from_array(np.zeros(labels.shape)), annotation
    )
    assert not result.labels[4].any()
    assert not result.labels[1:8].any() or (result.labels[3].sum() < 36 and result.labels[5].sum() < 36)


def test_the_ends_stay_empty_where_that_is_asked_for():
    labels = np.zeros((9, 12, 12), np.uint8)
    labels[3:6, 3:9, 3:9] = 1
    annotation = SparseAnnotation.from_painted_planes(labels, [3, 5])
    volume = Volume.from_array(np.zeros(labels.shape))
    closed, left = (
        run(PREDICTORS.create("morphology", {"ends": ends}), volume, annotation).labels for ends in ("caps", "empty")
    )
    assert closed[2].any()
    assert not left[2].any()


def test_only_the_filter_itself_is_loaded():
    """All that `itk` can do takes 9 s of CPU to load, or more; a small volume is interpolated in less than one."""
    code = (
        "import sys; import numpy as np; from SparseAnnotateLib.predictors.morphology import itk_interpolation\n"
        "labels = np.zeros((3, 8, 8), np.uint8); labels[[0, 2], 2:6, 2:6] = 7\n"
        "assert (itk_interpolation(labels)[1, 3:5, 3:5] == 7).all()\n"
        "rest = {'itk.ITKDistanceMapPython', 'itk.ITKIOImageBasePython', 'torch', 'distributed'}\n"
        "print(*sorted(rest & set(sys.modules)))"
    )
    assert _printed_by(code) == []


def test_the_filter_gives_what_the_whole_of_itk_gives():
    itk = pytest.importorskip("itk")
    labels = np.zeros((6, 20, 24), np.uint8)
    labels[0, 3:11, 4:12], labels[5, 6:17, 8:20] = 1, 1
    labels[0, 14:18, 2:6], labels[5, 14:18, 3:6] = 5, 5
    image = itk.image_from_array(labels)
    whole = itk.MorphologicalContourInterpolator[type(image)].New(image)
    whole.SetAxis(2)
    with _one_thread(itk.MultiThreaderBase):
        whole.Update()
    assert np.array_equal(itk_interpolation(labels), itk.array_from_image(whole.GetOutput()))


def test_torch_is_still_there_for_whoever_uses_itk_with_it():
    torch = pytest.importorskip("torch")
    code = (
        "import sys; from SparseAnnotateLib.predictors.morphology import _modules; _modules()\n"
        "assert 'torch' not in sys.modules\n"
        "import itk, numpy as np, torch\n"
        "assert torch.zeros(1).shape == (1,)\n"
        "print(type(itk.median_image_filter(torch.zeros(1, 4, 5), radius=1)).__name__)"
    )
    assert _printed_by(code) == [torch.Tensor.__name__]


def test_another_thread_imports_what_is_put_off_meanwhile():
    code = (
        "import importlib, sys, threading; from SparseAnnotateLib.predictors.morphology import _put_off\n"
        "found = []\n"
        "def look():\n"
        "    import wave\n"
        "    found.append(wave is sys.modules['wave'])\n"
        "    found.append(callable(wave.open))\n"
        "with _put_off('wave', 'colorsys'), _put_off('chunk_of_nothing', missing=True):\n"
        "    import colorsys\n"
        "    assert 'colorsys' not in sys.modules\n"
        "    thread = threading.Thread(target=look); thread.start(); thread.join()\n"
        "print(*found, colorsys.rgb_to_hsv(0, 0, 1)[2])"
    )
    assert _printed_by(code) == ["True", "True", "1"]


def _printed_by(code):
    library = str(Path(predictors.__file__).parents[2])
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, env={**os.environ, "PYTHONPATH": library}
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.split()
