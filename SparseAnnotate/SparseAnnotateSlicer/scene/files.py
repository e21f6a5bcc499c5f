"""Scenes, volumes and segmentations in files, read and written by Slicer, in the application and without it."""

from __future__ import annotations

import os
import zipfile
from pathlib import Path

import numpy as np
import slicer
from SparseAnnotateLib.errors import InputError
from SparseAnnotateLib.volume import Volume

SCENES = (".mrb", ".mrml")
# scan.mrb#CT: the node CT of a scene.
NODE_MARK = "#"
# What the library reads by itself, or does not read as an image.
_READABLE = (".nii", ".nii.gz", ".nrrd", ".nhdr", ".mha", ".mhd", ".tif", ".tiff", ".csv", ".json", ".pth")


def is_scene(path: Path) -> bool:
    """Whether the name is that of a scene."""
    return path.suffix.lower() in SCENES


def is_for_slicer(path: Path) -> bool:
    """A scene, or another existing file that the library cannot read by itself; folders hold DICOM, or cases."""
    return is_scene(path) or (path.is_file() and bool(path.suffix) and not path.name.lower().endswith(_READABLE))


def load_scene(scene, path: Path | str) -> None:
    """Import a .mrb or .mrml into a scene, beside what is there already.

    Raises
    ------
    InputError
        Where the file is missing or cannot be read.
    """
    path = _existing(path)
    before = scene.GetNumberOfNodes()
    if path.suffix.lower() == ".mrb":
        read = zipfile.is_zipfile(path) and _read_bundle(scene, path)
    else:
        scene.SetURL(str(path))
        read = scene.Import()
    if not read or scene.GetNumberOfNodes() == before:
        raise InputError(f"{path} cannot be read as a scene: save it in Slicer again")


def _read_bundle(scene, path: Path) -> bool:
    """Slicer changes the working directory while it unpacks, and stays there if that fails."""
    folder = Path.cwd()
    try:
        return bool(scene.ReadFromMRB(str(path), False))
    finally:
        os.chdir(folder)


def save_scene(scene, path: Path | str) -> None:
    """Write a scene with all its data: a .mrb, or a .mrml with a file a node beside it.

    Raises
    ------
    InputError
        Where it cannot be written, or the name ends in neither.
    """
    path = Path(path).absolute()
    if path.suffix.lower() not in SCENES:
        raise InputError(f"{path} is no scene: end its name in .mrb or .mrml")
    if path.suffix.lower() == ".mrb":
        written = _write_bundle(scene, path)
    else:
        written = _write_files(scene, path.parent)
        scene.SetURL(str(path))
        written = bool(scene.Commit(str(path))) and written
    if not written:
        raise InputError(f"{path} cannot be written: check that its folder is there and the disk is not full")


def _write_bundle(scene, path: Path) -> bool:
    """Aside first, so that a scene that was there before is never half overwritten."""
    aside = path.with_name(f"{path.stem} writing.mrb")
    written = bool(scene.WriteToMRB(str(aside)))
    if written:
        aside.replace(path)
    else:
        aside.unlink(missing_ok=True)
    return written


def _write_files(scene, folder: Path) -> bool:
    """Write every storable node that is saved with the scene into a folder, as Slicer's *Save* dialog does."""
    return all(
        write_node(node, folder / f"{node.GetID()}.{_suffix(node)}")
        for node in _storable_nodes(scene)
        if node.GetSaveWithScene() and not node.GetHideFromEditors()
    )


def _storable_nodes(scene) -> list:
    name = "vtkMRMLStorableNode"
    return [scene.GetNthNodeByClass(number, name) for number in range(scene.GetNumberOfNodesByClass(name))]


def _suffix(node) -> str:
    storage = _storage_of(node)
    return storage.GetDefaultWriteFileExtension() if storage is not None else ""


def _storage_of(node):
    """The node's storage node, made and added where it has none; None for nodes that need none."""
    if node.GetStorageNode() is None:
        node.AddDefaultStorageNode()
    return node.GetStorageNode()


def write_node(node, path: Path | str) -> bool:
    """Write one storable node; True also for a node that needs no file."""
    storage = _storage_of(node)
    if storage is None:
        return True
    storage.SetFileName(str(Path(path).absolute()))
    return bool(storage.WriteData(node))


def load_volume(scene, path: Path | str):
    """A scalar volume from a file, or from a folder of DICOM files; vtkMRMLScalarVolumeNode.

    Raises
    ------
    InputError
        Where there is none that Slicer can read.
    """
    path = _existing(path)
    file = path if path.is_file() else _first_file(path)
    node = _logic("volumes", scene).AddArchetypeVolume(str(file), path.name.split(".")[0])
    if node is None or node.GetImageData() is None:
        raise InputError(f"{path} holds no volume that Slicer can read")
    return node


def load_segmentation(scene, path: Path | str):
    """A segmentation from any file that Slicer reads as one; vtkMRMLSegmentationNode.

    Raises
    ------
    InputError
        Where there is none.
    """
    path = _existing(path)
    node = _logic("segmentations", scene).LoadSegmentationFromFile(str(path), True, path.name.split(".")[0])
    if node is None:
        raise InputError(f"{path} holds no segmentation that Slicer can read")
    return node


def _logic(module: str, scene):
    """A module's logic, which knows the application's colours; there is one, of one scene, with and without Qt."""
    logic = getattr(slicer.modules, module).logic()
    if logic.GetMRMLScene() is not scene:
        raise InputError("files are loaded into Slicer's own scene only (slicer.mrmlScene)")
    return logic


def _existing(path: Path | str) -> Path:
    # After a scene was read Slicer looks for relative paths beside it.
    path = Path(path).absolute()
    if not path.exists():
        raise InputError(f"{path} does not exist")
    return path


def _first_file(folder: Path) -> Path:
    files = sorted(one for one in folder.rglob("*") if one.is_file() and not one.name.startswith("."))
    if not files:
        raise InputError(f"{folder} holds no file")
    return files[0]


def write_copy(node, path: Path | str) -> bool:
    """Write a node's data into a file, without making that file the node's own."""
    storage = node.CreateDefaultStorageNode()
    storage.UnRegister(None)
    storage.SetScene(node.GetScene())
    storage.SetFileName(str(Path(path).absolute()))
    return bool(storage.WriteData(node))


def with_segments(node, segment_ids):
    """A copy of a segmentation in the same scene, with some of its segments only."""
    copy = node.GetScene().AddNewNodeByClass("vtkMRMLSegmentationNode", f"{node.GetName()} in part")
    copy.GetSegmentation().DeepCopy(node.GetSegmentation())
    for segment_id in set(copy.GetSegmentation().GetSegmentIDs()) - set(segment_ids):
        copy.GetSegmentation().RemoveSegment(segment_id)
    return copy


def erase(node, volume_node, volume: Volume, voxels: np.ndarray) -> None:
    """Take voxels out of all segments; bool (planes, rows, columns) of a volume."""
    outside = volume.to_file_order(~voxels).astype(np.uint8)
    node.SetAndObserveTransformNodeID(volume_node.GetTransformNodeID())
    for segment_id in node.GetSegmentation().GetSegmentIDs():
        held = slicer.util.arrayFromSegmentBinaryLabelmap(node, segment_id, volume_node)
        slicer.util.updateSegmentBinaryLabelmapFromArray(held * outside, node, segment_id, volume_node)
