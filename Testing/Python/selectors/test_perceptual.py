"""The selector perceptual: its matrix is that of the package lpips, pair by pair."""

from pathlib import Path

import numpy as np
import pytest
from selector_tester import SelectorTester
from SparseAnnotateLib import SELECTORS, InputError
from SparseAnnotateLib.device import resolve_device
from SparseAnnotateLib.learning.pretrained import weights
from SparseAnnotateLib.selectors import lpips_matrix
from SparseAnnotateLib.selectors.lpips_matrix import robust_window, windowed

SHARED = Path(__file__).parents[4] / "shared"
WEIGHTS = SHARED / "weights" / "alexnet_features.pth"

torch = pytest.importorskip("torch")
pytest.importorskip("lpips")
with_weights = pytest.mark.skipif(not WEIGHTS.is_file(), reason=f"{WEIGHTS} is not on this computer")


@with_weights
class TestPerceptual(SelectorTester):
    name = "perceptual"
    options = {"device": "cpu", "weights": str(WEIGHTS)}  # noqa: RUF012


def test_without_weights_and_network_the_user_learns_how_to_get_them(tmp_path, monkeypatch):
    def refuse(*_, **__):
        raise OSError("no network")

    monkeypatch.delenv(weights.ENVIRONMENT_VARIABLE, raising=False)
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    monkeypatch.setattr("torch.hub.urlopen", refuse)
    tester = SelectorTester()
    annotation, rng = tester.make_annotation(), np.random.default_rng(0)
    with pytest.raises(InputError, match="name it by --weights PATH or SPARSEANNOTATE_WEIGHTS"):
        SELECTORS.create("perceptual").select(tester.make_volume(), annotation, 3, rng)


@pytest.fixture(scope="module")
def alexnet():
    if not WEIGHTS.is_file():
        pytest.skip(f"{WEIGHTS} is not on this computer")
    return weights.load(weights.ALEXNET, WEIGHTS)


@pytest.fixture(scope="module")
def lpips_of_pair(alexnet):
    """What the package lpips says of two planes; it gets AlexNet from the file instead of the network."""
    import lpips
    import torchvision

    network = torchvision.models.alexnet(weights=None)
    network.load_state_dict(alexnet, strict=False)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(torchvision.models, "alexnet", lambda **_: network)
        model = lpips.LPIPS(net="alex", verbose=False)

    def distance(one, other):
        with torch.no_grad():
            return model(*(torch.from_numpy(plane).expand(1, 3, -1, -1) for plane in (one, other))).item()

    return distance


def assert_equal_to_lpips(planes, alexnet, lpips_of_pair, device="cpu", pairs=None):
    window = robust_window(planes)
    matrix = lpips_matrix.lpips_matrix(planes, window, alexnet, device)
    pairs = pairs or [(i, j) for i in range(len(planes)) for j in range(len(planes))]
    wanted = [lpips_of_pair(windowed(planes[i], window), windowed(planes[j], window)) for i, j in pairs]
    np.testing.assert_allclose([matrix[i, j] for i, j in pairs], wanted, rtol=0, atol=1e-4)
    np.testing.assert_array_equal(matrix, matrix.T)
    np.testing.assert_array_equal(np.diag(matrix), 0)


def textures(shape, seed=0):
    from scipy.ndimage import gaussian_filter

    noise = np.random.default_rng(seed).normal(size=shape)
    return np.stack([gaussian_filter(plane, 0.5 + n) for n, plane in enumerate(noise)]).astype(np.float32)


@pytest.mark.parametrize("shape", [(4, 31, 31), (4, 64, 50), (3, 97, 131), (3, 20, 45), (2, 24, 600)])
def test_every_pair_is_what_lpips_says(shape, alexnet, lpips_of_pair):
    assert_equal_to_lpips(textures(shape), alexnet, lpips_of_pair)


@pytest.mark.parametrize("strip_bytes", [1, 60_000, 200_000])
def test_it_does_not_matter_how_layers_are_cut_into_strips(strip_bytes, alexnet, monkeypatch):
    planes = textures((5, 71, 90))
    whole = lpips_matrix.lpips_matrix(planes, (-1.0, 1.0), alexnet)
    monkeypatch.setattr(lpips_matrix, "_STRIP_BYTES", strip_bytes)
    monkeypatch.setattr(lpips_matrix, "_BATCH_BYTES", strip_bytes)
    monkeypatch.setattr(lpips_matrix, "_PLANES_OF_PRODUCT", 2)
    np.testing.assert_allclose(lpips_matrix.lpips_matrix(planes, (-1.0, 1.0), alexnet), whole, rtol=0, atol=1e-6)


def test_equal_planes_have_distance_zero(alexnet):
    planes = textures((4, 40, 40))
    planes[3] = planes[1]
    assert lpips_matrix.lpips_matrix(planes, (-1.0, 1.0), alexnet)[1, 3] == pytest.approx(0, abs=1e-6)


def test_a_real_volume_is_what_lpips_says(alexnet, lpips_of_pair):
    nibabel = pytest.importorskip("nibabel")
    file = SHARED / "data" / "TPTBox_vertebra_CT" / "image.nii.gz"
    if not file.is_file():
        pytest.skip(f"{file} is not on this computer")
    planes = np.ascontiguousarray(nibabel.load(file).get_fdata(dtype=np.float32).T)
    pairs = [(i, j) for i in range(0, len(planes), 9) for j in range(i + 1, len(planes), 10)]
    assert_equal_to_lpips(planes, alexnet, lpips_of_pair, pairs=pairs)


def test_the_gpu_says_the_same(alexnet, lpips_of_pair):
    try:
        resolve_device("cuda")
    except InputError as error:
        pytest.skip(str(error))
    assert_equal_to_lpips(textures((4, 64, 50)), alexnet, lpips_of_pair, "cuda")


def test_the_window_cuts_off_half_a_per_cent_at_either_end():
    volume = np.arange(1001, dtype=np.float32).reshape(7, 11, 13)
    assert robust_window(volume) == (5.0, 995.0)
    plane = windowed(np.tile(np.float32([0, 5, 500, 995, 1000]), (40, 8)), (5.0, 995.0))
    np.testing.assert_allclose(plane[0, :5], [-1, -1, 0, 1, 1], atol=1e-6)


def test_a_volume_that_is_nearly_all_background_keeps_what_it_has():
    volume = np.zeros((10, 20, 20), np.float32)
    volume[5, 5, 5] = 8
    assert robust_window(volume) == (0.0, 8.0)


@pytest.mark.parametrize(
    ("shape", "expected"),
    [((300, 200), (300, 200)), ((20, 50), (31, 50)), ((1024, 512), (512, 256)), ((2048, 20), (512, 31))],
)
def test_planes_keep_their_resolution_from_31_to_512_pixels(shape, expected):
    assert windowed(np.zeros(shape, np.float32), (0.0, 1.0)).shape == expected
