"""What a person painted on planes that we wrote on, too: around their strokes, or structures that they left out.

There the voxels of a plane do not tell whose they are. So what was the user's is kept beside the content that the
plane had before and after our write. Any other content is the user's as a whole: they changed it.
"""

from __future__ import annotations

import base64
import zlib
from collections.abc import Mapping, Sequence

import numpy as np

from .painted import without_removed

# As many as contents of other planes, see `painted`; what is forgotten counts as painted by the user.
_REMEMBERED = 12

# Contents of one plane, each with the packed masks of the user's voxels by segment ID.
Remembered = list[tuple[str, dict[str, str]]]


def pack(labels: np.ndarray, segment_ids: Sequence[str], *, rows_reversed: bool = False) -> dict[str, str]:
    """The labels of one plane, uint8 (rows, columns), as text by segment ID."""
    rows = labels[:: -1 if rows_reversed else 1]
    masks = {one: rows == number for number, one in enumerate(segment_ids, start=1)}
    return {one: _packed(mask) for one, mask in masks.items() if mask.any()}


def unpack(
    packed: Mapping[str, str], shape: tuple[int, int], segment_ids: Sequence[str], *, rows_reversed: bool = False
) -> np.ndarray:
    """The reverse of `pack`, numbered by these segments; of others nothing is left."""
    labels = np.zeros(shape, np.uint8)
    for number, one in enumerate(segment_ids, start=1):
        if one in packed:
            labels[_unpacked(packed[one], shape)] = number
    return labels[:: -1 if rows_reversed else 1]


def _packed(mask: np.ndarray) -> str:
    return base64.b64encode(zlib.compress(np.packbits(mask).tobytes(), 9)).decode("ascii")


def _unpacked(text: str, shape: tuple[int, int]) -> np.ndarray:
    bits = np.frombuffer(zlib.decompress(base64.b64decode(text)), np.uint8)
    return np.unpackbits(bits, count=shape[0] * shape[1]).reshape(shape).astype(bool)


def remembered(by_hand: Mapping[int, Remembered], plane: int, content: str, segment_ids: Sequence[str]):
    """The packed labels of the user on a plane that holds this content, or None where all of it is theirs, or nobody's.

    As `painted.PlaneContents` does, segments that were removed since are left out of the comparison.
    """
    for known, packed in reversed(by_hand.get(plane, ())):
        if without_removed(known, segment_ids) == content:
            return packed
    return None


def remember(by_hand: dict[int, Remembered], plane: int, contents: Sequence[str], packed: dict[str, str]) -> None:
    """From now on these contents of a plane are the user's in these voxels only."""
    kept = [one for one in by_hand.get(plane, ()) if one[0] not in contents]
    by_hand[plane] = [*kept, *((content, packed) for content in dict.fromkeys(contents))][-_REMEMBERED:]
