"""Whether it helps to start from a cohort model, on scans that it has not seen; and what it calls its own elsewhere.

    sparse-annotate cohort evaluate DATA -o STUDY ...      # trains the networks
    python Testing/benchmarks/cohort.py start STUDY DATA   # each predictor with and without them, on held-out scans
    python Testing/benchmarks/cohort.py others STUDY DATA --scans NAME ...
        # the networks on scans in which all labelled voxels are something else than what they have learnt

Rows are appended to STUDY/start.jsonl and STUDY/others.jsonl; what is there is not done again. The table comes last.
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
from SparseAnnotateLib.evaluation.datasets import find_labelled_cases
from SparseAnnotateLib.evaluation.grid.planner import View
from SparseAnnotateLib.evaluation.simulation.loading import LoadedCase, load_case
from SparseAnnotateLib.evaluation.simulation.simulation import simulate
from SparseAnnotateLib.selectors.base import count_for
from SparseAnnotateLib.volume import Volume

# A fixed number of steps, whatever the clock says: other programs run beside.
STEPS = 60
NO_CLOCK = 1e6
THICKEST_MM, MARGIN_MM = 2.5, 20
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
        step = f"-step-{one['step']}" if one["step"] else ""
        name = f"{one['arm']}{step}-fold{one['fold']}-seed{one['seed']}-{one['identity']}.safetensors"
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


def others(arguments, load) -> None:
    path = arguments.study / "others.jsonl"
    tests = [one for one in tests_of(arguments.study, arguments.arms) if one["step"] in arguments.steps]
    models = {one["model"]: one for one in tests}
    for file, one in models.items():
        for name in arguments.scans:
            row = {key: one[key] for key in ("arm", "step", "fold", "seed", "identity")} | {"case": name}
            if not any(row.items() <= done.items() for done in rows_of(path)):
                add(path, {**row, **called(load(name), file)})
    print(others_table(rows_of(path)))


def called(case: LoadedCase, model: str) -> dict:
    """Millilitres that a network calls its own, those inside labelled structures, and those of all labelled ones."""
    volume, labelled = around(*with_thinner_planes(case.volume, case.expert.reference > 0))
    *_, prediction = predict_scan(load_model(model), volume, Applying(device="cpu"))
    voxel_ml, own = float(np.prod(volume.spacing_mm)) / 1000, prediction.labels > 0
    volumes = {"called_ml": own, "wrong_ml": own & labelled, "labelled_ml": labelled}
    return {name: round(float(voxels.sum()) * voxel_ml, 3) for name, voxels in volumes.items()}


def with_thinner_planes(volume: Volume, labelled: np.ndarray) -> tuple[Volume, np.ndarray]:
    """Planes at most `THICKEST_MM` apart, interpolated: networks refuse scans with voxels of quite another size."""
    from scipy.ndimage import zoom

    thickness = volume.spacing_mm[0]
    planes = max(volume.planes, round(volume.planes * thickness / THICKEST_MM))
    scale, mode = (planes / volume.planes, 1, 1), {"mode": "nearest", "grid_mode": True}
    spacing_mm = (thickness / scale[0], *volume.spacing_mm[1:])
    thinner = Volume.from_array(zoom(volume.intensities, scale, order=1, **mode), spacing_mm)
    return thinner, zoom(labelled.astype(np.uint8), scale, order=0, **mode) > 0


def around(volume: Volume, labelled: np.ndarray) -> tuple[Volume, np.ndarray]:
    """Only what lies within `MARGIN_MM` of the labelled structures: scans to learn from are cropped, too."""
    box = tuple(
        slice(max(0, places.min() - round(MARGIN_MM / mm)), places.max() + 1 + round(MARGIN_MM / mm))
        for places, mm in zip(np.nonzero(labelled), volume.spacing_mm, strict=True)
    )
    return Volume.from_array(volume.intensities[box], volume.spacing_mm), labelled[box]


def others_table(rows: list[dict]) -> str:
    """Means over scans; the spread, and the interval of the difference from the arm full, are over randomisations."""
    from scipy.stats import t

    lines = ["| painted | networks | scans | called so, ml | in other structures, ml | share of these | minus full |"]
    lines.append("| --- | ---: | ---: | ---: | ---: | ---: | ---: |")
    shares = {}
    for arm, step in sorted({(row["arm"], row["step"]) for row in rows}):
        chosen = [row for row in rows if (row["arm"], row["step"]) == (arm, step)]
        runs = sorted({(row["fold"], row["seed"]) for row in chosen})
        by_run = [[row for row in chosen if (row["fold"], row["seed"]) == run] for run in runs]
        shares[arm, step] = {
            run: np.mean([row["wrong_ml"] / row["labelled_ml"] for row in group])
            for run, group in zip(runs, by_run, strict=True)
        }
        share = np.array(list(shares[arm, step].values()))
        cells = [f"{np.mean([row[name] for row in chosen]):.0f}" for name in ("called_ml", "wrong_ml")]
        scans = len({row["case"] for row in chosen})
        spread = f"{share.std(ddof=1):.3f}" if len(share) > 1 else "-"
        cells += [f"{share.mean():.3f} ± {spread}"]
        lines.append(f"| {arm}{f', step {step}' if step else ''} | {len(runs)} | {scans} | {' | '.join(cells)} |")
    for number, key in enumerate(sorted(shares), 2):
        full = shares.get(("full", key[1]), {})
        change = np.array([share - full[run] for run, share in shares[key].items() if run in full])
        told = ""
        if key[0] != "full" and len(change) > 1:
            half = t.ppf(0.975, len(change) - 1) * change.std(ddof=1) / np.sqrt(len(change))
            told = f"{change.mean():+.3f} ± {half:.3f} ({(change < 0).sum()} of {len(change)} below 0)"
        lines[number] += f" {told} |"
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("task", choices=("start", "others"))
    parser.add_argument("study", type=Path)
    parser.add_argument("data")
    parser.add_argument("--images")
    parser.add_argument("--labels")
    parser.add_argument("--axis", default="k")
    parser.add_argument("--fractions", nargs="+", type=float, default=[0.05, 0.1])
    parser.add_argument("--predictors", nargs="+", default=list(OPTIONS))
    parser.add_argument("--scans", nargs="+", help="others: names of scans in DATA")
    parser.add_argument("--arms", nargs="+", default=["partial", "partial-no-borders", "full"], help="others: networks")
    parser.add_argument("--steps", nargs="+", default=["", "one", "two"], help="others: steps of training")
    arguments = parser.parse_args()
    found = find_labelled_cases(arguments.data, images=arguments.images, labels=arguments.labels)
    cases = {case.name: case for case in found}
    task = {"start": start, "others": others}[arguments.task]
    task(arguments, lambda name: load_case(cases[name], View(axis=arguments.axis), "0", 0))


if __name__ == "__main__":
    main()
