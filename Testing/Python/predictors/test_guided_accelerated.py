"""`guided` on a GPU: the torch code, run on the processor, gives what NumPy and OpenCV give."""

import subprocess
import sys

import numpy as np
import pytest
from SparseAnnotateLib import PREDICTORS, SparseAnnotation, Volume, run
from SparseAnnotateLib.metrics import dice_per_class
from SparseAnnotateLib.predictors.guided import planes
from SparseAnnotateLib.predictors.guided.carry import one_hot
from SparseAnnotateLib.predictors.guided.features import _appearance
from SparseAnnotateLib.predictors.guided.flow import AdjacentFlow
from SparseAnnotateLib.predictors.guided.images import Images
from SparseAnnotateLib.predictors.guided.patches import PatchSearch
from SparseAnnotateLib.predictors.guided.tools import SEARCH_RADIUS_PIXELS

pytest.importorskip("torch")

# OpenCV looks between pixels in steps of 1/32: images of unit deviation differ by up to this much.
WARP_TOLERANCE = 0.05


@pytest.fixture(scope="module", params=[(40, 57), (4, 4)], ids=["40x57", "4x4"])
def volume(request):
    import cv2

    noise = np.random.default_rng(0).normal(size=(6, *request.param)).astype(np.float32)
    return Volume.from_array(np.stack([cv2.GaussianBlur(plane, (0, 0), 1.5) for plane in noise]))


@pytest.fixture(scope="module")
def both(volume):
    from SparseAnnotateLib.predictors.guided.accelerated import TorchImages

    everything = slice(0, volume.shape[1]), slice(0, volume.shape[2])
    return Images(volume, everything), TorchImages(volume, everything, "cpu")


def test_filters_are_those_of_opencv_up_to_the_border(both):
    for plane in (-1, 0, 3, 7):
        for ours, theirs in zip(_appearance(both[1], plane), _appearance(both[0], plane), strict=True):
            np.testing.assert_allclose(ours, theirs, atol=2e-3)  # the root of what rounding leaves of 0


def test_warps_agree_within_opencvs_steps(both, volume):
    from SparseAnnotateLib.predictors.guided.accelerated import TorchFlow

    flows = AdjacentFlow(both[0]), TorchFlow(both[1])
    step = np.random.default_rng(1).uniform(-6, 6, (*volume.shape[1:], 2)).astype(np.float32)
    image = both[0].smoothed(2, 1)
    one, other = (flow.warp(image, step) for flow in flows)
    np.testing.assert_allclose(other, one, atol=WARP_TOLERANCE)
    composed = [flow.compose(step, step / 2) for flow in flows]
    np.testing.assert_allclose(*composed, atol=0.5)
    pixels = np.arange(0, image.size, 3)
    looked_up = [flow.warp_at(np.stack([image, -image]), step, pixels) for flow in flows]
    np.testing.assert_allclose(*looked_up, atol=WARP_TOLERANCE)
    assert flows[1].warp_at(image[None], step, pixels[:0]).shape == (1, 0)


@pytest.mark.parametrize("strip_bytes", [1, 1 << 20])
def test_patches_fuse_the_same_labels_however_many_rows_are_taken_at_once(both, volume, strip_bytes, monkeypatch):
    from SparseAnnotateLib.predictors.guided import accelerated

    monkeypatch.setattr(accelerated, "_STRIP_BYTES", strip_bytes)
    labels = np.random.default_rng(2).integers(0, 3, (2, *volume.shape[1:])).astype(np.uint8)
    sources = [(1, one_hot(labels[0], 2), 0.7), (4, one_hot(labels[1], 2), 0.3)]
    searches = PatchSearch(both[0], 3), accelerated.TorchPatchSearch(both[1], 3)
    one, other = (search.fuse(2, sources) for search in searches)
    np.testing.assert_allclose(other, one, atol=1e-5)


def test_far_from_borders_labels_stay_exactly_certain(both, volume):
    from SparseAnnotateLib.predictors.guided.accelerated import TorchPatchSearch

    labels = np.ones(volume.shape[1:], np.uint8)
    fused = TorchPatchSearch(both[1], 3).fuse(2, [(1, one_hot(labels, 1), 1.0)])
    assert (fused[1] == 1).all()


def test_a_real_prediction_is_the_same_within_a_percent(real_data, monkeypatch):
    from SparseAnnotateLib.io import read_image, read_labels
    from SparseAnnotateLib.predictors.guided.accelerated import TorchFlow, TorchImages, TorchPatchSearch

    def torch_tools(volume, region, _device, fine, _memory):
        images = TorchImages(volume, region, "cpu")
        return images, TorchFlow(images, fine), TorchPatchSearch(images, SEARCH_RADIUS_PIXELS)

    folder = real_data / "MSD_hippocampus_056"
    volume = read_image(folder / "image.nii.gz", axis="k")
    labels = read_labels(folder / "label.nii.gz", volume).labels
    found = np.flatnonzero(labels.any(axis=(1, 2)))
    annotation = SparseAnnotation.from_painted_planes(
        labels, found[3::8].tolist(), plane_range=(int(found[0]), int(found[-1]))
    )
    usual = run(PREDICTORS.create("guided"), volume, annotation)
    monkeypatch.setattr(planes, "tools_of", torch_tools)
    accelerated = run(PREDICTORS.create("guided"), volume, annotation)
    assert dice_per_class(accelerated.labels, usual.labels, annotation.class_count).min() > 0.98
    truth = [dice_per_class(each.labels, labels, annotation.class_count).mean() for each in (usual, accelerated)]
    assert abs(truth[0] - truth[1]) < 0.01


def test_on_the_processor_torch_is_not_imported():
    code = """
import sys
import numpy as np
from SparseAnnotateLib import PREDICTORS, SparseAnnotation, Volume, run
labels = np.zeros((5, 30, 30), np.uint8)
labels[[1, 3], 8:20, 9:22] = 1
volume = Volume.from_array(np.random.default_rng(0).normal(size=labels.shape).astype(np.float32))
run(PREDICTORS.create("guided", {"device": "cpu"}), volume, SparseAnnotation.from_painted_planes(labels, [1, 3]))
assert "torch" not in sys.modules
"""
    subprocess.run([sys.executable, "-c", code], check=True, timeout=900)
