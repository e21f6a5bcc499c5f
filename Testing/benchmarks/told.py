"""What is told of predictions (expected Dice, intervals, warnings), on scans and made-up volumes.

    python Testing/benchmarks/told.py predict ../shared/data -o told/
    python Testing/benchmarks/told.py fit ../shared/data -o told/

`predict` predicts once, and keeps it in OUTPUT (a file a painting), so that a run can be interrupted. `fit` prints the
constants for `quality/agreed.py` and `quality/model.py`, and how good they are on kinds and data sets that they were
not fitted on; with --again it computes anew what is known of the predictions.

Paintings: made-up volumes (made_up.py) at 5, 10 and 20 % and on three planes that lie alike in each period; the
vertebrae of TPTBox along each axis, and along k on two or three planes wherever they lie; scans along k at 5, 10 and
20 %; small scans along i and j on 3, 4 and 6 planes.
"""

from __future__ import annotations

import argparse
import json
import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from made_up import KINDS, STRANGE, made_up
from quality import evenly_spaced
from repeated import REPEATED

FRACTIONS = (0.05, 0.1, 0.2)
FEW_PLANES = (3, 4, 6)
WARNED_OF = ("vanished", "not_shown", "unknown", "unlike", "missed", "more", "less")
# Of scans that are predicted along i and j: the largest file, and the fewest voxels along each axis.
_SMALL_BYTES, _LEAST_VOXELS = 1_000_000, 24


@dataclass
class Scan:
    """A volume with its truth and its paintings (name to planes).

    `source` is "scan", "made up" or "strange"; `group` is what is left out when it is judged: a data set, or a kind.
    """

    source: str
    group: str
    name: str
    image: np.ndarray
    truth: np.ndarray
    spacing_mm: tuple[float, float, float]
    paintings: dict[str, list[int] | float] = field(default_factory=dict)


def volumes(data: Path, only: str = "") -> Iterator[Scan]:
    """All of them, small ones first."""
    by_share = {f"{fraction:g}": fraction for fraction in FRACTIONS}
    for source, kinds in (("made up", KINDS), ("strange", STRANGE), ("repeated", REPEATED)):
        for one in made_up(tuple(kind for kind in kinds if re.search(only, kind.__name__))):
            alike = {f"alike {planes[0]}": planes for planes in one.alike}
            pairs = {f"pair {planes[0]}": planes for planes in one.pairs}
            paintings = by_share | (pairs if source == "repeated" else alike)
            yield Scan(source, one.kind, one.name, one.image, one.truth, one.spacing_mm, paintings)
    folders = sorted((file.stat().st_size, file.parent) for file in data.glob("*/image.nii.gz"))
    few = {f"{count} planes": float(count) for count in FEW_PLANES}
    for size, folder in folders:
        if re.search(only, folder.name):
            if folder.name.startswith("TPTBox"):
                yield from _vertebrae(folder, by_share)
            yield _read(folder, "k", by_share)
            for axis in "ij":
                scan = _read(folder, axis, few) if size < _SMALL_BYTES else None
                if scan is not None and min(scan.image.shape) >= _LEAST_VOXELS:
                    yield scan


def _read(folder: Path, axis: str, paintings: dict) -> Scan:
    from SparseAnnotateLib.io import read_image, read_labels

    volume = read_image(folder / "image.nii.gz", axis=axis)
    labels = read_labels(folder / "label.nii.gz", volume).labels
    group = re.match("[A-Za-z]+", folder.name)[0]
    name = folder.name if axis == "k" else f"{folder.name} along {axis}"
    return Scan("scan", group, name, volume.intensities, labels, volume.spacing_mm, paintings)


def _vertebrae(folder: Path, by_share: dict) -> Iterator[Scan]:
    pairs = {f"pair {first}": [first, first + 24 - first % 3] for first in range(6, 20)}
    triples = {f"triple {first}": [first, first + 13, first + 27] for first in (5, 7, 9)}
    for axis in "ijk":
        scan = _read(folder, axis, by_share)
        held = np.flatnonzero(scan.truth.any(axis=(1, 2)))
        image, labels = (one[held[0] : held[-1] + 1] for one in (scan.image, scan.truth))
        for name, truth in (("one", labels > 0), ("each", labels)):
            more = pairs | triples if (axis, name) == ("k", "one") else {}
            yield Scan("scan", scan.group, f"vertebrae {axis} {name}", image, truth, scan.spacing_mm, by_share | more)


@dataclass
class Case:
    """One painting: the expert, what was painted, and what was predicted."""

    scan: Scan
    painting: str
    annotation: object
    reference: np.ndarray
    prediction: object


def cases(given: argparse.Namespace, only: str = "", done: Collection[tuple[str, str]] = ()) -> Iterator[Case]:
    """Every painting with its prediction, from OUTPUT or made now (then kept there); those that are `done` left out."""
    from SparseAnnotateLib.evaluation.simulation.expert import SimulatedExpert

    for scan in volumes(given.data, only):
        if all((scan.name, painting) in done for painting in scan.paintings):
            continue
        values = np.unique(scan.truth)
        expert = SimulatedExpert(np.searchsorted(values, scan.truth).astype(np.uint8))
        first, last = expert.plane_range
        for painting, planes in scan.paintings.items():
            if isinstance(planes, float):
                share = planes if planes < 1 else planes / (last - first + 1)
                planes = evenly_spaced(expert.plane_range, share)
            if (scan.name, painting) in done:
                continue
            annotation = expert.paint(planes)
            file = given.output / f"{scan.name}, {painting}.npz".replace(" ", "_")
            if not file.exists():
                if not given.predicts:
                    continue
                _predict(scan, annotation, file, given.predictor)
            yield Case(scan, painting, annotation, expert.reference, _kept(file))


