"""Active selectors against evenly spaced planes: the same number of painted planes, the same predictor.

    python Testing/benchmarks/active.py suggest ../shared/data -o active/
    python Testing/benchmarks/active.py judge ../shared/data -o active/ --predictors shape guided
    python Testing/benchmarks/active.py table -o active/

DATA is a folder of cases, each with image.nii.gz and label.nii.gz. Both ends of the structures are clicked. A strategy
is a selector, and the share of the planes that is painted evenly before it is asked for the rest.

`suggest` appends which planes each strategy wants to OUTPUT/planes.jsonl. They do not depend on who predicts in the
end: `cover` looks at interpolated labels, `uncertainty` at the probabilities of `guided`, `attention` at a
network that it trains, as many iterations as `--seconds` of one core hold. What that network found stays in
OUTPUT/agreement/, for `attention_agreement.py --show`. `judge` appends the Dice over all planes (mean over structures)
that a predictor reaches with these planes to OUTPUT/dice.jsonl; `--tag` tells versions of a predictor apart. Both go
on where they were interrupted.

`table` prints the mean Dice over cases, that of `keep-n` in one round on the same cases, and the paired difference:
over cases, and in brackets over data sets with its 95 % confidence interval (t; a data set is what stands before the
first underscore of a case's name). Of several seeds the mean is taken first.
"""

from __future__ import annotations

import argparse
import json
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path

import attention_agreement
import numpy as np
from attention_agreement import folders_of, half_width, load


@dataclass(frozen=True)
class Strategy:
    """A selector, the share of planes painted before it is asked (None: it is asked for all at once), its seeds."""

    selector: str
    first_share: float | None = None
    seeds: int = 1
    options: dict = field(default_factory=dict)


# With nothing painted `uncertainty` and `attention` give the planes of keep-n: in one round they are keep-n.
STRATEGIES = {
    "keep-n": Strategy("keep-n"),
    "keep-n, 3/4 + 1/4": Strategy("keep-n", 0.75),
    "random": Strategy("random", seeds=5),
    "cover": Strategy("cover"),
    "cover, 1/2 + 1/2": Strategy("cover", 0.5),
    "cover, 3/4 + 1/4": Strategy("cover", 0.75),
    "uncertainty, 3/4 + 1/4": Strategy("uncertainty", 0.75),
    "uncertainty, noise .5, 3/4 + 1/4": Strategy("uncertainty", 0.75, 5, {"noise": 0.5}),
    "uncertainty, by structure, noise .5, 3/4 + 1/4": Strategy(
        "uncertainty", 0.75, 5, {"noise": 0.5, "stratified": True}
    ),
    "attention, 3/4 + 1/4": Strategy("attention", 0.75, 5),
}


def suggest(given) -> None:
    """Append the planes of each strategy and seed that are missing."""
    rows = Rows(given.output / "planes.jsonl", ("case", "fraction", "strategy", "seed"))
    for fraction in given.fractions:
        for folder in folders_of(given.data, given.cases):
            for name in given.strategies:
                for seed in range(min(given.seeds, STRATEGIES[name].seeds)):
                    key = {"case": folder.name, "fraction": fraction, "strategy": name, "seed": seed}
                    if key not in rows:
                        rows.add({**key, "planes": planes_of(folder, fraction, STRATEGIES[name], seed, given)})


def planes_of(folder: Path, fraction: float, strategy: Strategy, seed: int, given) -> list[int]:
    from SparseAnnotateLib import SELECTORS
    from SparseAnnotateLib.selectors.base import count_for

    volume, expert = load(folder)
    count = count_for(fraction, expert.plane_range[1] - expert.plane_range[0] + 1)
    share = strategy.first_share
    first = count if share is None else min(max(1, round(count * share)), count - 1)
    rng = np.random.default_rng(seed)
    selector = SELECTORS.create(strategy.selector, strategy.options)
    planes = [one.plane for one in selector.select(volume, expert.paint([]), first, rng)]
    if count > first:
        if strategy.selector == "uncertainty":
            selector.last_prediction = prediction_of_guided(folder, tuple(planes))
        elif strategy.selector == "attention":
            file = given.output / "agreement" / f"{folder.name}_{fraction:g}_{seed}.npz"
            file.parent.mkdir(exist_ok=True)
            selector.last_prediction = attention_agreement.measure(folder, planes, given.seconds, seed, file)
        planes += [one.plane for one in selector.select(volume, expert.paint(planes), count - first, rng)]
    return sorted(planes)


@lru_cache(maxsize=1)
def prediction_of_guided(folder: Path, planes: tuple[int, ...]):
    """With probabilities; all variants of `uncertainty` look at the same one."""
    from SparseAnnotateLib import PREDICTORS, run

    volume, expert = load(folder)
    return run(PREDICTORS.create("guided", {"keep_probabilities": True}), volume, expert.paint(planes))


