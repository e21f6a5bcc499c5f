"""Nodes to arrays: every orientation, every axis, and segments however Slicer keeps them."""

import numpy as np
import pytest
import slicer
import vtk
from nodes import (
    GRIDS,
    OBLIQUE,
    add_linear_transform,
    add_segmentation,
    add_volume,
    add_warp,
    ids_of,
    middle_of,
    paint,
    seen_by_slicer,
    volume_of,
)
from SparseAnnotateLib.errors import InputError
from SparseAnnotateLib.io import read_image
from SparseAnnotateSlicer.scene.segments import classes_of, layer_on_same_grid, merged_labelmap, read_segments
from SparseAnnotateSlicer.scene.volumes import add_label_volume, ijk_to_ras, volume_from_node
from vtkmodules.util.numpy_support import vtk_to_numpy

TURN = np.array([[1.0, 0.0, 0.0], [0.0, 0.8, -0.6], [0.0, 0.6, 0.8]])
ABOUT_Z = np.array([[0.96, -0.28, 0.0], [0.28, 0.96, 0.0], [0.0, 0.0, 1.0]])


def to_world(node):
    """float (4, 4): the transform above a node."""
    transform = node.GetParentTransformNode()
    return np.eye(4) if transform is None else slicer.util.arrayFromTransformMatrix(transform)


def ball(shape, center, radius):
    grid = np.indices(shape) - np.array(center)[:, None, None, None]
    return (grid**2).sum(axis=0) <= radius**2


@pytest.mark.parametrize("grid", GRIDS)
class TestAVolume:
    def test_lies_where_its_file_lies(self, scene, grid, tmp_path):
        node = add_volume(scene, grid=grid)
        storage = slicer.vtkMRMLVolumeArchetypeStorageNode()
        storage.SetFileName(str(tmp_path / "ct.nrrd"))
        assert storage.WriteData(node)
        volume, file = volume_from_node(node), read_image(tmp_path / "ct.nrrd")
        assert volume.geometry.difference(file.geometry, tolerance=1e-6) is None
        assert (volume.axis, volume.shape) == (file.axis, file.shape)
        assert np.array_equal(volume.intensities, file.intensities)

    def test_gives_a_label_map_on_its_own_grid_back(self, scene, grid):
        node = add_volume(scene, grid=grid)
        transform = add_linear_transform(scene, node)
        volume = volume_of(node, "j")
        labels = np.zeros(volume.shape, np.uint8)
        labels[3, 2, 5] = 7
        label_node = add_label_volume(node, volume, labels, "prediction")
        assert label_node.GetParentTransformNode() is transform
        assert np.array_equal(volume_of(label_node, "j").intensities, labels)
        assert volume_from_node(label_node).geometry == volume.geometry


@pytest.mark.parametrize(("axis", "order"), [("k", (0, 1, 2)), ("j", (1, 0, 2)), ("i", (2, 0, 1))])
def test_each_axis_becomes_the_plane_axis_without_mirroring(scene, axis, order):
    node = add_volume(scene, shape=(3, 4, 5), grid="oblique")
    volume = volume_from_node(node, axis)
    assert np.array_equal(volume.intensities, np.arange(60).reshape(3, 4, 5).transpose(order))
    assert np.allclose(volume.spacing_mm, np.array([3.0, 0.8, 0.9])[list(order)])


def test_the_axis_is_the_one_with_thick_planes_by_default(scene):
    assert volume_from_node(add_volume(scene, grid="sagittal")).axis == "k"
    assert volume_from_node(add_volume(scene, grid="plain")).axis == "k"


def test_a_volume_is_a_copy_of_the_nodes_memory(scene):
    node = add_volume(scene, dtype=np.float32)
    volume = volume_from_node(node)
    slicer.util.arrayFromVolume(node)[:] = -1
    assert volume.intensities[1, 0, 0] == 56


