"""Augmentation: positions and intensities change, labels keep to the voxels, what is beyond the border is unknown."""

import pytest

torch = pytest.importorskip("torch", reason="torch is not installed")

from SparseAnnotateLib.learning.augmentation import (  # noqa: E402
    NO_AUGMENTATION,
    Augmentation,
    change_intensities,
    random_grid,
    resample,
)


def generator():
    return torch.Generator().manual_seed(3)


def numbered(count, rows, columns):
    image = torch.arange(rows * columns, dtype=torch.float32).view(1, 1, rows, columns).expand(count, -1, -1, -1)
    labels = (image[:, 0] % 3).long()
    return image, labels, torch.ones_like(labels, dtype=torch.bool)


def test_no_augmentation_gives_the_plane_back():
    images, labels, known = numbered(2, 6, 9)
    grid = random_grid(2, (6, 9), (6, 9), 1.0, NO_AUGMENTATION, generator(), "cpu")
    images_again, labels_again, known_again = resample(images, labels, known, grid)
    torch.testing.assert_close(images_again, images, atol=1e-4, rtol=0)
    assert torch.equal(labels_again, labels)
    assert known_again.all()


def test_magnification_repeats_labels():
    _, labels, known = numbered(1, 4, 5)
    grid = random_grid(1, (4, 5), (8, 10), 2.0, NO_AUGMENTATION, generator(), "cpu")
    _, magnified, _ = resample(torch.zeros(1, 1, 4, 5), labels, known, grid)
    assert torch.equal(magnified, labels.repeat_interleave(2, 1).repeat_interleave(2, 2))


def test_beyond_the_border_nothing_is_known_and_images_go_on():
    images, labels, known = numbered(1, 4, 4)
    grid = random_grid(1, (4, 4), (8, 8), 1.0, NO_AUGMENTATION, generator(), "cpu")
    wide, _, wide_known = resample(images + 7, labels, known, grid)
    expected = torch.zeros(8, 8, dtype=torch.bool)
    expected[2:6, 2:6] = True
    assert torch.equal(wide_known[0], expected)
    assert float(wide.min()) == 7


def test_unknown_voxels_stay_unknown_through_any_change():
    images, labels, known = numbered(8, 20, 30)
    known[:, :, 15:] = False
    images = known[:, None].float()
    grid = random_grid(8, (20, 30), (20, 30), 1.0, Augmentation(flips=True), generator(), "cpu")
    images, labels, known_again = resample(images, labels, known, grid)
    # The image holds the mask itself: where a voxel counts as known, the mask under it is at least half.
    assert (images[:, 0][known_again] >= 0.49).all()
    assert (labels[~known_again] == 0).all()


def test_a_turn_keeps_the_shape_of_things_on_planes_that_are_not_square():
    rows, columns = torch.meshgrid(torch.arange(40) - 19.5, torch.arange(80) - 39.5, indexing="ij")
    disc = ((rows**2 + columns**2) < 12**2)[None].long()
    turn = Augmentation(rotation_degrees=90.0, scale=0.0, shift=0.0)
    grid = random_grid(1, (40, 80), (40, 80), 1.0, turn, generator(), "cpu")
    _, turned, _ = resample(torch.zeros(1, 1, 40, 80), disc, torch.ones_like(disc, dtype=torch.bool), grid)
    assert (turned != disc).float().mean() < 0.01


def test_flips_mirror_both_ways_and_only_when_asked():
    images, labels, known = numbered(64, 4, 4)
    seen = {False: set(), True: set()}
    for flips in seen:
        change = Augmentation(0.0, 0.0, 0.0, 0.0, 0.0, 0.0, flips)
        grid = random_grid(64, (4, 4), (4, 4), 1.0, change, generator(), "cpu")
        corners = resample(images, labels, known, grid)[0][:, 0, 0, 0]
        seen[flips] = {round(float(corner)) for corner in corners}
    assert seen == {False: {0}, True: {0, 3, 12, 15}}


def test_windows_smaller_than_the_plane_lie_anywhere_inside():
    images, labels, known = numbered(64, 16, 16)
    grid = random_grid(64, (16, 16), (8, 8), 1.0, NO_AUGMENTATION, generator(), "cpu")
    windows, _, windows_known = resample(images, labels, known, grid)
    assert windows_known.all()
    assert len({round(float(corner)) for corner in windows[:, 0, 0, 0]}) > 20


def test_gamma_keeps_the_mean_grey_and_its_contrast():
    images = torch.tensor([-0.01, 0.0, 0.01]).view(1, 1, 1, 3).repeat(4, 1, 3, 1)
    changed = change_intensities(images, Augmentation(blur=0.0, noise=0.0), generator())
    torch.testing.assert_close(changed, images, atol=1e-4, rtol=0)


def test_blur_and_noise_differ_within_the_batch():
    images = torch.zeros(4, 1, 9, 9)
    images[:, :, 4, 4] = 1.0
    blurred = change_intensities(images, Augmentation(gamma=0.0, noise=0.0), generator())
    assert len(set(blurred[:, 0, 4, 4].tolist())) == 4
    torch.testing.assert_close(blurred.sum((1, 2, 3)), torch.ones(4))
    noisy = change_intensities(images, Augmentation(gamma=0.0, blur=0.0), generator())
    assert (noisy - images).std((1, 2, 3)).unique().numel() == 4


def test_the_same_seed_gives_the_same_windows():
    grids = [random_grid(3, (9, 9), (9, 9), 1.0, Augmentation(), generator(), "cpu") for _ in range(2)]
    assert torch.equal(*grids)
