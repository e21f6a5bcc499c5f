"""The selector ssim: its matrix is scikit-image's, pair by pair."""

from pathlib import Path

import numpy as np
import pytest
from selector_tester import SelectorTester
from SparseAnnotateLib import SELECTORS, InputError
from SparseAnnotateLib.device import resolve_device
from SparseAnnotateLib.selectors.ssim.content import Content, Scale, background_of
from SparseAnnotateLib.selectors.ssim.matrix import ssim_matrix

DATA = Path(__file__).parents[4] / "shared" / "data"


class TestSSIM(SelectorTester):
    name = "ssim"
    options = {"device": "cpu"}  # noqa: RUF012

    def test_an_unknown_device_is_refused(self):
        with pytest.raises(InputError, match="device is 'gpu'"):
            SELECTORS.create("ssim", {"device": "gpu"})


def by_scikit_image(planes, data_range, pairs):
    from skimage.metrics import structural_similarity

    planes = planes.astype(float)
    return [structural_similarity(planes[i], planes[j], data_range=data_range) for i, j in pairs]


def assert_equal_to_scikit_image(planes, device="cpu", pairs=None):
    data_range = float(planes.max()) - float(planes.min())
    matrix = ssim_matrix(planes, data_range, device)
    pairs = pairs or [(i, j) for i in range(len(planes)) for j in range(len(planes))]
    found = [matrix[i, j] for i, j in pairs]
    np.testing.assert_allclose(found, by_scikit_image(planes, data_range, pairs), rtol=0, atol=1e-5)


def smooth_planes(seed, shape=(7, 31, 26)):
    from scipy.ndimage import gaussian_filter

    return 300 * gaussian_filter(np.random.default_rng(seed).normal(size=shape), 1.5).astype(np.float32)


@pytest.mark.parametrize("offset", [-1000, 0, 10_000])
def test_every_pair_is_what_scikit_image_says_wherever_intensities_lie(offset):
    assert_equal_to_scikit_image(smooth_planes(0) + np.float32(offset))


def test_noise_is_what_scikit_image_says():
    assert_equal_to_scikit_image(np.random.default_rng(1).uniform(-1000, 3000, (5, 20, 19)).astype(np.float32))


@pytest.mark.parametrize("shape", [(3, 7, 7), (3, 7, 40), (3, 40, 8)])
def test_planes_as_small_as_the_window_work(shape):
    assert_equal_to_scikit_image(smooth_planes(2, shape))


def test_background_that_is_left_out_counts_as_equal():
    planes = np.full((6, 50, 45), -1000, np.float32)
    planes[1, 20:30, 12:30] = smooth_planes(3)[0, :10, :18]
    planes[2, 0:9, 30:45] = 700
    planes[3, 41:, :12] = smooth_planes(4)[1, :9, :12]
    planes[5] = smooth_planes(5, (6, 50, 45))[5]
    assert_equal_to_scikit_image(planes)


def test_tall_planes_are_cut_into_strips_that_fit_together():
    assert_equal_to_scikit_image(smooth_planes(6, (3, 1500, 60)))


def test_a_plane_is_wholly_similar_to_itself_and_to_a_copy():
    planes = smooth_planes(7)
    planes[3] = planes[5]
    matrix = ssim_matrix(planes, 500.0)
    np.testing.assert_array_equal(np.diag(matrix), 1)
    assert matrix[3, 5] == pytest.approx(1, abs=1e-6)
    np.testing.assert_array_equal(matrix, matrix.T)


def test_planes_narrower_than_the_window_are_continued_by_reflection():
    planes = smooth_planes(8, (4, 20, 5))
    wide = np.pad(planes, ((0, 0), (0, 0), (0, 2)), mode="symmetric")
    np.testing.assert_array_equal(ssim_matrix(planes, 400.0), ssim_matrix(wide, 400.0))


@pytest.mark.parametrize("case", ["TPTBox_vertebra_CT", "MSD_hippocampus_014", "PROMISE12_demo0"])
def test_real_volumes_are_what_scikit_image_says(case):
    nibabel = pytest.importorskip("nibabel")
    file = DATA / case / "image.nii.gz"
    if not file.is_file():
        pytest.skip(f"{file} is not on this computer")
    planes = np.ascontiguousarray(nibabel.load(file).get_fdata(dtype=np.float32).T)
    pairs = [(i, j) for i in range(0, len(planes), 5) for j in range(i + 1, len(planes), 7)]
    assert_equal_to_scikit_image(planes, pairs=pairs)


@pytest.mark.parametrize("offset", [-1000, 0, 10_000])
def test_the_gpu_path_says_the_same_run_by_torch_on_the_cpu(offset, monkeypatch):
    pytest.importorskip("torch")
    from SparseAnnotateLib.selectors.ssim.on_gpu import dissimilarity_sums

    monkeypatch.setattr("SparseAnnotateLib.selectors.ssim.on_gpu._PIXELS_AT_ONCE", 2000)
    planes = np.pad(smooth_planes(0), ((0, 0), (3, 20), (15, 1))) + np.float32(offset)
    data_range = float(planes.max()) - float(planes.min())
    assert Content.of(planes, background_of(planes)).planes.shape[2] < planes.shape[2]
    windows = (planes.shape[1] - 6) * (planes.shape[2] - 6)
    means = 1 - dissimilarity_sums(planes, Scale(float(offset), data_range), "cpu") / windows
    np.testing.assert_allclose(
        means[np.triu_indices(7, 1)], ssim_matrix(planes, data_range)[np.triu_indices(7, 1)], rtol=0, atol=1e-6
    )


def test_the_gpu_says_the_same():
    try:
        resolve_device("cuda")
    except InputError as error:
        pytest.skip(str(error))
    assert_equal_to_scikit_image(smooth_planes(0) + np.float32(10_000), "cuda")
