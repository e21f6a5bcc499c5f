"""Tiny data sets in every layout, made by the tests."""

import json

import numpy as np
import pytest
import SimpleITK as sitk  # noqa: N813

PLANES, ROWS, COLUMNS = 12, 16, 18


def labels_of(number: int) -> np.ndarray:
    """Two boxes that lean, on planes 1 to 10; every case another one."""
    labels = np.zeros((PLANES, ROWS, COLUMNS), np.uint8)
    for plane in range(1, 11):
        start = 2 + (plane + number) // 3
        labels[plane, 3:12, start : start + 7] = 1
        labels[plane, 5:9, start + 2 : start + 5] = 2
    return labels


def image_of(number: int) -> np.ndarray:
    noise = np.random.default_rng(number).normal(0, 4, (PLANES, ROWS, COLUMNS))
    return (30.0 * labels_of(number) + noise).astype(np.float32)


def write(path, array, spacing=(1.0, 1.0, 2.0)):
    path.parent.mkdir(parents=True, exist_ok=True)
    image = sitk.GetImageFromArray(array, isVector=False)
    if array.ndim == 3:
        image.SetSpacing(spacing)
    else:
        image.SetSpacing((*spacing, 1.0))
    sitk.WriteImage(image, str(path))


def write_pair(image_path, labels_path, number):
    write(image_path, image_of(number))
    write(labels_path, labels_of(number))


@pytest.fixture
def folder_set(tmp_path):
    """Three cases, a folder each, with image.nii.gz and labels.nii.gz."""
    root = tmp_path / "cases"
    for number in range(3):
        write_pair(root / f"case{number}" / "image.nii.gz", root / f"case{number}" / "labels.nii.gz", number)
    return root


@pytest.fixture
def decathlon_set(tmp_path):
    """Two cases whose images hold two channels, the second one ten times as bright."""
    root = tmp_path / "Task99_Test"
    pairs = []
    for number in range(2):
        name = f"test_{number:03d}.nii.gz"
        image = image_of(number)
        write(root / "imagesTr" / name, np.stack([image, 10 * image]))
        write(root / "labelsTr" / name, labels_of(number))
        pairs.append({"image": f"./imagesTr/{name}", "label": f"./labelsTr/{name}"})
    description = {"labels": {"0": "background", "1": "liver", "2": "tumour"}, "training": pairs, "test": []}
    (root / "dataset.json").write_text(json.dumps(description), encoding="utf-8")
    return root


@pytest.fixture
def nnunet_set(tmp_path):
    """Two cases with two channels in files of their own, and a region that is no label."""
    root = tmp_path / "Dataset999_Test"
    for number in range(2):
        for channel in range(2):
            write(root / "imagesTr" / f"scan{number}_{channel:04d}.nii.gz", image_of(number) * (1 + 9 * channel))
        write(root / "labelsTr" / f"scan{number}.nii.gz", labels_of(number))
    description = {
        "channel_names": {"0": "T1", "1": "T2"},
        "labels": {"background": 0, "whole": [1, 2], "liver": 1, "tumour": 2},
        "numTraining": 2,
        "file_ending": ".nii.gz",
    }
    (root / "dataset.json").write_text(json.dumps(description), encoding="utf-8")
    return root


@pytest.fixture
def table_set(folder_set):
    """A table beside the folders, with names for cases and classes."""
    table = folder_set / "cases.csv"
    lines = ["image,labels,name,classes"]
    lines += [f"case{n}/image.nii.gz,case{n}/labels.nii.gz,patient {n},1=liver; 2=tumour" for n in range(3)]
    table.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return table
