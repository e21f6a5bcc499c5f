"""The study of Specktor-Fadida 2023: which scans a cohort network learns from, and what is painted of them."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from ...errors import InputError
from ...selectors import SelectorBase
from ..simulation.loading import LoadedCase

# Partial annotation of many scans, full annotation of few with as many painted planes, full annotation of all.
# The second of them knows nothing of the planes beyond the structures' ends.
ARMS = ("partial", "partial-no-borders", "full", "all")

# The two steps of the paper's training: down from the first rate; then, from the best weights, with warm restarts.
STEPS = ("one", "two")


@dataclass(frozen=True, kw_only=True)
class StudyPlan:
    """What is compared.

    Attributes
    ----------
    arms : of `ARMS`
    full_scans : fully painted ones in the arm ``full``; ``partial`` spreads as many planes over all scans to learn from
    folds : parts that the scans are dealt out to, each tested on networks that learnt from the others; by default each
        scan is one, up to 5
    split : scans to learn from, to validate with, and to test on, drawn anew with each seed, instead of folds
    steps : of `STEPS`: networks after the first, and after the second step of training; none to train as the settings
        say
    seeds : each deals out anew, and trains anew
    """

    arms: tuple[str, ...] = ("partial", "full")
    full_scans: int = 1
    folds: int | None = None
    split: tuple[int, int, int] | None = None
    steps: tuple[str, ...] = ()
    seeds: tuple[int, ...] = (0,)

    def __post_init__(self):
        unknown = [arm for arm in self.arms if arm not in ARMS]
        if unknown or not self.arms:
            raise InputError(f"there is no arm {unknown[0] if unknown else ''!r}: choose among {', '.join(ARMS)}")
        if self.full_scans < 1:
            raise InputError(f"{self.full_scans} fully painted scans are asked for: ask for at least 1")
        if self.folds is not None and self.folds < 2:
            raise InputError(f"{self.folds} folds are asked for: ask for at least 2")
        if self.folds is not None and self.split is not None:
            raise InputError("folds and a split are asked for: ask for one of them")
        if self.split is not None and (min(self.split) < 0 or 0 in (self.split[0], self.split[2])):
            raise InputError(f"the split is {self.split}: give scans to learn from, to validate with, to test on")
        if any(step not in STEPS for step in self.steps):
            raise InputError(f"the steps are {' '.join(self.steps)}: choose among {', '.join(STEPS)}")
        refuse_twice(arms=self.arms, steps=self.steps, seeds=self.seeds)


def refuse_twice(**given: Sequence) -> None:
    """Refuse what would be counted twice in tables.

    Raises
    ------
    InputError
    """
    for name, values in given.items():
        twice = next((one for one in values if values.count(one) > 1), None)
        if twice is not None:
            raise InputError(f"--{name} names {twice} twice: name it once")


@dataclass(frozen=True)
class Trial:
    """One network: what it learns from, and the scans that it is tested on."""

    arm: str
    fold: int
    seed: int
    training: tuple[str, ...]
    tested: tuple[str, ...]
    validation: tuple[str, ...] = ()
    step: str = ""

    @property
    def name(self) -> str:
        """Short, for files and logs."""
        step = f"-step-{self.step}" if self.step else ""
        return f"{self.arm}{step}-fold{self.fold}-seed{self.seed}"


def trials(names: Sequence[str], plan: StudyPlan) -> list[Trial]:
    """Every network of a study; arms of the same fold and seed learn from, and are tested on, the same scans.

    Raises
    ------
    InputError
        Where there are too few scans.
    """
    if plan.split is not None:
        return _split(names, plan)
    folds = plan.folds or min(5, len(names))
    if len(names) < 3 or folds > len(names):
        raise InputError(f"{len(names)} scans are too few for {folds} folds: give at least 3, and as many as folds")
    smallest = len(names) - -(-len(names) // folds)
    if "full" in plan.arms and plan.full_scans >= smallest:
        raise InputError(
            f"{plan.full_scans} fully painted scans leave nothing to compare with: {smallest} are learnt from; ask for "
            "fewer"
        )
    result = []
    for seed in plan.seeds:
        order = np.random.default_rng([seed, 0]).permutation(len(names)) if len(names) > folds else range(len(names))
        parts = [sorted(order[fold::folds]) for fold in range(folds)]
        for fold, part in enumerate(parts):
            tested = tuple(names[n] for n in part)
            training = tuple(name for name in names if name not in tested)
            result += _of_arms(plan, fold, seed, training, tested)
    return result


def _split(names: Sequence[str], plan: StudyPlan) -> list[Trial]:
    learnt, validated, tested = plan.split
    if learnt + validated + tested > len(names):
        raise InputError(f"{len(names)} scans are too few for a split of {learnt}, {validated}, {tested}")
    if "full" in plan.arms and plan.full_scans >= learnt:
        raise InputError(f"{plan.full_scans} fully painted scans of {learnt} leave nothing to compare with")
    result = []
    for seed in plan.seeds:
        order = np.random.default_rng([seed, 0]).permutation(len(names))
        ends = np.cumsum([0, learnt, validated, tested])
        parts = [tuple(names[n] for n in sorted(order[start:end])) for start, end in itertools.pairwise(ends)]
        result += _of_arms(plan, 0, seed, parts[0], parts[2], parts[1])
    return result


def _of_arms(plan: StudyPlan, fold: int, seed: int, training, tested, validation=()) -> list[Trial]:
    steps = plan.steps or ("",)
    return [Trial(arm, fold, seed, training, tested, validation, step) for arm in plan.arms for step in steps]


def painted_planes(
    trial: Trial, plan: StudyPlan, cases: Mapping[str, LoadedCase], selector: SelectorBase
) -> dict[str, list[int]]:
    """The planes that the simulated expert paints, by scan; scans without any are left out of the training."""
    lengths = {name: _length(cases[name]) for name in trial.training}
    whole = {name: list(range(*_ends(cases[name]))) for name in trial.training}
    if trial.arm == "all":
        return whole
    order = np.random.default_rng([trial.seed, 1, trial.fold]).permutation(len(trial.training))
    chosen = [trial.training[n] for n in order[: plan.full_scans]]
    if trial.arm == "full":
        return {name: whole[name] for name in trial.training if name in chosen}
    counts = _shared_out(sum(lengths[name] for name in chosen), list(lengths.values()))
    painted = {}
    for number, (name, count) in enumerate(zip(trial.training, counts, strict=True)):
        if count:
            rng = np.random.default_rng([trial.seed, 2, trial.fold, number])
            volume, expert = cases[name].volume, cases[name].expert
            suggestions = selector.select(volume, expert.paint([]), count, rng)
            painted[name] = sorted(suggestion.plane for suggestion in suggestions)
    return painted


def _ends(case: LoadedCase) -> tuple[int, int]:
    first, last = case.expert.plane_range
    return first, last + 1


def _length(case: LoadedCase) -> int:
    first, end = _ends(case)
    return end - first


def _shared_out(total: int, lengths: list[int]) -> list[int]:
    """`total` planes in proportion to the lengths, the largest remainders rounded up."""
    shares = total * np.array(lengths) / sum(lengths)
    counts = np.floor(shares).astype(int)
    for number in np.argsort(counts - shares, kind="stable")[: total - counts.sum()]:
        counts[number] += 1
    return counts.tolist()
