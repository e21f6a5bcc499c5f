"""The perceptual distance of every pair of planes, from one pass of each plane through the network.

LPIPS (Zhang et al. 2018, version 0.1 with AlexNet) is, summed over five layers, the mean over the positions of
w . (f - g)^2, where f and g are the two images' features, normalised over the channels at each position. With
sqrt(w) multiplied into the features that is a squared Euclidean distance, so all pairs follow from the features'
Gram matrix. The network runs layer by layer over all planes, and each layer by strips of rows: no layer's features of
all planes are held at once, but only what the next layer needs of them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from ..errors import require

if TYPE_CHECKING:
    from torch import Tensor

# Of 30 pixels nothing is left for AlexNet's third layer. The network learned from photographs of 224 pixels, and 512
# keeps 600 planes under 4 GB.
SMALLEST_PX, LARGEST_PX = 31, 512
# Per cent of the voxels that the window cuts off at either end: noise spikes and metal, not anatomy.
WINDOW_CUT = 0.5
_SAMPLED_VOXELS = 2_000_000

# One layer's strip of features of all planes, and the activations of planes that go through it together.
_STRIP_BYTES = 256 * 2**20
_BATCH_BYTES = 64 * 2**20
# Values of a plane whose products are added in float32 before they go on in float64.
_PRODUCTS_AT_ONCE = 2**15
_PLANES_OF_PRODUCT = 128


@dataclass(frozen=True)
class _Layer:
    """A convolution of AlexNet: its place in torchvision's state dict, and whether its output is pooled on the way."""

    index: int
    stride: int
    padding: int
    pooled: bool


_LAYERS = (
    _Layer(0, 4, 2, True),
    _Layer(3, 1, 2, True),
    _Layer(6, 1, 1, False),
    _Layer(8, 1, 1, False),
    _Layer(10, 1, 1, False),
)


