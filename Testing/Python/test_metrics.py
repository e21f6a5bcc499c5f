"""Agreement measures: against SimpleITK's filters, and against distances counted by hand."""

import numpy as np
import pytest
import SimpleITK as sitk  # noqa: N813
from SparseAnnotateLib import InputError, metrics

SPACING = (2.5, 0.7, 0.5)


def two_blobs(seed, shape=(9, 14, 12)):
    from scipy import ndimage

    rng = np.random.default_rng(seed)
    noise = ndimage.gaussian_filter(rng.normal(size=(2, *shape)), (0, 1, 2, 2))
    return noise[0] > 0.02, noise[1] + noise[0] > 0.05


def as_image(mask, spacing_mm=SPACING):
    image = sitk.GetImageFromArray(mask.astype(np.uint8))
    image.SetSpacing(spacing_mm[::-1])
    return image


class TestAgainstSimpleItk:
    @pytest.mark.parametrize("seed", range(5))
    def test_dice_is_that_of_label_overlap_measures(self, seed):
        mask, reference = two_blobs(seed)
        overlap = sitk.LabelOverlapMeasuresImageFilter()
        overlap.Execute(as_image(reference), as_image(mask))
        assert metrics.dice(mask, reference) == pytest.approx(overlap.GetDiceCoefficient(1))

    @pytest.mark.parametrize("seed", range(5))
    def test_hausdorff_and_average_hausdorff_are_those_of_the_hausdorff_filter(self, seed):
        mask, reference = two_blobs(seed)
        hausdorff = sitk.HausdorffDistanceImageFilter()
        hausdorff.Execute(as_image(mask), as_image(reference))
        ours = metrics.distances(mask, reference, SPACING)
        assert ours.hausdorff_mm == pytest.approx(hausdorff.GetHausdorffDistance(), abs=1e-5)
        assert ours.average_hausdorff_mm == pytest.approx(hausdorff.GetAverageHausdorffDistance(), abs=1e-5)

    @pytest.mark.parametrize("seed", range(3))
    def test_surface_distances_are_those_of_exact_distance_maps(self, seed):
        mask, reference = two_blobs(seed)
        to_reference, to_mask = (
            np.maximum(sitk.GetArrayFromImage(sitk.SignedMaurerDistanceMap(as_image(surface), False, False, True)), 0)
            for surface in (metrics.surface(reference), metrics.surface(mask))
        )
        there, back = to_reference[metrics.surface(mask)], to_mask[metrics.surface(reference)]
        ours = metrics.distances(mask, reference, SPACING)
        assert ours.assd_mm == pytest.approx(np.concatenate([there, back]).mean(), abs=1e-5)
        assert ours.hausdorff95_mm == pytest.approx(max(np.percentile(there, 95), np.percentile(back, 95)), abs=1e-5)


class TestByHand:
    def test_two_single_voxels_are_their_distance_apart(self):
        mask, reference = np.zeros((2, 5, 5, 5), bool)
        mask[1, 1, 1] = reference[2, 3, 1] = True
        apart = np.hypot(2.5, 1.4)
        found = metrics.distances(mask, reference, SPACING)
        assert [*vars(found).values()] == pytest.approx([apart] * 5)

    def test_voxels_inside_the_other_mask_count_as_zero_in_the_average_hausdorff_distance(self):
        mask, reference = np.zeros((2, 1, 1, 6), bool)
        mask[0, 0, :4] = True
        reference[0, 0, :2] = True
        found = metrics.distances(mask, reference, (1, 1, 1))
        # From the mask: 0, 0, 1, 2; back: 0, 0.
        assert found.hausdorff_mm == 2
        assert found.average_hausdorff_mm == pytest.approx((3 / 4 + 0) / 2)
        assert found.balanced_average_hausdorff_mm == pytest.approx((3 / 2 + 0) / 2)
        assert found.assd_mm == pytest.approx(3 / 6)

    def test_equal_masks_are_at_no_distance(self):
        mask, _ = two_blobs(0)
        assert set(vars(metrics.distances(mask, mask, SPACING)).values()) == {0.0}

    def test_only_the_reference_decides_the_balance(self):
        mask, reference = two_blobs(1)
        forth, back = metrics.distances(mask, reference, SPACING), metrics.distances(reference, mask, SPACING)
        assert forth.average_hausdorff_mm == pytest.approx(back.average_hausdorff_mm)
        ratio = forth.balanced_average_hausdorff_mm / back.balanced_average_hausdorff_mm
        assert ratio == pytest.approx(np.count_nonzero(mask) / np.count_nonzero(reference))

    def test_the_surface_of_a_cube_is_all_but_its_core(self):
        cube = np.zeros((5, 5, 5), bool)
        cube[1:4, 1:4, 1:4] = True
        core = np.zeros_like(cube)
        core[2, 2, 2] = True
        assert np.array_equal(metrics.surface(cube), cube & ~core)

    def test_voxels_at_the_edge_of_the_image_are_surface(self):
        assert metrics.surface(np.ones((3, 3, 3), bool)).sum() == 26

    def test_assd_on_planes_stays_in_the_plane(self):
        mask, reference = np.zeros((2, 3, 4, 6), bool)
        mask[0, 1, 1] = reference[0, 1, 3] = True  # 2 columns of 0.5 mm apart
        mask[1, 1, 1] = True  # nothing in the reference: the plane's diagonal
        found = metrics.assd_per_plane(mask, reference, SPACING)
        assert found[:2] == pytest.approx([1.0, np.hypot(4 * 0.7, 6 * 0.5)])
        assert np.isnan(found[2])


