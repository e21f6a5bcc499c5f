"""Planes of a rough segmentation that `suggest --initial` chooses, against as many evenly spaced ones.

    python Testing/benchmarks/planes_to_correct.py ../shared/data --rough ROUGH --results rows.jsonl [--cases A,B]

ROUGH is made by `rough_segmentations.py`; others are made up as in `initial.py`. The suggested planes are corrected at
once, and in two halves, the second suggested after the first was corrected. Rows that are there are not measured again.
``doubt`` is the network's segmentation with its own doubt (1 less the likeliest class), where ROUGH holds its
probabilities; to be compared with ``network``, the same without.
"""

from __future__ import annotations

import argparse
import json
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
from initial import REAL, corrected, load, mean_dice, roughs_of, rows_of
from SparseAnnotateLib.initial import Initial
from SparseAnnotateLib.io.rough import read_rough_labels
from SparseAnnotateLib.predictors import PREDICTORS
from SparseAnnotateLib.predictors.initial import run_from
from SparseAnnotateLib.selectors.correcting import planes_to_correct

KINDS = (*REAL, "wandering", "leaking", "missing", "ends")
DOUBT = "doubt"
FRACTIONS = (0.05, 0.1)
CASES = (
    "MSD_hippocampus_056",
    "MSD_hippocampus_014",
    "PROMISE12_demo0",
    "SCT_t2",
    "CMR_bSSFP_02_heart",
    "TPTBox_vertebra_CT",
    "STS003_sarcoma_MRT1",
)


def measure(data: Path, rough_folder: Path, case: str, kinds: list[str], done: set, results) -> None:
    """A line of JSON for each kind of rough segmentation and number of planes."""
    volume, expert = load(data, case)
    first, last = expert.plane_range
    initials = {
        kind: Initial(rough, expert.classes)
        for kind, rough in roughs_of(case, list(KINDS), volume, expert, rough_folder)
    }
    probabilities = rough_folder / "network" / f"{case}.probabilities.nrrd"
    if "network" in initials and probabilities.exists():
        doubt = read_rough_labels(probabilities, volume, expert.classes)[0].doubt
        initials[DOUBT] = replace(initials["network"], doubt=doubt)
    for kind, initial in initials.items():
        if kind not in kinds:
            continue

        def dice(annotation, initial=initial) -> float:
            labels = run_from(PREDICTORS.create("guided"), volume, annotation, initial).labels
            return mean_dice(expert.reference, labels, len(expert.classes))

        def suggested(planes: list[int], count: int, initial=initial) -> list[int]:
            return [*planes, *(one.plane for one in planes_to_correct(volume, expert.paint(planes), initial, count))]

        for count in sorted({max(1, round(fraction * (last - first + 1))) for fraction in FRACTIONS}):
            if (case, kind, count) in done:
                continue
            half = suggested([], (count + 1) // 2)
            line = {
                "case": case,
                "kind": kind,
                "planes": count,
                "even": dice(corrected(expert, count)),
                "at_once": dice(expert.paint(suggested([], count))),
                "in_halves": None if count == 1 else dice(expert.paint(suggested(half, count - len(half)))),
            }
            results.write(json.dumps(line) + "\n")
            results.flush()


def table(lines: list[dict]) -> str:
    out = ["| rough one | at once | better | worst | in halves | worst |", "|---" * 6 + "|"]
    for kind in ("all", *KINDS, DOUBT):
        chosen = [line for line in lines if kind == line["kind"] or (kind == "all" and line["kind"] != DOUBT)]
        if not chosen:
            continue
        gains = np.array([line["at_once"] - line["even"] for line in chosen])
        halves = np.array([line["in_halves"] - line["even"] for line in chosen if line["in_halves"] is not None])
        cells = [f"{gains.mean():+.3f}", f"{(gains > 0).mean():.0%}", f"{gains.min():+.3f}"]
        cells += [f"{halves.mean():+.3f}", f"{halves.min():+.3f}"] if len(halves) else ["", ""]
        out.append(f"| {kind} ({len(chosen)}) | " + " | ".join(cells) + " |")
    return "\n".join(out)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path)
    parser.add_argument("--rough", type=Path, required=True, help="folder of rough_segmentations.py")
    parser.add_argument("--cases", default=",".join(CASES))
    parser.add_argument("--kinds", default=",".join((*KINDS, DOUBT)))
    parser.add_argument("--results", type=Path, required=True, help="lines of JSON, added to what is there")
    arguments = parser.parse_args()
    done = {(line["case"], line["kind"], line["planes"]) for line in rows_of(arguments.results)}
    with arguments.results.open("a") as results:
        for case in filter(None, arguments.cases.split(",")):
            measure(arguments.data, arguments.rough, case, arguments.kinds.split(","), done, results)
    sys.stdout.write(table(rows_of(arguments.results)) + "\n")


if __name__ == "__main__":
    main()