def robust_window(intensities: np.ndarray) -> tuple[float, float]:
    """The intensities that become -1 and 1: the 0.5th and the 99.5th percentile, of evenly spread voxels.

    Where these are the same (a volume that is nearly all background), the lowest and the highest intensity.
    """
    step = max(1, intensities.size // _SAMPLED_VOXELS)
    low, high = np.percentile(intensities.ravel()[::step], [WINDOW_CUT, 100 - WINDOW_CUT])
    if low == high:
        low, high = intensities.min(), intensities.max()
    return float(low), float(high)


def windowed(plane: np.ndarray, window: tuple[float, float]) -> np.ndarray:
    """A plane as the network sees it: float32 in -1..1, at its own resolution if that suits the network.

    A side longer than 512 pixels shrinks the plane to that (area means); a side shorter than 31 is enlarged to it.
    """
    import cv2

    low, high = window
    if high <= low:
        scaled = np.zeros(plane.shape, np.float32)
    else:
        scaled = np.clip((plane - low) * (2 / (high - low)) - 1, -1, 1).astype(np.float32)
    shrink = min(1.0, LARGEST_PX / max(plane.shape))
    size = tuple(max(SMALLEST_PX, round(side * shrink)) for side in plane.shape)
    if size == plane.shape:
        return scaled
    method = cv2.INTER_AREA if shrink < 1 else cv2.INTER_LINEAR
    return cv2.resize(scaled, size[::-1], interpolation=method)


def lpips_matrix(
    planes: np.ndarray, window: tuple[float, float], weights: Mapping[str, Tensor], device: str = "cpu"
) -> np.ndarray:
    """LPIPS of all pairs; within 1e-4 of ``lpips.LPIPS(net="alex")`` on each pair of `windowed` planes.

    Parameters
    ----------
    planes : ndarray of float32, shape (N, rows, columns)
    window : the intensities that become -1 and 1
    weights : state dict that holds ``features.*`` of torchvision's AlexNet
    device : ``cpu``, ``cuda`` or ``mps``

    Returns
    -------
    ndarray of float64, shape (N, N), symmetric, its diagonal 0
    """
    torch = require("torch", extra="deep", purpose="the selector perceptual")
    gram = np.zeros((len(planes), len(planes)))
    # cuDNN would round to TensorFloat-32, whose 10 bits cost more than the tolerance.
    with torch.inference_mode(), torch.backends.cudnn.flags(enabled=True, allow_tf32=False):
        importance = _importance(torch)
        activations = _scaled_planes(planes, window, device, torch)
        for layer, channel_weights in zip(_LAYERS, importance, strict=True):
            kernel = [weights[f"features.{layer.index}.{part}"].to(device) for part in ("weight", "bias")]
            products, activations = _pass_layer(layer, kernel, channel_weights.to(device), activations, len(planes))
            gram += products
    squares = np.diag(gram)
    distances = np.maximum(squares[:, None] + squares - 2 * gram, 0)
    np.fill_diagonal(distances, 0)
    return distances


def _importance(torch) -> list[Tensor]:
    """How much each channel of each layer counts: the linear weights, which come with the package lpips."""
    package = require("lpips", extra="deep", purpose="the selector perceptual")
    file = Path(package.__file__).parent / "weights" / "v0.1" / "alex.pth"
    state = torch.load(file, map_location="cpu", weights_only=True)
    return [state[f"lin{number}.model.1.weight"].flatten() for number in range(len(_LAYERS))]


# Rows [first, last) of the input of planes [start, end); rows beyond the input are zeros.
_Rows = Callable[[int, int, int, int], "Tensor"]


@dataclass(frozen=True)
class _Activations:
    """What a layer reads: its size, and access to rows of planes."""

    channels: int
    height: int
    width: int
    rows: _Rows


def _scaled_planes(planes: np.ndarray, window: tuple[float, float], device: str, torch) -> _Activations:
    """The planes as lpips gives them to AlexNet: the same three times, each shifted and scaled for its colour."""
    height, width = windowed(planes[0], window).shape
    shift = torch.tensor([-0.030, -0.088, -0.188], device=device)[:, None, None]
    scale = torch.tensor([0.458, 0.448, 0.450], device=device)[:, None, None]

    def rows(start: int, end: int, first: int, last: int) -> Tensor:
        gray = np.stack([windowed(plane, window) for plane in planes[start:end]])
        colored = (torch.from_numpy(gray).to(device)[:, None] - shift) / scale
        return _with_zero_rows(colored, first, last)

    return _Activations(3, height, width, rows)


def _with_zero_rows(stack: Tensor, first: int, last: int) -> Tensor:
    from torch.nn.functional import pad

    height = stack.shape[2]
    inside = stack[:, :, max(first, 0) : min(last, height)]
    return pad(inside, (0, 0, max(-first, 0), max(last - height, 0)))


def _stored(stack: Tensor) -> _Activations:
    def rows(start: int, end: int, first: int, last: int) -> Tensor:
        return _with_zero_rows(stack[start:end], first, last)

    return _Activations(*stack.shape[1:], rows)


def _pass_layer(
    layer: _Layer, kernel: list[Tensor], importance: Tensor, given: _Activations, count: int
) -> tuple[np.ndarray, _Activations]:
    """Gram matrix of the layer's features of all planes, divided by the positions, and the next layer's input."""
    side = kernel[0].shape[-1]
    height, width = ((size + 2 * layer.padding - side) // layer.stride + 1 for size in (given.height, given.width))
    channels = len(kernel[0])
    following = _empty_following(layer, (count, channels, height, width), kernel[0])
    gram = np.zeros((count, count))
    for first, last in _strips(height, 4 * count * channels * width):
        features = kernel[0].new_empty((count, channels, last - first, width))
        # A pooled row is the largest of three rows, so that the strip's last one needs the next strip's first.
        needed = min(last + 1, height) if layer.pooled else last
        # The first layer's input is whole planes, of which a strip reads few rows: often the larger of the two.
        values = max(channels * (needed - first) * width, given.channels * given.height * given.width)
        at_once = max(1, _BATCH_BYTES // (4 * values))
        for start in range(0, count, at_once):
            end = min(start + at_once, count)
            responses = _convolve(layer, kernel, given, (start, end), (first, needed))
            _keep_for_next(layer, following, responses, start, first)
            features[start:end] = _normalised(responses[:, :, : last - first], importance)
        gram += _products(features.reshape(count, -1)) / (height * width)
        del features, responses  # before the next strip's take their place beside them
    return gram, _stored(following)


def _empty_following(layer: _Layer, shape: tuple[int, int, int, int], like: Tensor) -> Tensor:
    count, channels, height, width = shape
    if layer.pooled:
        height, width = (height - 3) // 2 + 1, (width - 3) // 2 + 1
    return like.new_empty((count, channels, height, width))


def _strips(height: int, bytes_of_row: int) -> Iterator[tuple[int, int]]:
    """Rows of the layer's output that are held at once; strips begin at even rows, as pooling does."""
    rows = max(2, _STRIP_BYTES // bytes_of_row // 2 * 2)
    # A last strip of one or two rows would have no pooled row of its own.
    starts = [start for start in range(0, height, rows) if start == 0 or height - start > 2]
    yield from zip(starts, [*starts[1:], height], strict=True)


def _convolve(
    layer: _Layer, kernel: list[Tensor], given: _Activations, planes: tuple[int, int], rows: tuple[int, int]
) -> Tensor:
    """Rows [first, last) of the layer's output after its rectifier."""
    from torch.nn.functional import conv2d

    first = rows[0] * layer.stride - layer.padding
    last = (rows[1] - 1) * layer.stride - layer.padding + kernel[0].shape[-1]
    read = given.rows(*planes, first, last)
    return conv2d(read, *kernel, stride=layer.stride, padding=(0, layer.padding)).relu_()


def _keep_for_next(layer: _Layer, following: Tensor, responses: Tensor, start: int, first: int) -> None:
    from torch.nn.functional import max_pool2d

    if layer.pooled:
        if responses.shape[2] < 3:
            return
        first //= 2
        responses = max_pool2d(responses, kernel_size=3, stride=2)
    following[start : start + len(responses), :, first : first + responses.shape[2]] = responses


def _normalised(responses: Tensor, importance: Tensor) -> Tensor:
    """Features of length 1 at each position (lpips' normalize_tensor), times the root of their channels' weights."""
    length = responses.square().sum(dim=1, keepdim=True).sqrt_().add_(1e-10)
    return responses / length * importance.clamp(min=0).sqrt()[:, None, None]


def _products(vectors: Tensor) -> np.ndarray:
    """Scalar products of all pairs of rows: float32 products over short stretches, added up in float64."""
    import torch

    count = len(vectors)
    wide = torch.float32 if vectors.device.type == "mps" else torch.float64
    total = vectors.new_zeros((count, count), dtype=wide)
    for stretch in vectors.split(_PRODUCTS_AT_ONCE, dim=1):
        for start in range(0, count, _PLANES_OF_PRODUCT):
            end = start + _PLANES_OF_PRODUCT
            total[start:end, start:] += stretch[start:end] @ stretch[start:].T
    upper = np.triu(total.cpu().numpy().astype(np.float64))
    return upper + np.triu(upper, 1).T
