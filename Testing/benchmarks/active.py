"""Active selectors against evenly spaced planes: the same number of painted planes, the same predictor.

    python Testing/benchmarks/active.py ../shared/data -o active.jsonl
    python Testing/benchmarks/active.py ../shared/data -o active.jsonl --predictor guided --largest-mb 5

DATA is a folder of cases, each with image.nii.gz and label.nii.gz. Both ends of the structures are clicked.
Each strategy is a selector and how its planes are painted: in one round, in two equal ones, or three quarters first
and the rest after a look at the prediction. Results go to OUTPUT (a JSON object a line), what is there is not computed
again. Prints the Dice over all planes (mean over structures, then cases), and the paired difference to `keep-n` in one
round with its 95 % confidence interval (t over data sets: a data set is what stands before the first underscore of a
case's name) and in how many cases it was better.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import numpy as np

# Name: selector, rounds, share of the first round, seeds, options.
STRATEGIES = {
    "keep-n": ("keep-n", 1, None, 1, {}),
    "keep-n, two rounds": ("keep-n", 2, 0.75, 1, {}),
    "random": ("random", 1, None, 5, {}),
    "expected-gain, two equal rounds": ("expected-gain", 2, None, 1, {}),
    "expected-gain, 3/4 + 1/4": ("expected-gain", 2, 0.75, 1, {}),
    "uncertainty, 3/4 + 1/4": ("uncertainty", 2, 0.75, 1, {}),
    "attention, 3/4 + 1/4": ("attention", 2, 0.75, 1, {"budget_s": 60.0}),
}
QUICK = [name for name in STRATEGIES if not name.startswith(("uncertainty", "attention"))]


def dice_of(folder: Path, fraction: float, strategy: str, predictor: str, seed: int) -> dict:
    from SparseAnnotateLib import PREDICTORS, SELECTORS
    from SparseAnnotateLib.evaluation.expert import SimulatedExpert
    from SparseAnnotateLib.evaluation.rounds import simulate_rounds
    from SparseAnnotateLib.io import read_image, read_labels
    from SparseAnnotateLib.selectors.base import count_for

    volume = read_image(folder / "image.nii.gz", axis="k")
    expert = SimulatedExpert(read_labels(folder / "label.nii.gz", volume).labels)
    selector, rounds, share, _, options = STRATEGIES[strategy]
    count = count_for(fraction, expert.plane_range[1] - expert.plane_range[0] + 1)
    measured = simulate_rounds(
        volume,
        expert,
        SELECTORS.create(selector, options),
        PREDICTORS.create(predictor),
        count=count,
        rounds=rounds,
        first_share=share if rounds > 1 else None,
        seed=seed,
    ).measured
    return {
        "dice": measured["dice_all"],
        "planes": measured["planes_painted"],
        "agreement": measured["rounds"][-1]["agreement"],
    }


def table(rows: list[dict]) -> str:
    from scipy.stats import t as student

    lines = [
        "| predictor, fraction | strategy | cases | Dice | difference to keep-n (95 %) | better in |",
        "|---|---|---|---|---|---|",
    ]
    groups = sorted({(row["predictor"], row["fraction"]) for row in rows})
    for predictor, fraction in groups:
        mine = [row for row in rows if (row["predictor"], row["fraction"]) == (predictor, fraction)]
        base = {row["case"]: row["dice"] for row in mine if row["strategy"] == "keep-n"}
        for strategy in STRATEGIES:
            found: dict[str, list[float]] = {}
            for row in mine:
                if row["strategy"] == strategy and row["case"] in base:
                    found.setdefault(row["case"], []).append(row["dice"])
            if not found:
                continue
            gain = {case: np.mean(values) - base[case] for case, values in found.items()}
            sets: dict[str, list[float]] = {}
            for case, value in gain.items():
                sets.setdefault(case.split("_")[0], []).append(value)
            means = np.array([np.mean(values) for values in sets.values()])
            half = (
                student.ppf(0.975, len(means) - 1) * means.std(ddof=1) / len(means) ** 0.5 if len(means) > 1 else np.nan
            )
            dice = np.mean([np.mean(values) for values in found.values()])
            better = sum(value > 0 for value in gain.values())
            lines.append(
                f"| {predictor}, {100 * fraction:.3g} % | {strategy} | {len(found)} | {dice:.3f} | "
                f"{np.mean(list(gain.values())):+.4f} ({means.mean():+.4f} +- {half:.4f}) | {better} |"
            )
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path)
    parser.add_argument("-o", "--output", type=Path, required=True)
    parser.add_argument("--predictor", default="shape")
    parser.add_argument("--fractions", nargs="+", type=float, default=[0.1, 0.2])
    parser.add_argument("--strategies", nargs="+", default=QUICK, choices=list(STRATEGIES))
    parser.add_argument("--largest-mb", type=float, default=1e9, help="leave out larger image files")
    given = parser.parse_args()
    folders = [
        path.parent for path in given.data.glob("*/image.nii.gz") if path.stat().st_size < given.largest_mb * 1e6
    ]
    folders.sort(key=lambda folder: (folder / "image.nii.gz").stat().st_size)
    given.output.touch()
    rows = [json.loads(line) for line in given.output.read_text(encoding="utf-8").splitlines()]
    done = {(row["case"], row["fraction"], row["strategy"], row["predictor"], row["seed"]) for row in rows}
    for fraction in given.fractions:
        for folder in folders:
            for strategy in given.strategies:
                for seed in range(STRATEGIES[strategy][3]):
                    if (folder.name, fraction, strategy, given.predictor, seed) in done:
                        continue
                    result = dice_of(folder, fraction, strategy, given.predictor, seed)
                    key = {
                        "case": folder.name,
                        "fraction": fraction,
                        "strategy": strategy,
                        "predictor": given.predictor,
                    }
                    rows.append({**key, "seed": seed, **result})
                    with given.output.open("a", encoding="utf-8") as file:
                        file.write(json.dumps(rows[-1]) + "\n")
    print(table(rows))


if __name__ == "__main__":
    main()
