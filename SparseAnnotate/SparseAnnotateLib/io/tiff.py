"""TIFF stacks: ImageJ's and OME's hyperstacks, tiled, 1-bit and 64-bit files.

tifffile tells planes from channels and times, which ITK's reader takes for planes; it reads every sample type, tiles,
and finds where a file ends early. What it cannot decompress without the package imagecodecs, Pillow reads.
"""

from __future__ import annotations

import contextlib
import logging
import lzma
import math
import struct
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from ..errors import InputError, require
from .found import Found, as_itk_type
from .itk import captured_stderr
from .resolution import spacing_mm

if TYPE_CHECKING:
    import tifffile

_log = logging.getLogger(__name__)

# The last three are names of BigTIFF, which bioformats and others write.
SUFFIXES = (".tif", ".tiff", ".btf", ".tf2", ".tf8")

_NAMES = {"C": "channels", "T": "times", "S": "colours"}
# ImageJ composes at most 7 channels. tifffile calls the planes of a plain array channels when it writes for ImageJ or
# OME and is not told better, so a longer stack of channels alone is one of planes.
_MOST_CHANNELS = 7
# TIFF's numbers of compressions that change values: JPEG old and new, and lossy DNG.
_LOSSY = (6, 7, 99, 33007, 34892)
# Those that may: JPEG 2000, JPEG XL, JPEG XR, WebP and LERC, whose files do not say in one place whether they did.
_PERHAPS_LOSSY = (33003, 33004, 33005, 34712, 50002, 52546, 22610, 34934, 34927, 50001, 34887)
_MIN_IS_WHITE, _PALETTE = 0, 3
# What numpy and the decoders of the standard library raise on damaged bytes.
_DECODING_ERRORS = (ValueError, TypeError, OSError, LookupError, RuntimeError, ArithmeticError, struct.error)
_DECODING_ERRORS += (zlib.error, lzma.LZMAError)


def is_tiff(path: Path) -> bool:
    """Whether a name is one of a TIFF file."""
    return path.suffix.lower() in SUFFIXES


def read_stack(path: Path, channel: int | None = None, *, labels: bool = False) -> Found:
    """Read a stack of planes.

    Parameters
    ----------
    channel : which of several channels, times or colours to take, from 0
    labels : refuse what is compressed with loss

    Raises
    ------
    InputError
        Where it is no stack of one number a voxel, is damaged, or cannot be decompressed.
    """
    with _opened(path) as tif:
        series = _only_series(path, tif)
        if labels:
            _refuse_lossy(path, series[0])
        axes, shape = _axes(series)
        planes, extra = _planes_and_extra(path, axes, shape, channel, labels)
        _check_display(path, tif, series[0].keyframe, labels)
        _check_negative(path, [one.keyframe for one in series], labels)
        array = _grey(path, tif, series).reshape(shape)
        spacing = spacing_mm(tif, series[0])
    if extra is not None:
        array = np.take(array, channel, extra)
        axes = axes[:extra] + axes[extra + 1 :]
        planes -= planes > extra
    array = array.transpose(planes, axes.index("Y"), axes.index("X"))
    return Found(as_itk_type(array, path), spacing, files=(path,))


def read_plane(path: Path, *, labels: bool = False) -> np.ndarray:
    """One plane that has a file of its own, as it is stored, shape (rows, columns); raises as `read_stack`."""
    with _opened(path) as tif:
        series = _only_series(path, tif)
        axes, shape = _axes(series)
        if labels:
            _refuse_lossy(path, series[0])
        if "S" in axes:
            raise InputError(f"{path} is a colour image: save it in grey")
        if np.prod(shape) > shape[axes.index("Y")] * shape[axes.index("X")]:
            raise InputError(f"{path} holds a stack of its own: give that file, or a folder of single slices")
        _check_display(path, tif, series[0].keyframe, labels)
        return _grey(path, tif, series).reshape(shape[axes.index("Y")], shape[axes.index("X")])


def pixel_spacing_mm(path: Path) -> tuple[float | None, float | None]:
    """The distance between columns and rows that a file states."""
    with _opened(path) as tif:
        return spacing_mm(tif, tif.series[0])[:2]


class _Complaints(logging.Handler):
    """tifffile goes on with the pages before the damage and only logs it."""

    def __init__(self):
        super().__init__(logging.ERROR)
        self.found = False

    def emit(self, record: logging.LogRecord) -> None:
        self.found = True
        _log.debug("%s", record.getMessage())


