"""Starting from a rough segmentation: `predict --initial` against pasting corrections in, and `guided` alone.

    python Testing/benchmarks/rough_segmentations.py ../shared ROUGH
    python Testing/benchmarks/initial.py ../shared/data --rough ROUGH --results rows.jsonl [--cases A,B] [--kinds ...]

Real rough segmentations (``registered``, ``network``, ``intensity``) are made by `rough_segmentations.py`; others are
made up from the reference, in ways that programs are wrong:

* ``large``, ``small``: every outline 2 pixels too far out, or 1.5 too far in
* ``shifted``: 3 pixels to the side
* ``wandering``: outlines that move by up to 3 pixels, smoothly along the plane and over three planes
* ``leaking``: a ball as large as a structure, beside it and into its neighbours, is taken for it
* ``missing``: a ball at its border is cut out of every structure
* ``ends``: a sixth of the planes is missing at one end, and as many are too many at the other
* ``swapped``: the two structures most alike in size and place, such as left and right, are taken for each other

1, 2, 3, 5 and 10 % of the planes are corrected, evenly spaced; the range of the reference is known to all. Dice is over
all planes, the mean over structures. Rows that are there are not measured again. In the tables every data set counts as
much as another; a data set is what stands before the first underscore of a case's name.
"""

from __future__ import annotations

import argparse
import itertools
import json
import pickle
import sys
import zlib
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
from rough_segmentations import INTENSITY, NETWORKS, REGISTERED
from SparseAnnotateLib.annotation import SparseAnnotation
from SparseAnnotateLib.distances import signed_distance_mm
from SparseAnnotateLib.evaluation.simulation.expert import SimulatedExpert
from SparseAnnotateLib.io import read_image, read_labels
from SparseAnnotateLib.metrics import confusion_per_plane, dice_from_confusion
from SparseAnnotateLib.predictors import PREDICTORS, run
from SparseAnnotateLib.predictors.initial import joined, within_ranges
from SparseAnnotateLib.quality.expected import with_expected_quality
from SparseAnnotateLib.volume import Volume

FRACTIONS = (0.01, 0.02, 0.03, 0.05, 0.10)
# The constants were chosen on these, each data set judged without itself; on the others nothing was.
CHOSEN_ON = (
    "ACDC",
    "CHAOS",
    "CMR",
    "FetalAtlas",
    "LA2018",
    "MSD",
    "OpenKBP",
    "PROMISE12",
    "ProtonLung",
    "SCT",
    "STS003",
)
CHOSEN_ON += ("TPTBox", "TotalSeg", "MNI152")
REAL = ("registered", "network", "intensity")


def made_rough(reference: np.ndarray, kind: str, rng: np.random.Generator) -> np.ndarray:
    """A rough segmentation (uint8) as a program that is wrong in one way would give it."""
    if kind == "shifted":
        return np.roll(reference, (2, 2), axis=(1, 2))
    if kind == "ends":
        return _other_ends(reference)
    if kind == "swapped":
        return _swapped(reference)
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
            rough[ball & (reference != number)] = number
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


def _swapped(reference: np.ndarray) -> np.ndarray:
    """The two structures most alike in size and plane, farthest apart across, taken for each other."""
    numbers = np.unique(reference)[1:]
    if len(numbers) < 2:
        return reference.copy()
    size = {n: np.count_nonzero(reference == n) for n in numbers}
    plane = {n: np.argwhere(reference == n)[:, 0].mean() for n in numbers}

    def unlike(a: int, b: int) -> float:
        return abs(np.log(size[a] / size[b])) + abs(plane[a] - plane[b]) / len(reference)

    a, b = min(itertools.combinations(numbers, 2), key=lambda pair: unlike(*pair))
    other = np.arange(256, dtype=np.uint8)
    other[[a, b]] = b, a
    return other[reference]


KINDS = ("large", "small", "shifted", "wandering", "leaking", "missing", "ends", "swapped")


def load(data: Path, case: str) -> tuple[Volume, SimulatedExpert]:
    name, _, other = case.partition(":")
    volume = read_image(data / name / "image.nii.gz", axis="k")
    return volume, SimulatedExpert(read_labels(data / name / f"{other or 'label'}.nii.gz", volume).labels)


