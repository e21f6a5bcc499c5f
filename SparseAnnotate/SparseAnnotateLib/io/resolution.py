"""The spacing that a TIFF file states: OME's, ImageJ's, or that of the resolution tags."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import tifffile

_MILLIMETRES = {"nm": 1e-6, "um": 1e-3, "µm": 1e-3, "μm": 1e-3, "micron": 1e-3, "microns": 1e-3, "micrometer": 1e-3}
_MILLIMETRES |= {"mm": 1.0, "millimeter": 1.0, "cm": 10.0, "m": 1000.0, "inch": 25.4, "in": 25.4, '"': 25.4}
_INCH, _CENTIMETRE = 2, 3


def spacing_mm(tif: tifffile.TiffFile, series) -> tuple[float | None, float | None, float | None]:
    """Spacing along i, j, k as OME, ImageJ or the resolution tags state it."""
    if tif.is_ome:
        return _ome_spacing_mm(tif.ome_metadata)
    page = series.keyframe
    if tif.is_imagej:
        described = tif.imagej_metadata or {}
        unit = _MILLIMETRES.get(str(described.get("unit", "")).strip().replace("\\u00B5", "µ").lower())
        depth = described.get("spacing")
        i, j = (None if unit is None else _per_pixel(tag, page, unit) for tag in ("XResolution", "YResolution"))
        return i, j, _positive(depth, unit) if unit is not None and depth is not None else None
    unit = {_INCH: 25.4, _CENTIMETRE: 10.0}.get(int(page.resolutionunit))
    i, j = (None if unit is None else _per_pixel(tag, page, unit) for tag in ("XResolution", "YResolution"))
    return i, j, None


def _per_pixel(tag: str, page, unit_mm: float) -> float | None:
    if tag not in page.tags:
        return None
    numerator, denominator = page.tags[tag].value
    return _positive(denominator / numerator, unit_mm) if numerator else None


def _positive(number: float, unit_mm: float) -> float | None:
    length = abs(float(number)) * unit_mm
    return length if 0 < length < math.inf else None


def _ome_spacing_mm(text: str) -> tuple[float | None, float | None, float | None]:
    from xml.etree import ElementTree

    try:
        root = ElementTree.fromstring(text)
    except ElementTree.ParseError:
        return None, None, None
    pixels = next((node for node in root.iter() if node.tag.endswith("}Pixels") or node.tag == "Pixels"), None)
    if pixels is None:
        return None, None, None

    def along(axis: str) -> float | None:
        size, unit = pixels.get(f"PhysicalSize{axis}"), pixels.get(f"PhysicalSize{axis}Unit", "µm")
        try:
            return _positive(float(size), _MILLIMETRES[unit])
        except (TypeError, ValueError, KeyError):
            return None

    return along("X"), along("Y"), along("Z")