@contextlib.contextmanager
def _opened(path: Path) -> Iterator[tifffile.TiffFile]:
    tifffile = require("tifffile", extra=None, purpose="reading TIFF")
    logger, complaints = logging.getLogger("tifffile"), _Complaints()
    propagate, logger.propagate = logger.propagate, False
    logger.addHandler(complaints)
    try:
        with captured_stderr(), tifffile.TiffFile(path) as tif:
            yield tif
        damaged = complaints.found
    except InputError:
        if not complaints.found:
            raise
        damaged = True
    except (*_DECODING_ERRORS, tifffile.TiffFileError) as error:
        raise InputError(_damaged(path)) from error
    finally:
        logger.removeHandler(complaints)
        logger.propagate = propagate
    if damaged:
        raise InputError(_damaged(path))


def _damaged(path: Path) -> str:
    return f"{path} is no TIFF, or is damaged or truncated: get a fresh copy of it"


def _only_series(path: Path, tif: tifffile.TiffFile) -> list:
    """The one image of a file; as several where each plane was written as an image of its own."""
    series = [one for one in tif.series if not one.keyframe.is_reduced] or list(tif.series)
    alike = all(one.axes == "YX" and one.shape == series[0].shape and one.dtype == series[0].dtype for one in series)
    if len(series) > 1 and not alike:
        what = f"{len(series)} images that do not form one stack ({_difference(series)})"
        raise InputError(f"{path} holds {what}: save one as a file of its own")
    if series[0].kind == "ome" and any(page is None for page in series[0].pages):
        raise InputError(f"{path} is a part of a set of OME files: put the others beside it, or save it as one file")
    return series


def _difference(series: list) -> str:
    odd = next((one for one in series if one.shape != series[0].shape), None)
    if odd is not None:
        return " and ".join("x".join(str(n) for n in reversed(one.shape)) for one in (series[0], odd))
    odd = next((one for one in series if one.dtype != series[0].dtype), series[1])
    return f"{series[0].dtype} and {odd.dtype}" if odd.dtype != series[0].dtype else f"each {series[0].axes}"


def _stored_axes(series: list) -> tuple[str, tuple[int, ...]]:
    axes, shape = series[0].axes, tuple(series[0].shape)
    return (axes, shape) if len(series) == 1 else ("I" + axes, (len(series), *shape))


def _axes(series: list) -> tuple[str, tuple[int, ...]]:
    """Letters and lengths of the axes, without transparency, and channels and times of which there is one."""
    axes, shape = _stored_axes(series)
    dropped = "S" if _is_transparent(series[0].keyframe) else ""
    kept = [
        number for number, letter in enumerate(axes) if letter in "ZYX" or (shape[number] > 1 and letter not in dropped)
    ]
    return "".join(axes[number] for number in kept), tuple(shape[number] for number in kept)


def _planes_and_extra(
    path: Path, axes: str, shape: tuple[int, ...], channel: int | None, labels: bool
) -> tuple[int, int | None]:
    """Which axis of the array is that of the planes, and which one `channel` counts along."""
    others = [number for number, letter in enumerate(axes) if letter not in "YX"]
    if not {"X", "Y"} <= set(axes):
        raise InputError(f"{path} has the axes {axes}, which are no planes: save it as a stack of planes")
    if not others or (len(others) == 1 and axes[others[0]] == "S"):
        raise InputError(f"{path} is a 2-D image: give a volume, or the folder that holds all slices")
    planes = [number for number in others if axes[number] == "Z"]
    planes = planes or [number for number in others if axes[number] not in _NAMES]
    if len(others) == 1 and axes[others[0]] == "C" and shape[others[0]] > _MOST_CHANNELS:
        _log.warning("%s calls its %d planes channels: they are taken as planes", path, shape[others[0]])
        planes = others
    what = " x ".join(f"{shape[number]} {_NAMES.get(axes[number], 'planes')}" for number in others)
    if len(planes) != 1:
        advice = "save one volume of it, with its planes as slices (Fiji: Image > Properties)"
        raise InputError(f"{path} holds {what} of {shape[axes.index('X')]}x{shape[axes.index('Y')]} pixels: {advice}")
    extra = [number for number in others if number not in planes]
    if len(extra) > 1:
        raise InputError(f"{path} holds {what}: save one channel at one time and give that")
    if not extra:
        if channel not in (None, 0):
            raise InputError(f"{path} holds one channel only: there is no channel {channel}")
        return planes[0], None
    name = _NAMES.get(axes[extra[0]], "frames")
    if channel is None:
        choice = "" if labels else ", or choose one with --channel N"
        raise InputError(f"{path} holds {what}: save one of the {name} and give that{choice}")
    if not 0 <= channel < shape[extra[0]]:
        raise InputError(f"{path} holds {shape[extra[0]]} {name}, numbered from 0: there is no number {channel}")
    return planes[0], extra[0]


