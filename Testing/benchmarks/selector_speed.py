"""The similarity selectors against the naive way: every pair of planes given to scikit-image, or to lpips.

    python Testing/benchmarks/selector_speed.py IMAGE --axis k              both matrices, against a sample of pairs
    python Testing/benchmarks/selector_speed.py IMAGE --axis k --growth 50 100 200 400
    python Testing/benchmarks/selector_speed.py IMAGE --axis k --whole      whole selections of 15 planes
    python Testing/benchmarks/selector_speed.py --synthetic 600 512 512 --only ssim     peak memory
    python Testing/benchmarks/selector_speed.py --cover 600 20 60           planes, structures, suggestions of cover

IMAGE is anything that the program reads, or planes in a .npy file. The naive way is timed on `--pairs` pairs spread
over all and multiplied up, on the same planes, in the same run, on the same device. `perceptual` finds AlexNet as the
selector does (SPARSEANNOTATE_WEIGHTS, torch hub's cache, download).
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from SparseAnnotateLib import SELECTORS, LabelClass, SparseAnnotation, Volume
from SparseAnnotateLib.device import resolve_device
from SparseAnnotateLib.selectors.lpips_matrix import lpips_matrix, robust_window, windowed
from SparseAnnotateLib.selectors.ssim.matrix import ssim_matrix


@dataclass(frozen=True)
class Contest:
    """A matrix of ours, and the value of one pair as others compute it."""

    name: str
    matrix: Callable[[np.ndarray], np.ndarray]
    pair: Callable[[np.ndarray, np.ndarray], float]


def ssim_contest(planes: np.ndarray, device: str) -> Contest:
    from skimage.metrics import structural_similarity

    data_range = float(planes.max()) - float(planes.min())
    return Contest(
        "ssim",
        lambda stack: ssim_matrix(stack, data_range, device),
        lambda one, other: structural_similarity(one, other, data_range=data_range),
    )


def perceptual_contest(planes: np.ndarray, device: str) -> Contest:
    import torch
    from SparseAnnotateLib.learning.pretrained.weights import ALEXNET, load

    weights, window = load(ALEXNET), robust_window(planes)
    model = naive_lpips(weights).to(device)

    def pair(one: np.ndarray, other: np.ndarray) -> float:
        with torch.inference_mode():
            colored = [torch.from_numpy(windowed(p, window)).to(device).expand(1, 3, -1, -1) for p in (one, other)]
            return model(*colored).item()

    return Contest("perceptual", lambda stack: lpips_matrix(stack, window, weights, device), pair)


def naive_lpips(weights):
    """The package's own network, with AlexNet from the file that was found instead of a download of its own."""
    import lpips
    import torchvision

    network = torchvision.models.alexnet(weights=None)
    network.load_state_dict(weights, strict=False)
    original = torchvision.models.alexnet
    torchvision.models.alexnet = lambda **_: network
    try:
        return lpips.LPIPS(net="alex", verbose=False)
    finally:
        torchvision.models.alexnet = original


CONTESTS = {"ssim": ssim_contest, "perceptual": perceptual_contest}


def timed(function: Callable, *arguments):
    start = time.perf_counter()
    result = function(*arguments)
    return time.perf_counter() - start, result


def compare(contest: Contest, planes: np.ndarray, pairs: int) -> None:
    """One line: both times, the ratio, and the largest difference on the pairs that were timed."""
    contest.matrix(planes[:8])  # imports, kernels and caches are warm on both sides
    contest.pair(planes[0], planes[1])
    seconds, matrix = timed(contest.matrix, planes)
    count = len(planes)
    rows, columns = np.triu_indices(count, 1)
    sample = np.linspace(0, len(rows) - 1, min(pairs, len(rows))).astype(int)
    naive_seconds, values = timed(lambda: [contest.pair(planes[rows[n]], planes[columns[n]]) for n in sample])
    naive_seconds *= len(rows) / len(sample)
    difference = np.abs(matrix[rows[sample], columns[sample]] - values).max()
    report(
        f"{contest.name:<10} {count} planes of {planes.shape[1]}x{planes.shape[2]}: ours {seconds:.2f} s, pairwise "
        f"{naive_seconds:.0f} s (from {len(sample)} of {len(rows)} pairs), {naive_seconds / seconds:.0f} times, "
        f"largest difference {difference:.1e}"
    )