def corrected(expert: SimulatedExpert, count: int) -> SparseAnnotation:
    """`count` planes corrected, evenly spaced; the ends were clicked."""
    first, last = expert.plane_range
    length = last - first + 1
    return expert.paint([int(np.floor(first + (n + 0.5) * length / count)) for n in range(count)])


def counts_of(expert: SimulatedExpert, fractions: Sequence[float]) -> dict[int, list[float]]:
    """Numbers of corrected planes, and the fractions that they stand for."""
    first, last = expert.plane_range
    found: dict[int, list[float]] = {}
    for fraction in fractions:
        found.setdefault(max(1, round(fraction * (last - first + 1))), []).append(fraction)
    return found


def rough_of(name: str, reference: np.ndarray, kind: str) -> np.ndarray:
    """The same at every call."""
    return made_rough(reference, kind, np.random.default_rng(zlib.crc32(f"{name} {kind}".encode())))


def roughs_of(
    case: str, kinds: list[str], volume: Volume, expert: SimulatedExpert, folder: Path
) -> Iterator[tuple[str, np.ndarray]]:
    """Kinds and rough segmentations (class numbers): real ones where there are any, then made-up ones."""
    numbers = np.zeros(256, np.uint8)
    for number, one in enumerate(expert.classes, start=1):
        numbers[one.value] = number
    for kind in kinds:
        path = folder / kind / f"{case}.nii.gz"
        if kind in REAL:
            if path.exists():
                yield kind, numbers[read_labels(path, volume).labels]
        elif not (kind == "swapped" and len(expert.classes) == 1):
            yield kind, rough_of(case, expert.reference, kind)


def mean_dice(reference: np.ndarray, labels: np.ndarray, count: int) -> float:
    confusion = confusion_per_plane(labels, reference, count).sum(axis=0, keepdims=True)
    return float(np.nanmean(dice_from_confusion(confusion)))


def guided_alone(guided, volume: Volume, annotation: SparseAnnotation, kept: Path | None):
    """What `guided` makes of the corrected planes alone; read from the file `kept` where that is there."""
    if kept is not None and kept.exists():
        alone = pickle.loads(kept.read_bytes())
    else:
        alone = run(guided, volume, annotation)
        if kept is not None:
            kept.parent.mkdir(parents=True, exist_ok=True)
            kept.write_bytes(pickle.dumps(alone))
    return with_expected_quality(alone, annotation, volume.spacing_mm, "guided", volume.intensities)


def measure(
    data: Path,
    rough_folder: Path,
    case: str,
    kinds: list[str],
    done: set,
    results,
    kept: Path | None,
    fractions: Sequence[float] = FRACTIONS,
) -> None:
    """Every number of corrected planes, every kind of rough segmentation; a line of JSON each."""
    volume, expert = load(data, case)
    truth, count = expert.reference, len(expert.classes)
    roughs = list(roughs_of(case, kinds, volume, expert, rough_folder))
    for planes, of_them in counts_of(expert, fractions).items():
        left = [(kind, rough) for kind, rough in roughs if (case, kind, planes) not in done]
        if not left:
            continue
        annotation = corrected(expert, planes)
        guided = PREDICTORS.create("guided", {"keep_probabilities": True})
        alone = guided_alone(guided, volume, annotation, kept and kept / f"{case}__{planes}.pickle")
        of_guided = mean_dice(truth, alone.labels, count)
        for kind, rough in left:
            prediction = joined(guided, volume, annotation, within_ranges(rough, annotation), alone)
            pasted = np.where(annotation.known, annotation.labels, rough)
            line = {
                "case": case,
                "kind": kind,
                "planes": planes,
                "fractions": of_them,
                "rough": mean_dice(truth, rough, count),
                "pasted": mean_dice(truth, pasted, count),
                "guided": of_guided,
                "initial": mean_dice(truth, prediction.labels, count),
                "expected": prediction.expected_dice,
                "interval": prediction.expected_dice_interval,
                **of_planes(prediction, truth, annotation),
            }
            results.write(json.dumps(line) + "\n")
            results.flush()


