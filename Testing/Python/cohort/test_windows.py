"""A network slid over a scan."""

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from SparseAnnotateLib.cohort.applying.windows import slid, window_size  # noqa: E402
from SparseAnnotateLib.learning.inference import View, views_for  # noqa: E402


class OneVoxel(torch.nn.Module):
    """Two heads that look at single voxels, and at how many channels there are."""

    def forward(self, seen):
        image = seen[:, :1]
        return torch.cat([image, -image], 1), torch.cat([2 * image, seen[:, 1:].sum(1, keepdim=True)], 1)


class Counting(OneVoxel):
    """Remembers the shapes that it was given."""

    def __init__(self):
        super().__init__()
        self.shapes = []

    def forward(self, seen):
        self.shapes.append(tuple(seen.shape))
        return super().forward(seen)


IMAGE = np.random.default_rng(0).normal(size=(19, 21, 34)).astype(np.float16)


@pytest.mark.parametrize("overlap", [0.0, 0.5, 0.75])
@pytest.mark.parametrize("window", [(8, 16, 16), (20, 24, 40), (2, 40, 16)])
def test_windows_of_any_size_give_what_one_that_sees_everything_gives(window, overlap):
    planes = np.stack(list(slid(OneVoxel(), IMAGE, window, 2, "cpu", overlap)))
    assert planes.shape == (19, 2, 2, 21, 34)
    expected = 1 / (1 + np.exp(-2 * IMAGE.astype(np.float32)))
    np.testing.assert_allclose(planes[:, 0, 0], expected, atol=1e-5)
    np.testing.assert_allclose(planes.sum(axis=2), 1, atol=1e-5)


def test_the_known_mask_of_a_scan_that_nobody_painted_is_empty():
    planes = np.stack(list(slid(OneVoxel(), IMAGE, (8, 16, 16), 2, "cpu")))
    np.testing.assert_allclose(planes[:, 1, 0], 1 / (1 + np.exp(-2 * IMAGE.astype(np.float32))), atol=1e-5)


def test_a_window_is_never_seen_alone_on_the_cpu_and_planes_come_as_they_are_ready():
    network = Counting()
    planes = slid(network, np.zeros((40, 8, 8), np.float16), (8, 8, 8), 1, "cpu")
    next(planes)
    assert len(network.shapes) <= 2
    assert len(list(planes)) == 39
    assert {shape[0] for shape in network.shapes} == {2}


def test_views_are_turned_back_before_their_mean_is_taken():
    rows, columns = np.meshgrid(np.linspace(-1, 1, 32), np.linspace(-1, 1, 32), indexing="ij")
    smooth = np.broadcast_to(np.exp(-2 * (rows**2 + (columns - 0.2) ** 2)), (8, 32, 32)).astype(np.float16)
    plain, averaged = (
        np.stack(list(slid(OneVoxel(), smooth, (8, 32, 32), 1, "cpu", views=views)))[:, 0, 0]
        for views in ([View()], views_for(True, flips=False))
    )
    inner = (slice(None), slice(4, -4), slice(4, -4))
    np.testing.assert_allclose(averaged[inner], plain[inner], atol=0.01)


def test_no_window_is_larger_than_the_scan_but_for_the_stride():
    assert window_size((10, 50, 300), (48, 128, 128), (4, 8, 8)) == (12, 56, 128)