def _predict(scan: Scan, annotation, file: Path, predictor: str) -> None:
    import time

    from SparseAnnotateLib import PREDICTORS, Volume, run

    began = time.process_time()
    volume = Volume.from_array(scan.image.astype(np.float32), scan.spacing_mm)
    found = run(PREDICTORS.create(predictor), volume, annotation)
    details = {name: value for name, value in found.details.items() if name.startswith(("expected", "promised", "pre"))}
    nothing = np.zeros(0, np.float32)
    per_plane, per_structure = found.expected_dice_per_plane, found.expected_dice_per_structure
    arrays = {
        "labels": found.labels,
        "whole": np.nan if found.expected_dice is None else found.expected_dice,
        "per_plane": nothing if per_plane is None else per_plane,
        "per_structure": nothing if per_structure is None else per_structure,
        "details": json.dumps(details),
    }
    aside = file.with_suffix(".part.npz")
    np.savez_compressed(aside, **arrays)
    aside.rename(file)
    print(f"{file.stem}: {time.process_time() - began:.1f} s", flush=True)


def _kept(file: Path):
    from SparseAnnotateLib.prediction import Prediction

    kept = np.load(file)
    whole = float(kept["whole"])
    return Prediction(
        kept["labels"],
        expected_dice=whole if np.isfinite(whole) else None,
        expected_dice_per_plane=kept["per_plane"] if kept["per_plane"].size else None,
        expected_dice_per_structure=kept["per_structure"] if kept["per_structure"].size else None,
        details=json.loads(str(kept["details"])),
    )


def evidence(case: Case, predictor: str) -> dict:
    """What is known of a prediction, before it is told, and the truth; lists have an entry a structure."""
    from SparseAnnotateLib.metrics import dice_per_class, mean_of
    from SparseAnnotateLib.quality.expected import evidence_of
    from SparseAnnotateLib.quality.warned import (
        gaps_unknown,
        names_not_shown,
        planes_by_name,
        shown_by_image,
        warnings_of,
    )

    annotation, image, spacing_mm = case.annotation, case.scan.image.astype(np.float32), case.scan.spacing_mm
    known = evidence_of(case.prediction, annotation, spacing_mm, predictor, image)
    details = shown_by_image(known.image, annotation, known.missing_px > 0)
    details["vanished"] = planes_by_name(known.missing_px > 0, annotation)
    details["unknown"] = gaps_unknown(known.unknown, details, annotation, image)
    details["not_shown"] = names_not_shown(known.nothing, known.told.per_class, annotation)
    dice = dice_per_class(case.prediction.labels, case.reference, annotation.class_count)
    names = [one.name for one in annotation.classes]
    return {
        **{name: getattr(case.scan, name) for name in ("source", "group", "name")},
        "painting": case.painting,
        "planes": len(annotation.painted_planes),
        "whole": known.told.whole,
        **{
            name: [getattr(known, name).per_class.get(one, np.nan) for one in names]
            for name in ("told", "least", "most")
        },
        "back": known.back.tolist(),
        "doubts": np.maximum(known.unknown, known.nothing * np.isfinite(known.back)).tolist(),
        "agreed": known.image.most_per_structure().tolist(),
        **{name: getattr(known.image, name).tolist() for name in ("contrast", "exposed", "painted_dice")},
        "true": [float(one) for one in dice],
        "true_whole": float(mean_of(dice)),
        "warned": {kind: list(details.get(kind, ())) for kind in WARNED_OF},
        "warnings": len(warnings_of(details, annotation)),
    }


def collected(given: argparse.Namespace) -> list[dict]:
    """The evidence of every case; what was computed stays in OUTPUT/evidence.jsonl."""
    file = given.output / "evidence.jsonl"
    rows = [json.loads(line) for line in file.read_text().splitlines()] if file.exists() and not given.again else []
    done = {(row["name"], row["painting"]) for row in rows}
    with file.open("w" if given.again else "a") as stream:
        for case in cases(given, given.only, done):
            said = case.prediction.expected_dice is not None or given.predictor != "guided"
            if not said or not case.annotation.unpainted_planes:
                continue
            rows.append(evidence(case, given.predictor))
            stream.write(json.dumps(rows[-1]) + "\n")
            stream.flush()
    return rows


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("action", choices=["predict", "fit"])
    parser.add_argument("data", type=Path)
    parser.add_argument("-o", "--output", type=Path, required=True)
    parser.add_argument("--only", default="", help="names of kinds and scans that this regular expression finds")
    parser.add_argument("--predictor", default="guided", help="each needs a folder of its own")
    parser.add_argument("--again", action="store_true", help="compute anew what is known of the predictions")
    given = parser.parse_args()
    given.output.mkdir(exist_ok=True)
    given.predicts = given.action == "predict"
    if given.predicts:
        for _ in cases(given, given.only):
            pass
    else:
        import told_fit

        told_fit.report(collected(given), given.predictor)


if __name__ == "__main__":
    main()
