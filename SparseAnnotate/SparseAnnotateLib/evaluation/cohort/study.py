"""The study of Specktor-Fadida 2023, done: networks trained and tested, one after the other, each only once."""

from __future__ import annotations

import dataclasses
import functools
import hashlib
import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from ... import metrics
from ...cohort.applying.heads import Applying
from ...cohort.applying.predicting import predict_scan
from ...cohort.grids import check_spacing
from ...cohort.model import CohortConfiguration, CohortModel
from ...cohort.scans import CohortScan
from ...cohort.training.settings import TrainingSettings
from ...errors import InputError
from ...selectors import SelectorBase
from ..datasets import LabelledCase
from ..grid.planner import View
from ..simulation.loading import LoadedCase, load_case
from .keeping import ResultLines, trained_once
from .plan import StudyPlan, Trial, painted_planes, trials
from .scanner import as_another_scanner

IN, SCANNER, OUT = "in", "scanner", "out"

# How the paper's two steps are trained here.
_OPTIMISATION = {"one": "plateau", "two": "restarts"}

# Images and references that are kept in memory at once.
_CASES_IN_MEMORY = 32


class CohortStudy:
    """A study in a folder: ``results.jsonl`` with a line for each network and scan, and the networks themselves.

    Parameters
    ----------
    cases : the scans that are dealt out; each is learnt from and tested on
    others : scans of another kind (out of distribution), on which every network is tested too
    view : how scans are read
    tidy : keep only the largest part of each structure, as `predict_scan` does
    scanner : every network is tested on the scans once more as another scanner might show them, too
    """

    def __init__(
        self,
        folder: Path,
        cases: Sequence[LabelledCase],
        others: Sequence[LabelledCase],
        plan: StudyPlan,
        settings: TrainingSettings,
        selector: SelectorBase,
        view: View,
        *,
        tidy: bool = True,
        scanner: bool = False,
    ):
        double = {case.name for case in cases} & {case.name for case in others}
        if double:
            raise InputError(f"{min(double)} is in both data sets: rename it in one of them")
        self.folder, self.plan, self.settings, self.selector, self.tidy = folder, plan, settings, selector, tidy
        self._files = {case.name: case for case in [*cases, *others]}
        self._others, self._scanner = tuple(case.name for case in others), scanner
        self._lines = ResultLines(folder / "results.jsonl")
        self._view = view
        self.trials = trials([case.name for case in cases], plan)
        self._load = functools.lru_cache(_CASES_IN_MEMORY)(self._read)

    def _read(self, name: str) -> LoadedCase:
        return load_case(self._files[name], self._view, "0", 0)

    def run(self, say: Callable[[str], None]) -> list[dict[str, Any]]:
        """Do what is missing; returns all results, those of before included."""
        self.refuse_strangers()
        (self.folder / "models").mkdir(parents=True, exist_ok=True)
        results = []
        for number, trial in enumerate(self.trials, 1):
            wanted = self._wanted(trial)
            painted, identity, done = self._begun(trial)
            missing = [pair for pair in wanted if pair not in done]
            say(f"{number} of {len(self.trials)}: {trial.name}, {len(wanted) - len(missing)} of {len(wanted)} tested")
            if missing:
                model = self.model(trial, painted, identity, say)
                for distribution, name in missing:
                    done[(distribution, name)] = self._tested(trial, painted, identity, model, distribution, name)
                    self._lines.append(done[(distribution, name)])
            results += [done[pair] for pair in wanted]
        return results

    def _begun(self, trial: Trial) -> tuple[dict[str, list[int]], str, dict[tuple[str, str], dict[str, Any]]]:
        """What is painted for a network, its identity, and the results that it has already."""
        painted = self._painted(trial)
        identity = self._identity(trial, painted)
        return painted, identity, {(one["distribution"], one["case"]): one for one in self._lines.of(identity)}

    def _wanted(self, trial: Trial) -> list[tuple[str, str]]:
        """What a network is tested on: distributions and scans."""
        shown = (IN, SCANNER) if self._scanner else (IN,)
        return [*((one, name) for one in shown for name in trial.tested), *((OUT, name) for name in self._others)]

    def refuse_strangers(self) -> None:
        """Refuse scans of another kind that no network here can be tested on, before any is trained.

        Raises
        ------
        InputError
            For a structure that none of the other scans has, or voxels of quite another size.
        """
        if not self._others:
            return
        learnt = [self._load(name) for name in self._files if name not in self._others]
        values = {one.value for case in learnt for one in case.expert.classes}
        spacing_mm = np.median([case.volume.spacing_mm for case in learnt], axis=0)
        for name in self._others:
            case = self._load(name)
            unknown = sorted({one.value for one in case.expert.classes} - values)
            if unknown:
                raise InputError(
                    f"{name} has the structure {unknown[0]}, which the scans to learn from lack (they have "
                    f"{', '.join(map(str, sorted(values)))}): choose what both have with --classes, or change labels"
                )
            check_spacing(case.volume.spacing_mm, spacing_mm, name)

    def left_to_do(self) -> tuple[list[Trial], int]:
        """The networks that are not trained yet, those that second steps begin from included, and the tests to do."""
        untrained, tests = {}, 0
        for trial in self.trials:
            painted, _, done = self._begun(trial)
            missing = sum(pair not in done for pair in self._wanted(trial))
            tests += missing
            needed = [dataclasses.replace(trial, step="one"), trial] if trial.step == "two" else [trial]
            paths = [self._path(one, self._identity(one, painted)) for one in needed]
            if missing and not paths[-1].exists():
                untrained |= {path: one for path, one in zip(paths, needed, strict=True) if not path.exists()}
        return list(untrained.values()), tests

    def modelled_seconds(self, untrained: Sequence[Trial]) -> float:
        """What these trainings take on two cores, roughly: as long as the first one, each."""
        from ...cohort.training.cohort import prepare
        from ...cohort.training.distributed import Processes
        from ...cohort.training.trainer import Trainer

        trial = untrained[0]
        scans, settings = self._scans(trial, self._painted(trial)), self._settings(trial)
        trainer = Trainer(prepare(scans, settings), settings, processes=Processes())
        return len(untrained) * trainer.epochs * trainer.modelled_seconds_per_epoch()

    def _painted(self, trial: Trial) -> dict[str, list[int]]:
        cases = {name: self._load(name) for name in trial.training}
        return painted_planes(trial, self.plan, cases, self.selector)

    def _identity(self, trial: Trial, painted: Mapping[str, list[int]]) -> str:
        """The same for the same network, made in the same way from the same planes of the same files."""
        files = {name: str(self._files[name].labels.resolve()) for name in painted}
        parts = [
            trial.name,
            painted,
            files,
            dataclasses.asdict(self.settings),
            self.tidy,
            dataclasses.asdict(self._view),
            trial.validation,
        ]
        return hashlib.sha256(json.dumps(parts, sort_keys=True, default=str).encode()).hexdigest()[:12]

    def _path(self, trial: Trial, identity: str) -> Path:
        return self.folder / "models" / f"{trial.name}-{identity}.safetensors"

    def model(
        self, trial: Trial, painted: Mapping[str, list[int]], identity: str, say: Callable[[str], None]
    ) -> CohortModel:
        """The network of a trial, trained where its file is not there yet; a training that was cut short goes on."""
        path = self._path(trial, identity)
        start = None if path.exists() else self._start(trial, painted, say)
        return trained_once(path, lambda: self._scans(trial, painted), self._settings(trial), start, say)

    def _scans(self, trial: Trial, painted: Mapping[str, list[int]]) -> list[CohortScan]:
        """What is learnt from, and the scans to validate with, which are painted wholly."""
        clicked = trial.arm != "partial-no-borders"
        scans = [self._scan(name, planes, clicked=clicked) for name, planes in painted.items()]
        for name in trial.validation:
            first, last = self._load(name).expert.plane_range
            scans.append(self._scan(name, range(first, last + 1)))
        return scans

    def _scan(self, name: str, planes: Iterable[int], *, clicked: bool = True) -> CohortScan:
        case = self._load(name)
        return CohortScan(name, case.volume, case.expert.paint(planes, clicked=clicked))

    def _settings(self, trial: Trial) -> TrainingSettings:
        changes: dict[str, Any] = {"seed": trial.seed}
        if trial.validation:
            changes["validation_scans"] = trial.validation
        if trial.step:
            changes["optimisation"] = _OPTIMISATION[trial.step]
        return dataclasses.replace(self.settings, **changes)

    def _start(self, trial: Trial, painted: Mapping[str, list[int]], say: Callable[[str], None]) -> CohortModel | None:
        """The network after the first step, for the second one."""
        if trial.step != "two":
            return None
        first = dataclasses.replace(trial, step="one")
        return self.model(first, painted, self._identity(first, painted), say)

    def _tested(self, trial, painted, identity: str, model: CohortModel, distribution: str, name: str) -> dict:
        case = self._load(name)
        how = Applying(device=self.settings.device)
        volume = as_another_scanner(case.volume) if distribution == SCANNER else case.volume
        *_, prediction = predict_scan(model, volume, how, main_component=self.tidy)
        return {
            "identity": identity,
            "arm": trial.arm,
            "step": trial.step,
            "fold": trial.fold,
            "seed": trial.seed,
            "distribution": distribution,
            "case": name,
            "training_scans": len(painted),
            "painted_planes": sum(len(planes) for planes in painted.values()),
            "expected_dice": prediction.expected_dice,
            **measured(prediction.labels, model.configuration, case),
        }


def measured(labels: np.ndarray, configuration: CohortConfiguration, case: LoadedCase) -> dict[str, float | None]:
    """Means over the reference's structures: Dice, Hausdorff in mm, 2-D ASSD in mm (mean over planes).

    Parameters
    ----------
    labels : class numbers of the network, matched with the reference's by their values
    """
    expert, spacing_mm = case.expert, case.volume.spacing_mm
    numbers = {one.value: number for number, one in enumerate(expert.classes, 1)}
    table = np.array([0, *(numbers.get(value, 0) for value in configuration.class_values)], np.uint8)
    ours = table[labels]
    agreement = metrics.compare(ours, expert.reference, len(expert.classes), spacing_mm, range(len(ours)))
    slices = [
        metrics.mean_of(metrics.assd_per_plane(ours == number, expert.reference == number, spacing_mm))
        for number in numbers.values()
    ]
    values = {
        "dice": agreement.dice_all,
        "hausdorff_mm": agreement.mean_distance("hausdorff_mm"),
        "hausdorff95_mm": agreement.mean_distance("hausdorff95_mm"),
        "assd_2d_mm": float(metrics.mean_of(np.array(slices))),
    }
    return {name: float(value) if np.isfinite(value) else None for name, value in values.items()}