def of_planes(prediction, truth: np.ndarray, annotation: SparseAnnotation) -> dict[str, float]:
    """Predicted planes: how many have an expected Dice, its bias, and how many true ones lie in the interval."""
    dice = dice_from_confusion(confusion_per_plane(prediction.labels, truth, annotation.class_count))
    told = prediction.expected_dice_per_plane
    planes = [p for p in annotation.unpainted_planes if np.isfinite(told[p]) and np.isfinite(dice[p]).any()]
    true = np.array([np.nanmean(dice[p]) for p in planes])
    low, high = prediction.expected_dice_interval_per_plane[planes].T
    return {
        "planes_told": len(planes),
        "plane_bias": float((told[planes] - true).mean()) if planes else 0.0,
        "planes_inside": int(((low <= true) & (true <= high)).sum()),
    }


def table(lines: list[dict]) -> str:
    """Means over data sets for each fraction of corrected planes, and the worst against the better of two."""
    head = (
        "rough | pasted in | `guided` alone | from it | better of two | worst | below -.02 | expected - true | in 80 %"
    )
    out = []
    for title, groups in (
        ("corrected", [(f"{one:.0%}", [line for line in lines if one in line["fractions"]]) for one in FRACTIONS]),
        ("real ones", [(f"{one:.0%}", [line for line in lines if one in line["fractions"] and line["kind"] in REAL])
                       for one in FRACTIONS]),
        ("wrong in", [(kind, [line for line in lines if line["kind"] == kind]) for kind in (*REAL, *KINDS)]),
        ("data set", [(one, [line for line in lines if data_set(line) == one])
                      for one in dict.fromkeys(map(data_set, lines))]),
    ):  # fmt: skip
        out += ["", f"| {title} | {head} |", "|---" * 10 + "|"]
        out += [_row(name, chosen) for name, chosen in groups if chosen]
    return "\n".join(out[1:])


def data_set(line: dict) -> str:
    return line["case"].split("_")[0] + ("_tissue" if ":" in line["case"] else "")


def _row(name: str, lines: list[dict]) -> str:
    sets = [data_set(line) for line in lines]
    weights = np.array([1 / sets.count(one) for one in sets]) / len(set(sets))
    columns = [np.array([line[key] for line in lines]) for key in ("rough", "pasted", "guided", "initial")]
    gains = columns[3] - np.maximum(columns[1], columns[2])
    bias = np.array([line["expected"] - line["initial"] for line in lines])
    inside = [line["interval"][0] <= line["initial"] <= line["interval"][1] for line in lines]
    cells = [f"{weights @ column:.3f}" for column in columns]
    cells += [f"{weights @ gains:+.3f}", f"{gains.min():+.3f}", str(int((gains < -0.02).sum()))]
    cells += [f"{weights @ bias:+.3f} ± {bias.std():.3f}", f"{np.mean(inside):.0%}"]
    return f"| {name} ({len(lines)}) | " + " | ".join(cells) + " |"


def rows_of(path: Path) -> list[dict]:
    return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path)
    parser.add_argument("--rough", type=Path, required=True, help="folder of rough_segmentations.py")
    known = {*REGISTERED, *INTENSITY, *(case for _, _, cases in NETWORKS.values() for case in cases)}
    parser.add_argument("--cases", default=",".join(sorted(known)), help="by default those with a real rough one")
    parser.add_argument("--kinds", default=",".join((*REAL, *KINDS)))
    parser.add_argument("--fractions", default=",".join(map(str, FRACTIONS)), help="of planes that are corrected")
    parser.add_argument("--results", type=Path, required=True, help="lines of JSON, added to what is there")
    parser.add_argument(
        "--kept", type=Path, help="folder in which what guided predicts alone is kept, to be used again"
    )
    parser.add_argument(
        "--others", action="store_true", help="tables of data sets alone that no constant was chosen on"
    )
    arguments = parser.parse_args()
    done = {(line["case"], line["kind"], line["planes"]) for line in rows_of(arguments.results)}
    with arguments.results.open("a") as results:
        for case in filter(None, arguments.cases.split(",")):
            kinds, fractions = arguments.kinds.split(","), [float(one) for one in arguments.fractions.split(",")]
            measure(arguments.data, arguments.rough, case, kinds, done, results, arguments.kept, fractions)
    lines = rows_of(arguments.results)
    if arguments.others:
        lines = [line for line in lines if not line["case"].startswith(CHOSEN_ON)]
    sys.stdout.write(table(lines) + "\n")


if __name__ == "__main__":
    main()