class TestEmptyMasks:
    def test_both_empty_is_nothing_to_compare(self):
        empty = np.zeros((2, 3, 4), bool)
        assert np.isnan(metrics.dice(empty, empty))
        assert np.isnan([*vars(metrics.distances(empty, empty, SPACING)).values()]).all()

    def test_one_empty_is_dice_0_and_the_diagonal(self):
        empty = np.zeros((2, 3, 4), bool)
        full = ~empty
        assert metrics.dice(full, empty) == metrics.dice(empty, full) == 0
        diagonal = np.linalg.norm([2 * 2.5, 3 * 0.7, 4 * 0.5])
        for pair in ((full, empty), (empty, full)):
            assert [*vars(metrics.distances(*pair, SPACING)).values()] == pytest.approx([diagonal] * 5)

    def test_means_leave_out_what_could_not_be_compared(self):
        assert metrics.mean_of(np.array([0.5, np.nan, 1.0])) == 0.75
        assert np.isnan(metrics.mean_of(np.array([np.nan])))
        assert np.isnan(metrics.mean_of([]))


class TestClasses:
    REFERENCE = np.array([[[0, 1, 1, 2]], [[0, 1, 0, 0]], [[0, 0, 0, 0]]], np.uint8)
    LABELS = np.array([[[0, 1, 2, 2]], [[1, 1, 0, 0]], [[0, 0, 0, 3]]], np.uint8)

    def test_dice_of_each_class_and_plane(self):
        found = metrics.dice_per_plane(self.LABELS, self.REFERENCE, 3)
        expected = [[2 / 3, 2 / 3, np.nan], [2 / 3, np.nan, np.nan], [np.nan, np.nan, 0]]
        assert found == pytest.approx(np.array(expected), nan_ok=True)

    def test_dice_of_each_class_over_the_volume(self):
        found = metrics.dice_per_class(self.LABELS, self.REFERENCE, 4)
        assert found == pytest.approx([4 / 6, 2 / 3, 0, np.nan], nan_ok=True)

    def test_comparing_takes_the_classes_of_the_reference_and_the_unpainted_planes(self):
        found = metrics.compare(self.LABELS, self.REFERENCE, 3, (1, 1, 1), unpainted_planes=[1, 2])
        assert found.dice_all == pytest.approx((4 / 6 + 2 / 3) / 2)
        assert found.dice_unpainted == pytest.approx((2 / 3 + 0) / 2)
        assert found.distances_per_class[2] is None
        assert found.mean_distance("hausdorff_mm") == pytest.approx((1 + 1) / 2)

    def test_no_unpainted_plane_leaves_nothing_to_score(self):
        assert np.isnan(metrics.compare(self.LABELS, self.REFERENCE, 3, (1, 1, 1), []).dice_unpainted)

    def test_different_grids_are_refused(self):
        with pytest.raises(InputError, match="differ in shape"):
            metrics.dice_per_class(self.LABELS, self.REFERENCE[:2], 3)