def judge(given) -> None:
    """Append the Dice of each suggestion and predictor that is missing."""
    suggested = Rows(given.output / "planes.jsonl")
    key = ("case", "fraction", "strategy", "seed", "predictor", "tag")
    rows = Rows(given.output / "dice.jsonl", key)
    known = {known_by(row): row["dice"] for row in rows.all}
    for predictor in given.predictors:
        for fraction in given.fractions:
            for folder in folders_of(given.data, given.cases):
                for row in suggested.all:
                    if (row["case"], row["fraction"]) != (folder.name, fraction):
                        continue
                    new = {**row, "predictor": predictor, "tag": given.tag}
                    if row["strategy"] not in given.strategies or row["seed"] >= given.seeds or new in rows:
                        continue
                    # Strategies often ask for the same planes.
                    if known_by(new) not in known:
                        known[known_by(new)] = dice_of(folder, row["planes"], predictor)
                    rows.add({**new, "dice": known[known_by(new)]})


def known_by(row: dict) -> tuple:
    return row["case"], row["predictor"], row["tag"], *row["planes"]


def dice_of(folder: Path, planes: list[int], predictor: str) -> float:
    from SparseAnnotateLib import PREDICTORS, run
    from SparseAnnotateLib.metrics import dice_per_class, mean_of

    volume, expert = load(folder)
    labels = run(PREDICTORS.create(predictor), volume, expert.paint(planes)).labels
    return float(mean_of(dice_per_class(labels, expert.reference, len(expert.classes))))


class Rows:
    """JSON objects of a file, a line each; those with the same `key` count as one."""

    def __init__(self, file: Path, key: tuple[str, ...] = ()):
        file.parent.mkdir(exist_ok=True)
        file.touch()
        self._file, self._key = file, key
        self.all = [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines()]
        self._there = {self._identity(row) for row in self.all}

    def _identity(self, row: dict) -> tuple:
        return tuple(row[name] for name in self._key)

    def __contains__(self, row: dict) -> bool:
        return self._identity(row) in self._there

    def add(self, row: dict) -> None:
        self.all.append(row)
        self._there.add(self._identity(row))
        with self._file.open("a", encoding="utf-8") as out:
            out.write(json.dumps(row) + "\n")


def table(given) -> None:
    rows = Rows(given.output / "dice.jsonl").all
    print("| predictor, painted | strategy | cases | runs | Dice | `keep-n` there | difference (95 %) | better in |")
    print("|---|---|---|---|---|---|---|---|")
    for group in sorted({(row["predictor"], row["tag"], row["fraction"]) for row in rows}):
        mine = [row for row in rows if (row["predictor"], row["tag"], row["fraction"]) == group]
        for strategy in given.strategies:
            found = [row for row in mine if row["strategy"] == strategy]
            dice, base = mean_by_case(found), mean_by_case([row for row in mine if row["strategy"] == "keep-n"])
            cases = sorted(set(dice) & set(base))
            if cases:
                runs = sum(row["case"] in cases for row in found)
                name = f"{' '.join(filter(None, group[:2]))}, {100 * group[2]:g} %"
                print(f"| {name} | {strategy} | {len(cases)} | {runs} | {compared(dice, base, cases)} |")


def mean_by_case(rows: list[dict]) -> dict[str, float]:
    found: dict[str, list[float]] = {}
    for row in rows:
        found.setdefault(row["case"], []).append(row["dice"])
    return {case: float(np.mean(values)) for case, values in found.items()}


def compared(dice: dict[str, float], base: dict[str, float], cases: list[str]) -> str:
    gain = np.array([dice[case] - base[case] for case in cases])
    sets = np.array([case.split("_")[0] for case in cases])
    by_set = np.array([gain[sets == one].mean() for one in np.unique(sets)])
    mean, mean_base = (np.mean([values[case] for case in cases]) for values in (dice, base))
    return (
        f"{mean:.3f} | {mean_base:.3f} | {gain.mean():+.4f} ({by_set.mean():+.4f} +- {half_width(by_set):.4f}) | "
        f"{int((gain > 1e-9).sum())}"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("step", choices=["suggest", "judge", "table"])
    parser.add_argument("data", type=Path, nargs="?")
    parser.add_argument("-o", "--output", type=Path, required=True)
    parser.add_argument("--fractions", nargs="+", type=float, default=[0.1, 0.2])
    parser.add_argument("--strategies", nargs="+", default=list(STRATEGIES), choices=list(STRATEGIES), metavar="NAME")
    parser.add_argument("--cases", nargs="+", metavar="CASE", help="names of folders; by default all")
    parser.add_argument("--seeds", type=int, default=5, help="no more than these of a strategy with several")
    parser.add_argument("--seconds", type=float, default=40.0, help="of one core, training the network of attention")
    parser.add_argument("--predictors", nargs="+", default=["shape"], help="of judge")
    parser.add_argument("--tag", default="", help="of judge: the predictor's version")
    given = parser.parse_args()
    if given.data is None and given.step != "table":
        parser.error(f"{given.step} needs the folder of cases")
    {"suggest": suggest, "judge": judge, "table": table}[given.step](given)


if __name__ == "__main__":
    main()
