"""Segmentations written here are read by Slicer's own code, and the other way round."""

import numpy as np
import pytest
from image_files import OBLIQUE, ramp, write
from SparseAnnotateLib import LabelClass
from SparseAnnotateLib.io import read_image, read_labels, write_labels

pytest.importorskip("slicer_core", reason="needs Slicer's MRML: pip install 'sparse-annotate[slicer]'")

LABELS = np.zeros((8, 9, 10), np.uint8)
LABELS[2:5, 3:6, 4:8] = 1
LABELS[3, 4, 5] = 2
TAGS = {"ID": "the-liver", "Tags": "Segmentation.Status:inprogress|"}
CLASSES = (LabelClass(3, "liver", (1.0, 0.0, 0.5), TAGS), LabelClass(7, "spleen"))


@pytest.fixture
def image(tmp_path):
    return read_image(write(tmp_path / "image.nrrd", ramp(LABELS.shape), direction=OBLIQUE), "k")


@pytest.fixture
def in_slicer(tmp_path, image):
    import slicer

    write_labels(tmp_path / "ours.seg.nrrd", LABELS, image, CLASSES)
    scene = slicer.vtkMRMLScene()
    node = scene.AddNewNodeByClass("vtkMRMLSegmentationNode")
    storage = scene.AddNewNodeByClass("vtkMRMLSegmentationStorageNode")
    storage.SetFileName(str(tmp_path / "ours.seg.nrrd"))
    assert storage.ReadData(node)
    return scene, node


def voxels_of(segment):
    from vtk.util.numpy_support import vtk_to_numpy

    labelmap = segment.GetRepresentation("Binary labelmap")
    return vtk_to_numpy(labelmap.GetPointData().GetScalars()).reshape(labelmap.GetDimensions()[::-1])


def test_slicer_finds_our_names_colours_values_tags_and_voxels(in_slicer):
    import vtk

    segmentation = in_slicer[1].GetSegmentation()
    liver, spleen = segmentation.GetNthSegment(0), segmentation.GetNthSegment(1)
    assert segmentation.GetNthSegmentID(0) == "the-liver"
    assert (liver.GetName(), liver.GetLabelValue(), liver.GetColor()) == ("liver", 3, (1.0, 0.0, 0.5))
    assert (spleen.GetName(), spleen.GetLabelValue()) == ("spleen", 7)
    status = vtk.mutable("")
    assert liver.GetTag("Segmentation.Status", status)
    assert str(status) == "inprogress"
    assert np.array_equal(voxels_of(liver), np.array([0, 3, 7])[LABELS])


def test_what_slicer_saves_cropped_and_with_overlapping_layers_comes_back_on_the_image_grid(in_slicer, image, tmp_path):
    import slicer

    scene, node = in_slicer
    segmentation = node.GetSegmentation()
    labelmap = slicer.vtkOrientedImageData()
    labelmap.DeepCopy(segmentation.GetNthSegment(0).GetRepresentation("Binary labelmap"))
    segment = slicer.vtkSegment()
    segment.SetName("tumour")
    segment.SetLabelValue(1)
    segment.AddRepresentation("Binary labelmap", labelmap)
    voxels_of(segment)[...] = 0
    voxels_of(segment)[3:6, 3:6, 4:8] = 1
    segmentation.AddSegment(segment, "third")
    storage = scene.AddNewNodeByClass("vtkMRMLSegmentationStorageNode")
    storage.SetCropToMinimumExtent(True)
    storage.SetFileName(str(tmp_path / "theirs.seg.nrrd"))
    assert storage.WriteData(node)

    found = read_labels(tmp_path / "theirs.seg.nrrd", image)
    expected = np.array([0, 3, 7])[LABELS]
    expected[3:6, 3:6, 4:8] = 1
    assert [(one.value, one.name) for one in found.classes] == [(3, "liver"), (7, "spleen"), (1, "tumour")]
    assert np.array_equal(found.labels, expected)
