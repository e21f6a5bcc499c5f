"""Whether it helps to start from a cohort model, on scans that it has not seen; and how it does on another scanner's.

    sparse-annotate cohort evaluate DATA -o STUDY ...      # trains the networks
    python Testing/benchmarks/cohort.py start STUDY DATA   # each predictor with and without them, on held-out scans
    python Testing/benchmarks/cohort.py scanner STUDY DATA # the networks on held-out scans made to look different

Rows are appended to STUDY/start.jsonl and STUDY/scanner.jsonl; what is there is not done again. The table comes last.
"""

import argparse
import json
import time
from pathlib import Path

import numpy as np
from SparseAnnotateLib import PREDICTORS, SELECTORS
from SparseAnnotateLib.cohort.applying.heads import Applying
from SparseAnnotateLib.cohort.applying.predicting import predict_scan
from SparseAnnotateLib.cohort.model import load_model
from SparseAnnotateLib.evaluation.cohort.scanner import as_another_scanner
from SparseAnnotateLib.evaluation.cohort.study import measured
from SparseAnnotateLib.evaluation.cohort.table import as_markdown
from SparseAnnotateLib.evaluation.datasets import find_labelled_cases
from SparseAnnotateLib.evaluation.grid.planner import View
from SparseAnnotateLib.evaluation.simulation.loading import LoadedCase, load_case
from SparseAnnotateLib.evaluation.simulation.simulation import simulate
from SparseAnnotateLib.selectors.base import count_for

# A fixed number of steps, whatever the clock says: other programs run beside.
STEPS = 60
NO_CLOCK = 1e6
OPTIONS = {
    "guided": {},
    "unet": {"steps": STEPS, "budget_s": NO_CLOCK},
    "attention-unet3d": {"iterations": STEPS, "budget_s": NO_CLOCK, "patch": (16, 32, 32)},
}


def rows_of(path: Path) -> list[dict]:
    if not path.exists():
        return []
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines() if line.endswith("}")]


def add(path: Path, row: dict) -> None:
    with open(path, "a", encoding="utf-8") as file:
        file.write(json.dumps(row) + "\n")


def tests_of(study: Path, arms: list[str]) -> list[dict]:
    """The scans that were held out, each with the file of the network that has not seen it."""
    tests = [one for one in rows_of(study / "results.jsonl") if one["arm"] in arms and one["distribution"] == "in"]
    for one in tests:
        name = f"{one['arm']}-fold{one['fold']}-seed{one['seed']}-{one['identity']}.safetensors"
        one["model"] = str(study / "models" / name)
    return tests


def start(arguments, load) -> None:
    path = arguments.study / "start.jsonl"
    tests = tests_of(arguments.study, ["partial"])
    for fraction in arguments.fractions:
        for name in arguments.predictors:
            for test in tests:
                for model in (None, test["model"]):
                    row = {"case": test["case"], "seed": test["seed"], "fraction": fraction, "predictor": name}
                    row["started"] = model is not None
                    if not any(row.items() <= done.items() for done in rows_of(path)):
                        add(path, {**row, **started(load(test["case"]), fraction, name, model, test["seed"])})
    print(start_table(rows_of(path)))


def started(case: LoadedCase, fraction: float, name: str, model: str | None, seed: int) -> dict:
    first, last = case.expert.plane_range
    count = count_for(fraction, last - first + 1)
    options = {**OPTIONS[name], "device": "cpu", "seed": seed, **({"start_from": model} if model else {})}
    began = time.process_time()
    outcome = simulate(
        case.volume, case.expert, SELECTORS.create("keep-n"), PREDICTORS.create(name, options), count=count
    )
    kept = ("dice_all", "dice_unpainted", "hausdorff_mm", "expected_dice")
    details = outcome.measured["details"]
    weights = {key: details[key] for key in ("pool_weights", "prior_weights") if key in details}
    seconds = round(time.process_time() - began, 1)
    return {**{key: outcome.measured[key] for key in kept}, "painted": count, "processor_s": seconds, **weights}


def start_table(rows: list[dict]) -> str:
    lines = ["| predictor | of the range | scans | alone | from the cohort model | change | better in | processor s |"]
    lines.append("| --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: |")
    for name in OPTIONS:
        for fraction in sorted({row["fraction"] for row in rows}):
            chosen = [row for row in rows if row["predictor"] == name and row["fraction"] == fraction]
            by_scan = {}
            for row in chosen:
                by_scan.setdefault((row["case"], row["seed"]), {})[row["started"]] = row
            pairs = [pair for pair in by_scan.values() if len(pair) == 2]
            if not pairs:
                continue
            alone, helped = (np.array([pair[key]["dice_unpainted"] for pair in pairs]) for key in (False, True))
            change, seconds = helped - alone, [np.mean([p[key]["processor_s"] for p in pairs]) for key in (False, True)]
            lines.append(
                f"| {name} | {fraction:.0%} | {len(pairs)} | {alone.mean():.3f} | {helped.mean():.3f} | "
                f"{change.mean():+.3f} ± {change.std(ddof=1) if len(change) > 1 else 0:.3f} | "
                f"{(change > 0).sum()} of {len(pairs)} | {seconds[0]:.0f} and {seconds[1]:.0f} |"
            )
    return "\n".join(lines)


def scanner(arguments, load) -> None:
    path = arguments.study / "scanner.jsonl"
    for test in tests_of(arguments.study, ["partial", "full", "all"]):
        row = {key: test[key] for key in ("arm", "fold", "seed", "case", "identity")} | {"distribution": "out"}
        if any(row.items() <= done.items() for done in rows_of(path)):
            continue
        case, model = load(test["case"]), load_model(test["model"])
        *_, prediction = predict_scan(model, as_another_scanner(case.volume), Applying(device="cpu"))
        given = {key: test[key] for key in ("training_scans", "painted_planes")}
        add(path, {**row, **given, **measured(prediction.labels, model.configuration, case)})
    print(as_markdown(rows_of(path)))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("task", choices=("start", "scanner"))
    parser.add_argument("study", type=Path)
    parser.add_argument("data")
    parser.add_argument("--images")
    parser.add_argument("--labels")
    parser.add_argument("--axis", default="k")
    parser.add_argument("--fractions", nargs="+", type=float, default=[0.05, 0.1])
    parser.add_argument("--predictors", nargs="+", default=list(OPTIONS))
    arguments = parser.parse_args()
    found = find_labelled_cases(arguments.data, images=arguments.images, labels=arguments.labels)
    cases = {case.name: case for case in found}
    task = {"start": start, "scanner": scanner}[arguments.task]
    task(arguments, lambda name: load_case(cases[name], View(axis=arguments.axis), "0", 0))


if __name__ == "__main__":
    main()
