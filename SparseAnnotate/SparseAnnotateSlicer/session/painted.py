"""Which planes the user painted, told from what the planes hold.

A plane counts as painted when it holds anything else than what it held unpainted: nothing, or what we wrote. Nothing
depends on having watched the user: strokes of any tool, scripts, the editor's undo and a saved scene are all the same.
A plane that the user paints voxel for voxel as we predicted it therefore counts as ours, until it is marked.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Collection, Iterable
from functools import lru_cache

import numpy as np

from ..scene.segments import SegmentLayers

# 48 bits: one plane in 10^14 that changed would be taken for unchanged.
_DIGEST_BYTES = 6
# More than the editor's undo reaches back; what is forgotten counts as painted, which is the safe side.
_REMEMBERED = 12
NOTHING = ""


def contents_of(layers: SegmentLayers, *, rows_reversed: bool = False) -> list[str]:
    """What each plane holds, in a few letters: "" for nothing, else a digest a segment.

    It does not depend on layers, extents, label values or the order of segments. For `rows_reversed` see `mirrored`.
    """
    step = -1 if rows_reversed else 1
    return [_content(layers, plane, step) for plane in range(layers.shape[0])]


def _content(layers: SegmentLayers, plane: int, step: int) -> str:
    masks = layers.masks(plane)
    digests = {_digest(segment_id.encode()): _digest(np.packbits(mask[::step])) for segment_id, mask in masks}
    return " ".join(f"{segment}:{digests[segment]}" for segment in sorted(digests))


def _digest(content) -> str:
    digest = hashlib.blake2b(content, digest_size=_DIGEST_BYTES).digest()
    return base64.urlsafe_b64encode(digest).decode("ascii")


def without_removed(content: str, segment_ids: Collection[str]) -> str:
    """A content of earlier times as it reads now that some segments are gone."""
    present = _digests(tuple(segment_ids))
    return " ".join(part for part in content.split(" ") if part.partition(":")[0] in present)


@lru_cache(maxsize=32)
def _digests(segment_ids: tuple[str, ...]) -> frozenset[str]:
    return frozenset(_digest(segment_id.encode()) for segment_id in segment_ids)


class PlaneContents:
    """What each plane may hold without being painted: nothing, and whatever stood there before and after our writes.

    Before as well as after, so that the editor's undo and redo of our writes, of which nobody tells us, change nothing.

    Parameters
    ----------
    known : contents by plane, beside nothing; shared with the session's state, which is saved
    """

    def __init__(self, known: dict[int, list[str]]):
        self._known = known

    def is_unpainted(self, plane: int, content: str, segment_ids: Collection[str]) -> bool:
        """Whether a plane that holds this is as nobody painted it."""
        if content == NOTHING:
            return True
        return any(without_removed(one, segment_ids) == content for one in self._known.get(plane, ()))

    def add(self, planes: Iterable[int], contents: list[str]) -> None:
        """From now on these contents of these planes do not count as painted."""
        for plane in planes:
            known = self._known.setdefault(plane, [])
            if contents[plane] != NOTHING and contents[plane] not in known:
                known.append(contents[plane])
                del known[:-_REMEMBERED]
