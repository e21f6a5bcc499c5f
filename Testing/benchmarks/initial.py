"""Starting from a rough segmentation: `predict --initial` against pasting corrections in, and `guided` alone.

    python Testing/benchmarks/initial.py ../shared/data --results initial.jsonl [--cases A,B] [--errors large,shifted]

Rough segmentations are made up from the reference, in ways that programs are wrong:

* ``large``, ``small``: every outline 2 pixels too far out, or 1.5 too far in
* ``shifted``: 3 pixels to the side
* ``wandering``: outlines that move by up to 3 pixels, smoothly along the plane and over three planes
* ``leaking``: a ball as large as a structure, beside it, is taken for it
* ``missing``: a ball at its border is cut out of every structure
* ``ends``: a sixth of the planes is missing at one end, and as many are too many at the other

1, 2, 3, 5 and 10 % of the planes are corrected, evenly spaced; the range of the reference is known to all. Dice is over
all planes, the mean over structures.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
import zlib
from dataclasses import replace
from pathlib import Path

import numpy as np
from predictors import Case, load_case
from SparseAnnotateLib.distances import signed_distance_mm
from SparseAnnotateLib.evaluation.simulation.expert import SimulatedExpert
from SparseAnnotateLib.initial import Initial
from SparseAnnotateLib.predictors import PREDICTORS, run
from SparseAnnotateLib.predictors.initial import predicted_from

FRACTIONS = (0.01, 0.02, 0.03, 0.05, 0.10)
CASES = (
    "MSD_hippocampus_056",
    "ACDC_patient002_cineMR",
    "CMR_bSSFP_02_heart",
    "PROMISE12_demo0",
    "STS003_sarcoma_MRT1",
    "CHAOS_MRT2_1_abdomen",
    "OpenKBP_pt_60",
)


def made_rough(reference: np.ndarray, kind: str, rng: np.random.Generator) -> np.ndarray:
    """A rough segmentation (uint8) as a program that is wrong in one way would give it."""
    if kind == "shifted":
        return np.roll(reference, (2, 2), axis=(1, 2))
    if kind == "ends":
        return _other_ends(reference)
    if kind in ("leaking", "missing"):
        return _with_balls(reference, kind, rng)
    offsets = {"large": 2.0, "small": -1.5, "wandering": 0.0}[kind]
    moved = np.full(reference.shape, offsets, np.float32)
    if kind == "wandering":
        moved = _smooth_noise(reference.shape, rng, along=3, size=12) * 1.5 - 0.5
    return _moved(reference, moved)


def _smooth_noise(shape, rng, along: float, size: float) -> np.ndarray:
    from scipy import ndimage

    noise = ndimage.gaussian_filter(rng.standard_normal(shape, np.float32), (along / 2, size, size))
    return noise / noise.std()


def _moved(reference: np.ndarray, pixels: np.ndarray) -> np.ndarray:
    """Each outline moved outwards by so many pixels; where two meet, who reaches deeper."""
    best, winner = np.zeros(reference.shape, np.float32), np.zeros(reference.shape, np.uint8)
    for number in np.unique(reference)[1:]:
        for plane in np.flatnonzero((reference == number).any(axis=(1, 2))):
            value = signed_distance_mm(reference[plane] == number, (1.0, 1.0)) + pixels[plane]
            wins = value > best[plane]
            best[plane][wins], winner[plane][wins] = value[wins], number
    return winner


def _with_balls(reference: np.ndarray, kind: str, rng) -> np.ndarray:
    """For each structure a ball at its border, with two thirds of its inscribed radius: added beside, or cut out."""
    rough = reference.copy()
    planes = np.arange(len(reference))[:, None, None]
    rows, columns = (np.arange(n) for n in reference.shape[1:])
    for number in np.unique(reference)[1:]:
        mask = reference == number
        border = np.argwhere(mask & ~np.roll(mask, 1, axis=2))
        middle = border[rng.integers(len(border))]
        radius = max(2.0, float(np.sqrt(mask.sum(axis=(1, 2)).max() / np.pi)) * 0.6)
        depth = max(1.5, 0.2 * mask.any(axis=(1, 2)).sum())
        ball = ((planes - middle[0]) / depth) ** 2 + (
            ((rows - middle[1]) / radius)[:, None] ** 2 + ((columns - middle[2]) / radius) ** 2
        ) < 1
        if kind == "missing":
            rough[ball & mask] = 0
        else:
            rough[ball & (reference == 0)] = number
    return rough


def _other_ends(reference: np.ndarray) -> np.ndarray:
    rough = np.zeros_like(reference)
    for number in np.unique(reference)[1:]:
        mask = reference == number
        shown = np.flatnonzero(mask.any(axis=(1, 2)))
        count = max(1, len(shown) // 6)
        mask[shown[:count]] = False
        for plane in range(shown[-1] + 1, min(len(reference), shown[-1] + 1 + count)):
            mask[plane] = mask[shown[-1]]
        rough[mask] = number
    return rough


KINDS = ("large", "small", "shifted", "wandering", "leaking", "missing", "ends")


def load(folder: Path, count: int) -> Case:
    """A case of which `count` planes were corrected, evenly spaced; its ends were clicked."""
    case = load_case(folder, 0.01)
    first, last = case.annotation.plane_range
    length = last - first + 1
    planes = [int(np.floor(first + (n + 0.5) * length / count)) for n in range(count)]
    expert = SimulatedExpert(case.reference, None)
    return replace(case, annotation=replace(expert.paint(planes), classes=case.annotation.classes))


def counts_of(folder: Path) -> dict[int, list[float]]:
    """Numbers of corrected planes, and the fractions that they stand for."""
    first, last = load_case(folder, 0.01).annotation.plane_range
    found: dict[int, list[float]] = {}
    for fraction in FRACTIONS:
        found.setdefault(max(1, round(fraction * (last - first + 1))), []).append(fraction)
    return found


def rough_of(name: str, reference: np.ndarray, kind: str) -> np.ndarray:
    """The same at every call."""
    return made_rough(reference, kind, np.random.default_rng(zlib.crc32(f"{name} {kind}".encode())))


def measure(folder: Path, kinds, results) -> None:
    """Every number of corrected planes, every kind of rough segmentation; a line of JSON each."""
    for count, fractions in counts_of(folder).items():
        case = load(folder, count)
        alone = run(PREDICTORS.create("guided"), case.volume, case.annotation).labels
        for kind in kinds:
            rough = rough_of(case.name, case.reference, kind)
            pasted = np.where(case.annotation.known, case.annotation.labels, rough)
            initial = Initial(rough, case.annotation.classes)
            started = time.perf_counter()
            steps = predicted_from(PREDICTORS.create("guided"), case.volume, case.annotation, initial)
            prediction = list(steps)[-1]
            line = {
                "case": case.name,
                "kind": kind,
                "planes": count,
                "fractions": fractions,
                "rough": case.dice(rough),
                "pasted": case.dice(pasted),
                "guided": case.dice(alone),
                "initial": case.dice(prediction.labels),
                "expected": prediction.expected_dice,
                "seconds": round(time.perf_counter() - started, 2),
            }
            results.write(json.dumps(line) + "\n")
            results.flush()


def table(lines: list[dict]) -> str:
    """Means over cases and kinds for each fraction of corrected planes, and the worst against the better of two."""
    out = ["| corrected | rough | pasted in | `guided` alone | from it | better of two | worst | expected - true |"]
    out.append("|---" * 8 + "|")
    for fraction in FRACTIONS:
        chosen = [line for line in lines if fraction in line["fractions"]]
        out.append(_row(f"{fraction:.0%}", chosen))
    out += ["", out[0].replace("corrected", "wrong in"), out[1]]
    out += [_row(kind, [line for line in lines if line["kind"] == kind]) for kind in KINDS]
    out += ["", out[0].replace("corrected", "case"), out[1]]
    cases = dict.fromkeys(line["case"] for line in lines)
    out += [_row(case, [line for line in lines if line["case"] == case]) for case in cases]
    return "\n".join(out)


def _row(name: str, lines: list[dict]) -> str:
    columns = [np.array([line[key] for line in lines]) for key in ("rough", "pasted", "guided", "initial")]
    gains = columns[3] - np.maximum(columns[1], columns[2])
    bias = np.array([line["expected"] - line["initial"] for line in lines])
    cells = [f"{column.mean():.3f}" for column in columns]
    cells += [f"{gains.mean():+.3f}", f"{gains.min():+.3f}", f"{bias.mean():+.3f} ± {bias.std():.3f}"]
    return f"| {name} ({len(lines)}) | " + " | ".join(cells) + " |"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path)
    parser.add_argument("--cases", default=",".join(CASES))
    parser.add_argument("--errors", default=",".join(KINDS))
    parser.add_argument("--results", type=Path, required=True, help="lines of JSON, added to what is there")
    arguments = parser.parse_args()
    with arguments.results.open("a") as results:
        for case in filter(None, arguments.cases.split(",")):
            measure(arguments.data / case, arguments.errors.split(","), results)
    sys.stdout.write(table([json.loads(line) for line in arguments.results.read_text().splitlines()]) + "\n")


if __name__ == "__main__":
    main()