def test_a_transform_above_a_volume_does_not_change_its_own_grid(scene):
    node = add_volume(scene, grid="oblique")
    before = volume_from_node(node).geometry
    add_linear_transform(scene, node, turn=OBLIQUE)
    assert volume_from_node(node).geometry == before
    add_warp(scene, node)
    assert volume_from_node(node).geometry == before


class TestAVolumeIsRefused:
    def test_without_an_image(self, scene):
        with pytest.raises(InputError, match="holds no image"):
            volume_from_node(scene.AddNewNodeByClass("vtkMRMLScalarVolumeNode", "empty"))

    def test_in_colour(self, scene):
        node = scene.AddNewNodeByClass("vtkMRMLVectorVolumeNode", "photo")
        slicer.util.updateVolumeFromArray(node, np.zeros((2, 3, 4, 3), np.uint8))
        with pytest.raises(InputError, match="photo has several values a voxel"):
            volume_from_node(node)

    def test_with_nan(self, scene):
        node = add_volume(scene, dtype=np.float32)
        slicer.util.arrayFromVolume(node)[0, 0, 0] = np.nan
        with pytest.raises(InputError, match="1 voxels that are NaN"):
            volume_from_node(node)


@pytest.mark.parametrize("axis", ["i", "j", "k"])
@pytest.mark.parametrize("grid", GRIDS)
def test_segments_are_read_where_they_were_painted(scene, grid, axis):
    volume_node = add_volume(scene, grid=grid)
    node = add_segmentation(scene, volume_node)
    liver, tumour = ids_of(node)
    masks = {liver: ball((6, 7, 8), (1, 3, 3), 1.5), tumour: ball((6, 7, 8), (4, 4, 6), 1.0)}
    for segment_id, mask in masks.items():
        paint(node, segment_id, volume_node, mask)
    volume = volume_of(volume_node, axis)
    labels = volume.to_file_order(read_segments(node, volume_node, volume).labels)
    assert np.array_equal(labels == 1, masks[liver])
    assert np.array_equal(labels == 2, masks[tumour])