def _refuse_lossy(path: Path, series) -> None:
    if int(series.keyframe.compression) in _LOSSY:
        raise InputError(f"{path} is compressed with JPEG, which changes labels: save it without, as LZW or plain")
    if int(series.keyframe.compression) in _PERHAPS_LOSSY:
        name = series.keyframe.compression.name
        raise InputError(f"{path} is compressed with {name}, which may change labels: save it without, as LZW or plain")


def _is_transparent(page) -> bool:
    """Whether the samples of a pixel are grey and transparency."""
    return page.samplesperpixel == 2 and tuple(int(one) for one in page.extrasamples) in ((1,), (2,))


def _grey(path: Path, tif: tifffile.TiffFile, series: list) -> np.ndarray:
    """The values, without a transparency that is the same all over."""
    array = _decoded(path, tif, series)
    if not _is_transparent(series[0].keyframe):
        return array
    array = np.moveaxis(array, _stored_axes(series)[0].index("S"), -1)
    if (array[..., 1] != array[..., 1].flat[0]).any():
        raise InputError(f"{path} is transparent in parts, whose grey is not known: save it without transparency")
    return array[..., 0]


def _check_display(path: Path, tif: tifffile.TiffFile, page, labels: bool) -> None:
    """Refuse an image of numbers that stand for colours, and say where a file asks to be shown turned.

    The table of ImageJ's images only colours what is grey.
    """
    table = page.colormap
    if not labels and not tif.is_imagej and page.photometric == _PALETTE and table is not None:
        grey = (table == table[0]).all() and (np.diff(table[0].astype(np.int64)) >= 0).all()
        if not grey:
            raise InputError(f"{path} holds numbers of colours (a palette): save it in grey")
    if "Orientation" in page.tags and page.tags["Orientation"].value not in (0, 1):
        turned = int(page.tags["Orientation"].value)
        _log.warning("%s asks to be shown turned (Orientation %d): it is taken as it is stored", path, turned)


def _check_negative(path: Path, pages: list, labels: bool) -> None:
    """Say that high numbers are to be shown dark; refuse it of some planes only. Of single bits it says nothing."""
    negative = [page.photometric == _MIN_IS_WHITE for page in pages if page.bitspersample > 1]
    if labels or not any(negative):
        return
    if not all(negative):
        raise InputError(f"{path} holds negatives and others, so their grey values do not compare: save all alike")
    _log.warning("%s is a negative (0 stands for white): its numbers are taken as they are stored", path)


def _decoded(path: Path, tif: tifffile.TiffFile, series: list) -> np.ndarray:
    _refuse_short(path, tif)
    try:
        arrays = [one.asarray() for one in series]
    except (KeyError, ValueError, ImportError) as error:
        if "imagecodecs" not in str(error) and not isinstance(error, ImportError):
            raise
        return _decoded_by_pillow(path, tif, series)
    return arrays[0] if len(arrays) == 1 else np.stack(arrays)


def _refuse_short(path: Path, tif: tifffile.TiffFile) -> None:
    """Pages whose bytes lie beyond the end of the file: tifffile leaves some of them zero."""
    size = tif.filehandle.size
    for page in tif.pages:
        ends = (offset + count for offset, count in zip(page.dataoffsets, page.databytecounts, strict=False))
        if max(ends, default=0) > size:
            raise InputError(_damaged(path))


def _decoded_by_pillow(path: Path, tif: tifffile.TiffFile, series: list) -> np.ndarray:
    from PIL import Image, UnidentifiedImageError

    key = series[0].keyframe
    save = f"{path} is compressed with {key.compression.name}: pip install imagecodecs, or save it uncompressed"
    if key.dtype not in (np.bool_, np.uint8, np.uint16) or key.samplesperpixel > 1:
        raise InputError(save)
    shape, pages = _stored_axes(series)[1], []
    try:
        with Image.open(path) as image:
            for number in range(len(tif.pages)):
                image.seek(number)
                pages.append(np.asarray(image))
    except UnidentifiedImageError as error:
        raise InputError(save) from error
    array = np.stack(pages)
    if array.dtype != key.dtype or array.size != math.prod(shape):
        raise InputError(save)
    # Pillow shows small samples as a screen would; what counts is what is stored.
    if key.photometric == 0 and key.dtype != np.uint16:
        array = ~array
    return array.reshape(shape)