def grow(contest: Contest, planes: np.ndarray, counts: list[int]) -> None:
    """One line for each number of planes; the volume's planes are spread, or repeated, to that number."""
    contest.matrix(planes[:8])
    for count in counts:
        stack = planes[np.linspace(0, len(planes) - 1, count).round().astype(int)]
        report(f"{contest.name:<10} {count:4d} planes: {timed(contest.matrix, stack)[0]:.2f} s")


def select_all(planes: np.ndarray, device: str) -> None:
    """One line for each selector that needs an image alone: the time of `select`, warm."""
    volume, annotation = Volume.from_array(planes), SparseAnnotation.unpainted(planes.shape)
    for name in ("random", "keep-n", "block", "histogram", "kmeans", "ssim", "perceptual"):
        options = {"device": device} if name in CONTESTS else {}
        selector = SELECTORS.create(name, options)
        small = Volume.from_array(planes[:20]), SparseAnnotation.unpainted(planes[:20].shape)
        selector.select(*small, 3, np.random.default_rng(0))
        seconds, chosen = timed(selector.select, volume, annotation, 15, np.random.default_rng(0))
        report(f"{name:<10} {seconds:.2f} s: planes {' '.join(str(suggestion.plane) for suggestion in chosen)}")


def peak_memory_gb() -> float:
    import resource

    # Linux counts in kB, macOS in bytes.
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024) / 1e9


def report(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


def read_planes(arguments: argparse.Namespace) -> np.ndarray:
    if arguments.synthetic:
        return np.random.default_rng(0).standard_normal(arguments.synthetic, dtype=np.float32)
    if arguments.image.suffix == ".npy":
        return np.load(arguments.image).astype(np.float32)
    from SparseAnnotateLib.io import read_image

    return read_image(arguments.image, axis=arguments.axis).intensities


def time_cover(length: int, structures: int, count: int) -> None:
    """Seconds of `cover` with the ranges of all structures clicked: the best and the median of nine, both clocks."""
    import time

    rng = np.random.default_rng(0)
    classes = [LabelClass(number, f"structure {number}") for number in range(1, structures + 1)]
    ends = {one.value: tuple(sorted(rng.choice(length, 2, replace=False).tolist())) for one in classes}
    annotation = SparseAnnotation.unpainted((length, 8, 8), classes).with_class_ranges(ends)
    volume = Volume.from_array(np.zeros(annotation.labels.shape, np.float32))
    clocks = []
    for _ in range(9):
        before = time.perf_counter(), time.process_time()
        suggested = SELECTORS.create("cover").select(volume, annotation, count, rng)
        clocks.append((time.perf_counter() - before[0], time.process_time() - before[1]))
    for name, seconds in zip(("by the clock", "of the processor"), np.array(clocks).T, strict=True):
        report(f"{len(suggested)} planes: {seconds.min():.3f} s {name}, median {np.median(seconds):.3f} s")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("image", nargs="?", type=Path)
    parser.add_argument("--axis", default="auto")
    parser.add_argument("--synthetic", nargs=3, type=int, metavar=("PLANES", "ROWS", "COLUMNS"), help="noise instead")
    parser.add_argument("--cover", nargs=3, type=int, metavar=("PLANES", "STRUCTURES", "SUGGESTIONS"))
    parser.add_argument("--growth", nargs="+", type=int, metavar="PLANES")
    parser.add_argument("--whole", action="store_true", help="time whole selections")
    parser.add_argument("--only", choices=CONTESTS)
    parser.add_argument("--device", default="auto")
    parser.add_argument("--pairs", type=int, default=60)
    arguments = parser.parse_args()
    if arguments.cover:
        time_cover(*arguments.cover)
        return
    if (arguments.image is None) == (arguments.synthetic is None):
        parser.error("give an image or --synthetic")
    device, planes = resolve_device(arguments.device), read_planes(arguments)
    if arguments.whole:
        select_all(planes, device)
        return
    for name in [arguments.only] if arguments.only else CONTESTS:
        contest = CONTESTS[name](planes, device)
        if arguments.growth:
            grow(contest, planes, arguments.growth)
        elif arguments.synthetic:
            report(f"{name:<10} {planes.shape}: {timed(contest.matrix, planes)[0]:.1f} s")
        else:
            compare(contest, planes, arguments.pairs)
    report(f"device {device}, peak memory {peak_memory_gb():.2f} GB")


if __name__ == "__main__":
    main()
