"""What is lost in a gap between two planes on which a structure is known: the law behind `cover`.

    python Testing/benchmarks/cover_loss.py ../shared/data

DATA is a folder of cases, each with image.nii.gz and label.nii.gz. Of each structure that has 8 planes or more,
signed distances are interpolated linearly between every two planes, and beyond every plane to its end (the cap of an
ellipsoid), every `--step`-th pixel in both directions. Half of the wrong voxels over the structure's volume is the
Dice that this gap costs. Printed by the width of the gap as a share of the structure's length: means over structures,
then data sets, of gaps between two planes and of those at an end, where the structure tapers and where the scan cuts
it off, beside what `gap_losses` says.
"""

from __future__ import annotations

import argparse
from collections import defaultdict
from pathlib import Path

import numpy as np
from cover import data_set_of, folders_of, load

EDGES = np.array([0.0, 0.05, 0.1, 0.15, 0.2, 0.3, 0.4, 0.5, 0.7])


def gaps_of(mask: np.ndarray, spacing_mm, step: int):
    """(first, second, lost): each gap by its planes, counted from the plane before the first one."""
    from SparseAnnotateLib.distances import signed_distance_mm

    length = len(mask)
    shown = np.flatnonzero(mask.any(axis=(1, 2)))
    maps = {int(plane): signed_distance_mm(mask[plane], spacing_mm[1:]) for plane in shown}
    radius = {plane: float(one.max()) for plane, one in maps.items()}
    nearest = [int(shown[np.abs(shown - plane).argmin()]) for plane in range(length)]
    # A plane without the structure is as far outside as it is large on the nearest plane that shows it.
    some = [maps.get(plane, np.full(mask.shape[1:], -radius[near], np.float32)) for plane, near in enumerate(nearest)]
    flat = np.stack([one[::step, ::step].ravel() for one in some])
    truth = mask[:, ::step, ::step].reshape(length, -1)
    volume = max(1, truth.sum())
    for one in range(length):
        for other in range(one + 2, length):
            share = ((np.arange(one + 1, other) - one) / (other - one))[:, None]
            wrong = (flat[one] * (1 - share) + flat[other] * share > 0) != truth[one + 1 : other]
            yield one + 1, other + 1, wrong.sum() / 2 / volume
        for end, planes in ((-1, np.arange(one)), (length, np.arange(one + 1, length))):
            share = (planes - one) / (end - one)
            cap = radius.get(one, 0.0) * (1 - np.sqrt(1 - share**2))
            wrong = (flat[one] - cap[:, None] > 0) != truth[planes]
            if len(planes):
                yield min(one, end) + 1, max(one, end) + 1, wrong.sum() / 2 / volume


def collect(folder: Path, step: int, found) -> None:
    from SparseAnnotateLib.distances import bounding_box
    from SparseAnnotateLib.selectors.cover.coverage import gap_losses

    volume, labels, classes = load(folder)
    for one in classes:
        mask = labels == one.value
        box = bounding_box(mask, 0)
        length = box[0].stop - box[0].start
        if length < 8:
            continue
        cut = box[0].start == 0, box[0].stop == len(labels)
        expected = gap_losses(length, cut)
        sums = defaultdict(list)
        for first, second, lost in gaps_of(mask[box], volume.spacing_mm, step):
            at_end = cut[0] if first == 0 else cut[1] if second == length + 1 else None
            kind = {None: "between", False: "tapering end", True: "cut end"}[at_end]
            place = int(np.searchsorted(EDGES, (second - first) / (length + 1)))
            if place < len(EDGES):
                sums[kind, place].append((lost, expected[first, second]))
        for key, values in sums.items():
            found[key][data_set_of(folder.name)].append(np.mean(values, axis=0))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path)
    parser.add_argument("--cases", nargs="+", metavar="CASE", help="names of folders; by default all")
    parser.add_argument("--step", type=int, default=4, help="pixels")
    given = parser.parse_args()
    found = defaultdict(lambda: defaultdict(list))
    for folder in folders_of(given.data, given.cases):
        collect(folder, given.step, found)
    print("| gap | between | expected | tapering end | expected | cut end | expected |\n|---|---|---|---|---|---|---|")
    for place in range(1, len(EDGES)):
        cells = [f"{EDGES[place - 1]:g} to {EDGES[place]:g}"]
        for kind in ("between", "tapering end", "cut end"):
            sets = [np.mean(values, axis=0) for values in found[kind, place].values()]
            cells += [f"{number:.4f}" for number in np.mean(sets, axis=0)] if sets else ["", ""]
        print("| " + " | ".join(cells) + " |")


if __name__ == "__main__":
    main()
