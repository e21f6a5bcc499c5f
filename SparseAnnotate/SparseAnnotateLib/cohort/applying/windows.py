"""A network slid over a scan that is larger than what it sees at once."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

import numpy as np

from ...learning.attention.training import Blend
from ...learning.inference import View, seen_through
from ...learning.memory import autocast, with_fitting_batch
from ...learning.patches import tile_weight, tiles

if TYPE_CHECKING:
    from torch import Tensor, nn

# With a single window torch leaves oneDNN, and takes 10 times as long (learning.attention.training); GPUs take more.
_AT_ONCE = {"cpu": 2, "cuda": 4}


def window_size(shape: Sequence[int], block: Sequence[int], stride: Sequence[int]) -> tuple[int, int, int]:
    """The block that the network has learnt from, no larger than the scan is, in multiples of the network's stride."""
    return tuple(-(-min(b, size) // s) * s for size, b, s in zip(shape, block, stride, strict=True))


def slid(
    network: nn.Module,
    image: np.ndarray,
    window: tuple[int, int, int],
    channels: int,
    device: str,
    overlap: float = 0.5,
    views: Sequence[View] = (View(),),
) -> Iterator[np.ndarray]:
    """Probabilities of an image plane by plane, from overlapping windows that fade out towards their sides.

    Memory: the sums of as many planes as a window has.

    Parameters
    ----------
    network : gives a tuple of logits, its heads; in eval mode, on `device`
    image : float16 (planes, rows, columns), normalised
    channels : of the network's input; beyond the image they hold 0
    overlap : share of a window that lies in the next one
    views : of which the mean is taken

    Yields
    ------
    float32 (heads, structures + 1, rows, columns), as many as the image has planes
    """
    pad = [(0, max(0, side - length)) for length, side in zip(image.shape, window, strict=True)]
    padded = np.pad(image, pad, mode="edge")
    rows, columns = image.shape[1:]
    waiting = Blend(padded.shape[1:], window[0])
    weight = tile_weight(window)
    places = sorted(tiles(padded.shape, window, overlap), key=lambda place: place[0].start)
    given = 0
    for place, heads in _outputs(network, padded, places, channels, device, views):
        for _, blended in waiting.release(place[0].start):
            given += blended.shape[2]
            yield from np.moveaxis(blended[..., :rows, :columns], 2, 0)
        waiting.add(place, heads, weight)
    for _, blended in waiting.release(len(padded)):
        yield from np.moveaxis(blended[..., :rows, :columns], 2, 0)[: len(image) - given]


def _outputs(network, image, places, channels: int, device: str, views):
    """Each place with float32 (heads, structures + 1, planes, rows, columns), in their order."""
    at_once, done = _AT_ONCE.get(device, 2), 0
    while done < len(places):
        heads, at_once = with_fitting_batch(
            lambda count, first=done: _heads(network, image, places[first : first + count], channels, device, views),
            at_once,
            device,
        )
        chunk = places[done : done + len(heads)]
        yield from zip(chunk, heads, strict=True)
        done += len(chunk)


def _heads(network, image: np.ndarray, places: list, channels: int, device: str, views) -> np.ndarray:
    """float32 (places, heads, structures + 1, planes, rows, columns), the mean over views."""
    import torch

    # The last one may be alone: seen twice it is still faster.
    seen = np.stack([image[place] for place in (places * 2 if len(places) == 1 else places)])[:, None]
    images = torch.from_numpy(seen.astype(np.float32)).to(device)
    if channels > 1:
        images = torch.cat([images, images.new_zeros(len(images), channels - 1, *images.shape[2:])], 1)
    total = 0
    with torch.inference_mode():
        for view in views:
            shown = _turned(images, view).contiguous(memory_format=torch.channels_last_3d)
            with autocast(device):
                heads = network(shown)
            probabilities = [_turned(torch.softmax(logits.float(), 1), view, back=True) for logits in heads]
            total = total + torch.stack(probabilities, 1)
    return (total / len(views)).cpu().numpy()[: len(places)]


def _turned(images: Tensor, view: View, *, back: bool = False) -> Tensor:
    """Images (batch, channels, planes, rows, columns) as a view shows each of their planes."""
    flat = images.reshape(len(images), -1, *images.shape[3:])
    return seen_through(flat, view, back=back).reshape(images.shape)
