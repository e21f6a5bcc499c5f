"""Partly painted masks (Martin 2022): what a quarter of every mask gone costs, and which loss copes with it.

    python Testing/benchmarks/partial_painting.py ../shared/data --results partial.jsonl

Of every structure on every painted plane one of five areas is erased: the quarter of its pixels that lies furthest
towards one of the four corners, or nearest to its centre. Which one is drawn by chance, on every plane anew, or with
``--area same`` once for each structure, as whoever always leaves the same part out does. Then

* ``whole``: nothing is erased; what a network could reach
* ``ce``: what is gone counts as background, as for whoever does not know that planes are painted in part
* ``pbce``, ``mbce``: only what is painted is known (and that outside the structures' range there is nothing)
* ``mbce+box``: and that nothing lies outside a box around all structures, 5 voxels wider
* ``mbce+boxes``: and outside such a box on every painted plane by itself
* ``dice+ce``: as ``mbce``, with the default loss on what is known
* ``untrained``: as ``mbce``, before the first step: what interpolating the completed outlines gives

Dice is that of the planes that nobody painted: on the painted ones ``ce`` may not repair what was erased.
"""

from __future__ import annotations

import argparse
import functools
import sys
from dataclasses import replace

import numpy as np
from network_trials import Trial, add_arguments, run_all, table
from predictors import Case
from SparseAnnotateLib.annotation import SparseAnnotation

ERASED_SHARE = 0.25
BOX_MARGIN = 5

CASES = (
    "MSD_hippocampus_056",
    "TPTBox_vertebra_CT",
    "ProtonLung_0004",
    "PROMISE12_demo0",
    "TotalSeg_example_ct_sm",
    "OpenKBP_pt_60",
    "FetalAtlas_SB_GA25_operated",
    "BRATS2015_pat0003",
)


def erased_as_background(case: Case, seed: int, same: bool = False) -> SparseAnnotation:
    """A quarter of every mask is gone, and the planes are said to be complete."""
    annotation = case.annotation
    labels, rng = annotation.labels.copy(), np.random.default_rng(seed)
    always = rng.integers(5, size=annotation.class_count + 1)
    for plane in annotation.painted_planes:
        for number in np.unique(labels[plane])[1:]:
            area = always[number] if same else rng.integers(5)
            labels[plane][_erased_area(labels[plane] == number, area)] = 0
    return replace(annotation, labels=labels)


def _erased_area(mask: np.ndarray, area: int) -> tuple[np.ndarray, np.ndarray]:
    rows, columns = np.nonzero(mask)
    down, right = rows - rows.mean(), columns - columns.mean()
    areas = (down + right, down - right, right - down, -down - right, down**2 + right**2)
    order = np.argsort(areas[area], kind="stable")[: int(ERASED_SHARE * len(rows))]
    return rows[order], columns[order]


def erased_as_unknown(case: Case, seed: int, same: bool = False) -> SparseAnnotation:
    """The same quarter is gone, and only what carries a label is certain."""
    return erased_as_background(case, seed, same).with_partly_painted(case.annotation.painted_planes)


def with_one_box(case: Case, seed: int, same: bool = False) -> SparseAnnotation:
    """Somebody drew a box around all structures of the volume."""
    first, last = _box_around(case.reference)
    first[0], last[0] = 0, len(case.reference) - 1
    return erased_as_unknown(case, seed, same).with_box(first.tolist(), last.tolist())


def with_a_box_a_plane(case: Case, seed: int, same: bool = False) -> SparseAnnotation:
    """Somebody drew a box around the structures of every painted plane."""
    annotation = erased_as_unknown(case, seed, same)
    known = annotation.known.copy()
    for plane in annotation.painted_planes:
        if case.reference[plane].any():
            outside = np.ones(known.shape[1:], bool)
            (top, left), (bottom, right) = _box_around(case.reference[plane])
            outside[top : bottom + 1, left : right + 1] = False
            known[plane] |= outside
    return replace(annotation, known=known)


def _box_around(labels: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    where = np.argwhere(labels)
    return np.maximum(where.min(0) - BOX_MARGIN, 0), np.minimum(where.max(0) + BOX_MARGIN, np.array(labels.shape) - 1)


ARMS = {
    "ce": ("ce", erased_as_background),
    "mbce": ("mbce", erased_as_unknown),
    "mbce+box": ("mbce", with_one_box),
    "pbce": ("pbce", erased_as_unknown),
    "mbce+boxes": ("mbce", with_a_box_a_plane),
    "dice+ce": ("dice+ce", erased_as_unknown),
    "untrained": ("mbce", erased_as_unknown),
}

# Two steps that move nothing.
UNTRAINED = {"steps": "2", "learning_rate": "1e-12"}


def trials(same: bool, prior: str) -> list[Trial]:
    """All arms; their names say what differs from areas drawn anew and the default prior."""
    suffix = " same" * same + f" prior={prior}" * (prior != "shape")
    made = [
        Trial(
            name + suffix,
            "unet",
            {"loss": loss, "prior": prior, **(UNTRAINED if name == "untrained" else {})},
            functools.partial(annotate, same=same),
        )
        for name, (loss, annotate) in ARMS.items()
    ]
    return [*made, Trial("whole" + suffix.replace(" same", ""), "unet", {"loss": "ce", "prior": prior})]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    add_arguments(parser, CASES)
    parser.add_argument(
        "--area", choices=("each", "same"), default="each", help="drawn on each plane, or once a structure"
    )
    parser.add_argument(
        "--prior", choices=("shape", "none"), default="shape", help="none: the network alone, as the paper"
    )
    arguments = parser.parse_args()
    only = arguments.only.split(",") if arguments.only else [*ARMS, "whole"]
    chosen = [trial for trial in trials(arguments.area == "same", arguments.prior) if trial.name.split()[0] in only]
    rows = run_all(arguments, chosen)
    baseline = chosen[0].name
    sys.stdout.write(table(rows, chosen, "dice_unpainted", baseline) + "\n")
    sys.stdout.write(
        "\nlabelled voxels over those of the reference:\n" + table(rows, chosen, "voxels", baseline) + "\n"
    )


if __name__ == "__main__":
    main()
