"""Damaged DICOM files are refused in a sentence, whatever is wrong; our own mistakes are not called damage."""

import copy

import numpy as np
import pytest
from dicom_files import write_enhanced, write_series, write_structure_set
from image_files import ramp
from SparseAnnotateLib import InputError
from SparseAnnotateLib.annotation import LabelClass
from SparseAnnotateLib.io import read_image, read_labels, write_labels
from SparseAnnotateLib.io.dicom import frames, headers, segmentation, structures
from SparseAnnotateLib.io.dicom.damage import told

pydicom = pytest.importorskip("pydicom", reason="pydicom is not installed")

SCAN = ramp((6, 7, 9))
RECTANGLE = [[-12 + 0.5 * i, 30.75 + 0.75 * j, 10.0] for i, j in ((0, 0), (5, 0), (5, 4), (0, 4))]


@pytest.fixture
def volume(tmp_path):
    return read_image(write_series(tmp_path / "scan", SCAN), "k")


@pytest.fixture
def readers(tmp_path, volume):
    """Files of every kind, and what reads each."""
    pytest.importorskip("highdicom", reason="highdicom is not installed")
    numbers = np.zeros(SCAN.shape, np.uint8)
    numbers[1:5, 2:6, 1:5] = 1
    write_labels(tmp_path / "seg.dcm", numbers, volume, (LabelClass(1, "liver", (0.8, 0.5, 0.4)),))
    write_structure_set(tmp_path / "rs.dcm", {"liver": [np.array(RECTANGLE)]})
    write_enhanced(tmp_path / "enhanced.dcm", SCAN, factors=[(1, 0)] * 5 + [(2, 1)])
    return {
        tmp_path / "seg.dcm": lambda path: read_labels(path, volume),
        tmp_path / "rs.dcm": lambda path: read_labels(path, volume),
        tmp_path / "enhanced.dcm": read_image,
        tmp_path / "scan" / "IM0003.dcm": lambda path: read_image(path.parent),
    }


def elements(dataset, path=()):
    """Every attribute once, with the way to it through the first items of sequences."""
    for element in dataset:
        yield path, element.tag
        if element.VR == "SQ" and element.value:
            yield from elements(element.value[0], (*path, element.tag))


def deleted(dataset, tag):
    del dataset[tag]


def emptied(dataset, tag):
    dataset[tag].value = {"SQ": [], "OW": b"", "OB": b""}.get(dataset[tag].VR)


def replaced(dataset, tag):
    dataset[tag] = pydicom.DataElement(tag, "LO", "abc")


def doubled(dataset, tag):
    value = dataset[tag].value
    if dataset[tag].VR not in ("SQ", "OW", "OB"):
        dataset[tag].value = [*(value if isinstance(value, list | pydicom.multival.MultiValue) else [value])] * 2


def said_by(read, file):
    """The sentence that a file is refused with; nothing where it is read."""
    try:
        read(file)
    except InputError as error:
        return str(error)
    return ""


@pytest.mark.parametrize("change", [deleted, emptied, replaced, doubled])
def test_every_attribute_may_be_wrong(readers, change):
    refused = 0
    for file, read in readers.items():
        whole = file.read_bytes()
        dataset = pydicom.dcmread(file)
        for path, tag in elements(dataset):
            changed = copy.deepcopy(dataset)
            inner = changed
            for step in path:
                inner = inner[step].value[0]
            with headers.quiet():
                change(inner, tag)
                changed.save_as(file)
            said = said_by(read, file)
            assert "\n" not in said
            refused += bool(said)
        file.write_bytes(whole)
        read(file)
    assert refused > 20


def test_it_may_be_cut_anywhere(readers):
    for file, read in readers.items():
        whole = file.read_bytes()
        for end in range(140, len(whole) - 60, len(whole) // 23):
            file.write_bytes(whole[:end])
            with pytest.raises(InputError):
                read(file)
        file.write_bytes(whole)


def test_a_damaged_slice_is_named_and_not_left_out(tmp_path):
    folder = write_series(tmp_path / "scan", SCAN)
    file = folder / "IM0006.dcm"
    file.write_bytes(file.read_bytes()[:300])
    with pytest.raises(InputError, match=r"IM0006\.dcm cannot be read \(.*\), it may be damaged or truncated"):
        read_image(folder)


@pytest.mark.parametrize("error", [TypeError, ValueError, KeyError, AttributeError, IndexError, RuntimeError])
@pytest.mark.parametrize(
    ("module", "name", "file"),
    [
        (segmentation, "_put", "seg.dcm"),
        (segmentation, "_label_class", "seg.dcm"),
        (structures, "_fill", "rs.dcm"),
        (structures, "_described", "rs.dcm"),
        (frames, "frame_place", "enhanced.dcm"),
        (frames, "_factors", "enhanced.dcm"),
        (headers, "_header", "IM0003.dcm"),
    ],
)
def test_our_own_mistakes_are_not_called_damage(readers, monkeypatch, module, name, file, error):
    def mistaken(*_):
        raise error("a mistake of ours")

    monkeypatch.setattr(module, name, mistaken)
    path = next(one for one in readers if one.name == file)
    with pytest.raises(error, match="a mistake of ours"):
        readers[path](path)


def test_what_pydicom_says_is_in_the_sentence():
    with pytest.raises(InputError, match=r"^x\.dcm cannot be read \(.*Rows.*\), it may be damaged"), told("x.dcm"):
        pydicom.Dataset().Rows  # noqa: B018
