"""What looks at the image, on the processor or a GPU."""

from __future__ import annotations

from ...volume import Volume
from ..memory import Memory
from .flow import AdjacentFlow
from .images import Images
from .patches import PatchSearch

# A direct search as wide as 4 pixels decided nothing better (13 predictions of 7 data sets: .0000), and took half as
# long again.
SEARCH_RADIUS_PIXELS = 3


def tools_of(
    volume: Volume, region: tuple[slice, slice], device: str, fine: bool, memory: Memory | None
) -> tuple[Images, AdjacentFlow, PatchSearch]:
    """What looks at the image; on a GPU where `device` is ``cuda``."""
    if device != "cuda":
        images = Images(volume, region, memory)
        return images, AdjacentFlow(images, fine, memory), PatchSearch(images, SEARCH_RADIUS_PIXELS)
    from .accelerated import TorchFlow, TorchImages, TorchPatchSearch

    images = TorchImages(volume, region, device)
    return images, TorchFlow(images, fine), TorchPatchSearch(images, SEARCH_RADIUS_PIXELS)
