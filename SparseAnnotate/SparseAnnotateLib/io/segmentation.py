"""Slicer's ``.seg.nrrd``: which segment is which value in which layer, with its name, colour and tags.

Keys as Slicer writes them: https://slicer.readthedocs.io/en/latest/developer_guide/modules/segmentations.html
"""

from __future__ import annotations

import logging
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from ..errors import InputError
from ..label_map import MAXIMUM_CLASSES, LabelClass
from .headers import decoded, nrrd_texts_with_zeros

if TYPE_CHECKING:
    import SimpleITK

_log = logging.getLogger(__name__)

# What `describe` writes anew, because it follows from the labels.
_DERIVED = ("Name", "Color", "LabelValue", "Layer", "Extent")


@dataclass(frozen=True)
class Segment:
    """One segment of a file: `value` in `layer` are its voxels."""

    name: str
    layer: int
    value: int
    color: tuple[float, float, float] | None
    details: dict[str, str]


def read_segments(image: SimpleITK.Image, header: bytes | None = None) -> list[Segment]:
    """The segments that an image's header names, in their order; none for a plain label map."""
    zeros = nrrd_texts_with_zeros(header or b"")
    fields: dict[int, dict[str, str]] = {}
    for key in image.GetMetaDataKeys():
        match = re.fullmatch(r"Segment(\d+)_(\w+)", key)
        if match:
            fields.setdefault(int(match[1]), {})[match[2]] = zeros.get(key) or _as_text(image.GetMetaData(key))
    _refuse_fractions(image)
    layered = image.GetNumberOfComponentsPerPixel() > 1
    return [_segment(position, fields[number], layered) for position, number in enumerate(sorted(fields))]


def _as_text(text: str) -> str:
    """SimpleITK keeps bytes that are no UTF-8 as surrogates, which cannot be written again; they are Latin-1 then."""
    return decoded(text.encode("utf-8", "surrogateescape"))


def _refuse_fractions(image: SimpleITK.Image) -> None:
    for key in ("Segmentation_MasterRepresentation", "Segmentation_SourceRepresentation"):
        if image.HasMetaDataKey(key) and image.GetMetaData(key).startswith("Fractional"):
            raise InputError("the segmentation holds fractions, not labels: convert it to a binary labelmap in Slicer")


def _segment(position: int, fields: dict[str, str], layered: bool) -> Segment:
    # Before Slicer 4.11 every segment had a layer of its own, with the value 1, and neither was written.
    layer = fields.get("Layer", str(position if layered else 0))
    value = fields.get("LabelValue", "1")
    name = fields.get("Name") or fields.get("ID") or f"segment {position}"
    if not (layer.isdecimal() and value.isdecimal() and int(value) > 0):
        raise InputError(
            f"the segment {name} has layer {layer!r} and value {value!r}: save the segmentation in Slicer again"
        )
    details = {key: text for key, text in fields.items() if key not in _DERIVED}
    return Segment(name, int(layer), int(value), _color(fields.get("Color", "")), details)


def _color(text: str) -> tuple[float, float, float] | None:
    try:
        red, green, blue = (float(part) for part in text.split())
    except ValueError:
        return None
    return red, green, blue


def flatten(array: np.ndarray, segments: Sequence[Segment], source: str) -> tuple[np.ndarray, tuple[LabelClass, ...]]:
    """All layers in one label map; where segments overlap the later one wins, as in Slicer's export, with a warning.

    Parameters
    ----------
    array : ndarray of unsigned integers, shape (k, j, i) or (k, j, i, layers)
    source : what the warning names

    Returns
    -------
    labels : ndarray, shape (k, j, i)
        Values of the classes. A segment keeps its value unless an earlier one, of another layer, has it.
    classes : one for each segment, in their order
    """
    if len(segments) > MAXIMUM_CLASSES:
        raise InputError(f"the segmentation holds {len(segments)} segments, at most {MAXIMUM_CLASSES} can be handled")
    layers = array[..., None] if array.ndim == 3 else array
    _check_places(segments, layers.shape[-1])
    ranks = np.zeros(layers.shape[:3], np.uint8)
    overlaps = strangers = 0
    for layer in range(layers.shape[-1]):
        lookup = np.zeros(int(layers[..., layer].max(initial=0)) + 1, np.uint8)
        for rank, segment in enumerate(segments, 1):
            if segment.layer == layer and segment.value < len(lookup):
                lookup[segment.value] = rank
        for part, merged in zip(layers[..., layer], ranks, strict=True):
            found = lookup[part]
            overlaps += np.count_nonzero(found[merged > 0])
            strangers += np.count_nonzero(part) - np.count_nonzero(found)
            np.maximum(merged, found, out=merged)
    if overlaps:
        _log.warning("%s: segments overlap on %d voxels; there the later segment was taken", source, overlaps)
    if strangers:
        _log.warning("%s: %d voxels belong to no segment and were taken as background", source, strangers)
    classes = _classes(segments)
    values = np.array([0, *(one.value for one in classes)])
    return values.astype(np.min_scalar_type(int(values.max())))[ranks], classes


def _check_places(segments: Sequence[Segment], layers: int) -> None:
    seen: dict[tuple[int, int], str] = {}
    for segment in segments:
        place = (segment.layer, segment.value)
        if segment.layer >= layers:
            raise InputError(
                f"the segment {segment.name} lies in layer {segment.layer} of {layers}: the file is incomplete"
            )
        if place in seen:
            raise InputError(
                f"the segments {seen[place]} and {segment.name} share one value: save them in Slicer again"
            )
        seen[place] = segment.name


def _classes(segments: Sequence[Segment]) -> tuple[LabelClass, ...]:
    taken = {segment.value for segment in segments}
    used: set[int] = set()
    classes = []
    for segment in segments:
        value = segment.value
        if value in used:
            value = next(free for free in range(1, len(taken) + 2) if free not in taken)
            taken.add(value)
        used.add(value)
        classes.append(LabelClass(value, segment.name, segment.color, segment.details))
    return tuple(classes)


def describe(classes: Sequence[LabelClass], size: tuple[int, int, int]) -> dict[str, str]:
    """The header entries of a segmentation in one layer; `size` is that of its grid, in the order i, j, k."""
    extent = " ".join(f"0 {length - 1}" for length in size)
    entries = {
        "Segmentation_ContainedRepresentationNames": "Binary labelmap|",
        "Segmentation_MasterRepresentation": "Binary labelmap",
        "Segmentation_ReferenceImageExtentOffset": "0 0 0",
    }
    for number, one in enumerate(classes):
        color = one.color or _default_color(number)
        fields = {
            "ID": f"Segment_{number + 1}",
            "NameAutoGenerated": "0",
            "ColorAutoGenerated": "0",
            "Tags": "",
            **one.details,
        }
        fields |= {"Name": one.name, "Color": " ".join(f"{part:g}" for part in color)}
        fields |= {"LabelValue": str(one.value), "Layer": "0", "Extent": extent}
        entries |= {f"Segment{number}_{key}": " ".join(text.splitlines()) for key, text in fields.items()}
    return entries


def _default_color(number: int) -> tuple[float, float, float]:
    """Well-told-apart hues: each a golden section further round the circle."""
    import colorsys

    return colorsys.hsv_to_rgb((number * 0.61803399) % 1.0, 0.65, 0.9)