class TestSegments:
    @pytest.fixture
    def case(self, scene):
        """A volume, a segmentation of two segments that share no voxel, and their masks."""
        volume_node = add_volume(scene, grid="oblique mirrored")
        node = add_segmentation(scene, volume_node)
        masks = [ball((6, 7, 8), (1, 3, 3), 1.5), ball((6, 7, 8), (4, 4, 6), 1.0)]
        for segment_id, mask in zip(ids_of(node), masks, strict=True):
            paint(node, segment_id, volume_node, mask)
        return volume_node, node, masks[0] + 2 * masks[1]

    def read(self, volume_node, node, **options):
        return read_segments(node, volume_node, volume_of(volume_node), **options)

    def test_of_smaller_extent(self, case, tmp_path):
        volume_node, node, labels = case
        storage = node.CreateDefaultStorageNode()
        storage.SetScene(node.GetScene())
        storage.SetCropToMinimumExtent(True)
        storage.SetFileName(str(tmp_path / "cropped.seg.nrrd"))
        assert storage.WriteData(node)
        assert storage.ReadData(node)
        image = node.GetSegmentation().GetLayerDataObject(0)
        assert image.GetNumberOfPoints() < volume_node.GetImageData().GetNumberOfPoints()
        assert np.array_equal(self.read(volume_node, node).labels, labels)

    def test_with_an_origin_of_their_own(self, case):
        volume_node, node, labels = case
        image = node.GetSegmentation().GetLayerDataObject(0)
        corner, extent = np.array([2, 1, 0]), (2, 7, 1, 6, 0, 3)
        to_world = vtk.vtkMatrix4x4()
        image.GetImageToWorldMatrix(to_world)
        origin = to_world.MultiplyPoint((*corner.astype(float), 1.0))[:3]
        cropped = labels[0:4, 1:7, 2:8] == 1
        image.SetExtent(*(n - corner[axis // 2] for axis, n in enumerate(extent)))
        image.AllocateScalars(3, 1)
        vtk_to_numpy(image.GetPointData().GetScalars())[:] = cropped.ravel()
        image.SetOrigin(origin)
        assert np.array_equal(self.read(volume_node, node).labels == 1, labels == 1)

    def test_that_share_a_layer(self, case):
        volume_node, node, labels = case
        node.GetSegmentation().CollapseBinaryLabelmaps(False)
        layers = self.read(volume_node, node)
        assert len(layers.layers) == 1
        assert np.array_equal(layers.labels, labels)
        assert not layers.overlaps

    @pytest.mark.parametrize("shared", [False, True])
    def test_on_the_volumes_grid_are_copied_as_slicer_would_resample_them(self, scene, case, shared):
        volume_node, node, _ = case
        if shared:
            node.GetSegmentation().CollapseBinaryLabelmaps(False)
        for number, segment_id in enumerate(ids_of(node), start=1):
            copied = layer_on_same_grid(node, volume_node, {segment_id: number})
            slicers = merged_labelmap(node, volume_node, {segment_id: number})
            assert copied.any()
            assert np.array_equal(copied, vtk_to_numpy(slicers.GetPointData().GetScalars()).reshape(copied.shape))
        add_linear_transform(scene, node)
        assert layer_on_same_grid(node, volume_node, {ids_of(node)[0]: 1}) is None

    def test_that_are_hidden(self, case):
        volume_node, node, labels = case
        node.GetDisplayNode().SetAllSegmentsVisibility(False)
        node.GetDisplayNode().SetVisibility(False)
        assert np.array_equal(self.read(volume_node, node).labels, labels)

    def test_chosen_and_ordered_by_the_caller(self, case):
        volume_node, node, labels = case
        liver, tumour = ids_of(node)
        assert np.array_equal(self.read(volume_node, node, segment_ids=[tumour]).labels, labels == 2)
        swapped = self.read(volume_node, node, segment_ids=[tumour, liver])
        assert np.array_equal(swapped.labels, np.array([0, 2, 1])[labels])
        assert swapped.names == ("tumour", "liver")

    def test_that_overlap_are_reported_and_the_later_one_counts(self, case):
        volume_node, node, labels = case
        covered = labels > 0
        paint(node, ids_of(node)[1], volume_node, covered)
        layers = self.read(volume_node, node)
        (overlap,) = layers.overlaps
        assert (overlap.earlier, overlap.later) == ("liver", "tumour")
        assert overlap.voxels == np.count_nonzero(labels == 1)
        assert np.array_equal(layers.labels, 2 * covered)
        assert {segment_id for segment_id, _ in layers.masks(1)} == set(ids_of(node))

    def test_painted_on_another_grid_are_read_as_slicer_exports_them(self, scene, case):
        volume_node, node, _ = case
        other = add_volume(scene, shape=(9, 10, 11), grid="lps", name="other")
        other.SetOrigin(volume_node.GetOrigin()[0] + 5, volume_node.GetOrigin()[1] + 5, volume_node.GetOrigin()[2] - 6)
        labels = self.read(other, node).labels
        assert labels.any()
        for number, segment_id in enumerate(ids_of(node), start=1):
            assert np.array_equal(labels == number, seen_by_slicer(node, segment_id, other))

    @pytest.mark.parametrize("above", ["volume", "segmentation", "both"])
    def test_turned_against_the_volume_are_sampled_at_its_voxels(self, scene, case, above):
        volume_node, node, painted = case
        middle = middle_of(volume_node)
        if above in ("volume", "both"):
            add_linear_transform(scene, volume_node, shift=(0.3, 0.2, -0.1), turn=TURN, about=middle)
        if above in ("segmentation", "both"):
            add_linear_transform(scene, node, shift=(0.1, -0.3, 0.2), turn=ABOUT_Z, about=middle)
        world = [to_world(one) @ ijk_to_ras(volume_node) for one in (volume_node, node)]
        ijk = np.indices(painted.shape)[::-1].reshape(3, -1)
        there = np.linalg.inv(world[1]) @ world[0] @ np.vstack([ijk, np.ones(ijk.shape[1])])
        k, j, i = np.rint(there[2::-1]).astype(int)
        inside = (k >= 0) & (k < 6) & (j >= 0) & (j < 7) & (i >= 0) & (i < 8)
        expected = np.zeros(ijk.shape[1], int)
        expected[inside] = painted[k[inside], j[inside], i[inside]]
        assert expected.any()
        assert np.array_equal(self.read(volume_node, node).labels.ravel(), expected)

    def test_moved_together_with_the_volume_stay_where_they_are(self, scene, case):
        volume_node, node, labels = case
        add_linear_transform(scene, volume_node, turn=OBLIQUE)
        node.SetAndObserveTransformNodeID(volume_node.GetTransformNodeID())
        assert np.array_equal(self.read(volume_node, node).labels, labels)
        add_warp(scene, volume_node, node)
        assert np.array_equal(self.read(volume_node, node).labels, labels)

    def test_under_a_warp_are_read_as_slicer_exports_them(self, scene, case):
        volume_node, node, painted = case
        add_warp(scene, node)
        labels = self.read(volume_node, node).labels
        assert labels.any()
        assert not np.array_equal(labels, painted)
        for number, segment_id in enumerate(ids_of(node), start=1):
            assert np.array_equal(labels == number, seen_by_slicer(node, segment_id, volume_node))

    def test_thirty_of_them(self, scene):
        volume_node = add_volume(scene, shape=(5, 6, 8))
        names = [f"part {number}" for number in range(30)]
        node = add_segmentation(scene, volume_node, names)
        expected = np.zeros((5, 6, 8), np.uint8)
        expected.flat[:30] = np.arange(1, 31)
        for number, segment_id in enumerate(ids_of(node), start=1):
            paint(node, segment_id, volume_node, expected == number)
        assert np.array_equal(self.read(volume_node, node).labels, expected)
        node.GetSegmentation().CollapseBinaryLabelmaps(False)
        layers = self.read(volume_node, node)
        assert len(layers.layers) == 1
        assert np.array_equal(layers.labels, expected)

    def test_empty_ones_are_classes_without_voxels(self, scene):
        volume_node = add_volume(scene)
        node = add_segmentation(scene, volume_node)
        assert not self.read(volume_node, node).labels.any()
        assert not self.read(volume_node, add_segmentation(scene, volume_node, ())).labels.any()

    def test_keep_name_colour_terminology_and_status(self, case):
        _, node, _ = case
        segment = node.GetSegmentation().GetSegment(ids_of(node)[1])
        segment.SetTag(segment.GetTerminologyEntryTagName(), "Segmentation category~SCT^49755003^Mass")
        slicer.vtkSlicerSegmentationsModuleLogic.SetSegmentStatus(
            segment, slicer.vtkSlicerSegmentationsModuleLogic.Flagged
        )
        tumour = classes_of(node, ids_of(node))[1]
        assert (tumour.value, tumour.name, tumour.color) == (2, "tumour", (1.0, 0.5, 0.25))
        assert tumour.details["ID"] == ids_of(node)[1]
        assert "49755003^Mass" in tumour.details["Tags"]
        assert "Segmentation.Status:flagged" in tumour.details["Tags"]

    def test_that_are_surfaces_only_are_refused(self, case):
        volume_node, node, _ = case
        assert node.CreateClosedSurfaceRepresentation()
        node.GetSegmentation().SetSourceRepresentationName("Closed surface")
        node.GetSegmentation().RemoveRepresentation("Binary labelmap")
        with pytest.raises(InputError, match="surfaces only"):
            self.read(volume_node, node)
