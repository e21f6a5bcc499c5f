"""The same network with one thing changed, on the same planes of several cases: run, remember, compare in pairs.

What `partial_painting.py` and `ablations.py` share. Training goes by steps, never by the clock, so that other work on
the computer changes no number. Every result is one JSON line; what is there already is not run again.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections import defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from predictors import Case, load_case
from SparseAnnotateLib.annotation import SparseAnnotation
from SparseAnnotateLib.predictors import PREDICTORS, run


@dataclass(frozen=True)
class Trial:
    """A predictor with options, and how its annotation, drawn with a seed, differs from completely painted planes."""

    name: str
    predictor: str
    options: dict[str, str] = field(default_factory=dict)
    annotate: Callable[[Case, int], SparseAnnotation] | None = None


def add_arguments(parser: argparse.ArgumentParser, cases: Iterable[str]) -> None:
    """What every script of trials takes."""
    parser.add_argument("data", type=Path, help="a folder of cases, each with image.nii.gz and label.nii.gz")
    parser.add_argument("--cases", default=",".join(cases), help="names joined with commas")
    parser.add_argument("--only", help="names of trials joined with commas; by default all")
    parser.add_argument("--fraction", type=float, default=0.2, help="of the structures' range")
    parser.add_argument("--steps", type=int, default=100, help="of training; 100 are the CPU's default")
    parser.add_argument("--seeds", type=int, default=1)
    parser.add_argument("--threads", type=int, default=1, help="of torch")
    parser.add_argument("--results", type=Path, required=True, help="JSON lines, added to")


def run_all(arguments: argparse.Namespace, trials: list[Trial]) -> list[dict]:
    """The rows of all trials, cases and seeds that were asked for."""
    import torch

    torch.set_num_threads(arguments.threads)
    rows = _rows_of(arguments.results)
    for seed in range(arguments.seeds):
        for name in arguments.cases.split(","):
            case = load_case(arguments.data / name, arguments.fraction)
            for trial in trials:
                key = (name, trial.name, seed, arguments.steps, arguments.fraction)
                if key not in rows:
                    rows[key] = dict(zip(_KEY, key, strict=True)) | run_trial(trial, case, seed, arguments.steps)
                    _append(arguments.results, rows[key])
    wanted = {"steps": arguments.steps, "fraction": arguments.fraction}
    return [row for row in rows.values() if row.items() >= wanted.items()]


_KEY = ("case", "trial", "seed", "steps", "fraction")


def _rows_of(file: Path) -> dict[tuple, dict]:
    if not file.exists():
        return {}
    rows = [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines()]
    return {tuple(row[name] for name in _KEY): row for row in rows}


def _append(file: Path, row: dict) -> None:
    line = json.dumps(row) + "\n"
    with file.open("a", encoding="utf-8") as stream:
        stream.write(line)
    sys.stdout.write(line)
    sys.stdout.flush()


def run_trial(trial: Trial, case: Case, seed: int, steps: int) -> dict:
    """Predict once; Dice over all planes and over the unpainted ones, mean over structures."""
    annotation = case.annotation if trial.annotate is None else trial.annotate(case, seed)
    options = {"seed": seed, "device": "cpu"}
    if "steps" in PREDICTORS.get(trial.predictor).Options.__dataclass_fields__:
        options |= {"steps": steps, "budget_s": 1e6}
    started, cpu_started = time.perf_counter(), time.process_time()
    prediction = run(PREDICTORS.create(trial.predictor, options | trial.options), case.volume, annotation)
    unpainted = annotation.unpainted_planes
    return {
        "dice": round(case.dice(prediction.labels), 4),
        "dice_unpainted": round(case.dice(prediction.labels, unpainted), 4),
        "voxels": round(_voxel_ratio(case.reference[unpainted], prediction.labels[unpainted]), 3),
        "seconds": round(time.perf_counter() - started, 1),
        "cpu_seconds": round(time.process_time() - cpu_started, 1),
    }


def _voxel_ratio(reference: np.ndarray, labels: np.ndarray) -> float:
    """Labelled voxels over those that should be: above 1 where structures come out too large."""
    return np.count_nonzero(labels) / max(1, np.count_nonzero(reference))


def table(rows: list[dict], trials: list[Trial], score: str, baseline: str) -> str:
    """Scores by trial and case (means over seeds), and the paired difference to `baseline` with its standard error."""
    cases = list(dict.fromkeys(row["case"] for row in rows))
    scores = defaultdict(list)
    for row in rows:
        scores[row["trial"], row["case"]].append(row[score])
    lines = ["| | " + " | ".join(cases) + f" | mean | to {baseline} | better |", "|---" * (len(cases) + 4) + "|"]
    for trial in trials:
        cells = [f"{np.mean(scores[trial.name, case]):.3f}" if scores[trial.name, case] else "-" for case in cases]
        both = [case for case in cases if scores[trial.name, case] and scores[baseline, case]]
        means = np.array([[np.mean(scores[name, case]) for case in both] for name in (trial.name, baseline)])
        lines.append(f"| `{trial.name}` | " + " | ".join([*cells, *_compared(*means)]) + " |")
    return "\n".join(lines)


def _compared(means: np.ndarray, baseline: np.ndarray) -> tuple[str, str, str]:
    gains = means - baseline
    if not gains.any():
        return f"{means.mean():.3f}" if len(means) else "-", "", ""
    error = gains.std(ddof=1) / np.sqrt(len(gains)) if len(gains) > 1 else np.nan
    return f"{means.mean():.3f}", f"{gains.mean():+.4f} ± {error:.4f}", f"{(gains > 0).sum()} of {len(gains)}"
