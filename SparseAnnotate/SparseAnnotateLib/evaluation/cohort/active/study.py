"""The study of Zhang 2019, done: networks trained and tested, one after the other, each only once."""

from __future__ import annotations

import dataclasses
import functools
import hashlib
import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from ....cohort.applying.heads import Applying
from ....cohort.applying.looking import Look, look_at
from ....cohort.model import CohortModel
from ....cohort.scans import CohortScan
from ....cohort.training.settings import TrainingSettings
from ...datasets import LabelledCase
from ...grid.planner import View
from ...simulation.loading import LoadedCase, load_case
from ..keeping import ResultLines, trained_once
from .asking import Painted, first_planes, next_planes
from .measures import measured
from .plan import FULL, PAINTED, UNPAINTED, ActivePlan, Round, rounds

# Images and references that are kept in memory at once.
_CASES_IN_MEMORY = 32


class ActiveStudy:
    """A study in a folder: ``active.jsonl`` with a line for each network and scan, and the networks themselves.

    Parameters
    ----------
    cases : the scans, dealt out to parts A and B
    view : how scans are read, and what is clicked: with "none", as in the paper, which knows no ends, every plane may
        be asked for; with "all" those of the structures, and nothing lies beyond them
    overlap : of the windows that a network is slid over a scan in
    """

    def __init__(
        self,
        folder: Path,
        cases: Sequence[LabelledCase],
        plan: ActivePlan,
        settings: TrainingSettings,
        view: View,
        *,
        overlap: float = 0.5,
    ):
        self.folder, self.plan, self.settings = folder, plan, settings
        self._files = {case.name: case for case in cases}
        self._view = view
        self._how = Applying(device=settings.device, overlap=overlap)
        self._lines = ResultLines(folder / "active.jsonl")
        self.parts = {seed: plan.parts(list(self._files), seed) for seed in plan.seeds}
        self.rounds = rounds(plan)
        self._looks: dict[str, Any] = {}
        self._load = functools.lru_cache(_CASES_IN_MEMORY)(self._read)

    def _read(self, name: str) -> LoadedCase:
        return load_case(self._files[name], self._view, "0", 0)

    def run(self, say: Callable[[str], None]) -> list[dict[str, Any]]:
        """Do what is missing; returns all results, those of before included."""
        (self.folder / "models").mkdir(parents=True, exist_ok=True)
        results: list[dict[str, Any]] = []
        before: tuple[Painted, CohortModel, str] | None = None
        for count, one in enumerate(self.rounds, 1):
            if one.number == 0:
                before = None
            painted = self._painted(one, before)
            identity = self._identity(one, painted, before)
            say(f"{count} of {len(self.rounds)}: {one.name_with(self.plan)}, {sum(map(len, painted.values()))} planes")
            model = trained_once(
                self.folder / "models" / f"{identity}.safetensors",
                functools.partial(self._scans, painted),
                dataclasses.replace(self.settings, seed=one.seed),
                None if before is None else before[1],
                say,
            )
            if one.strategy != FULL or one.number == len(self.plan.shares) - 1:
                results += self._tested(one, painted, identity, model)
            before = painted, model, identity
        return results

    def _painted(self, one: Round, before) -> Painted:
        names, shares = self.parts[one.seed][0], self.plan.shares
        ends = {name: self._load(name).expert.plane_range for name in names}
        ranges = {name: range(first, last + 1) for name, (first, last) in ends.items()}
        if one.strategy == FULL:
            return {name: list(planes) for name, planes in ranges.items()}
        if before is None:
            return first_planes(one.strategy, ranges, shares[0], one.seed)
        painted, model, identity = before
        now = shares[0], shares[one.number]
        return next_planes(one.strategy, painted, ranges, now, one.seed, functools.partial(self._look, model, identity))

    def _look(self, model: CohortModel, identity: str, name: str) -> Look:
        """What a network says of a scan; of the last one looked at it is kept, for it is tested and then asked."""
        if self._looks.get("identity") != identity:
            self._looks = {"identity": identity}
        if name not in self._looks:
            self._looks[name] = look_at(model, self._load(name).volume, self._how)
        return self._looks[name]

    def _scans(self, painted: Painted) -> list[CohortScan]:
        cases = {name: self._load(name) for name in painted}
        return [CohortScan(name, cases[name].volume, cases[name].expert.paint(painted[name])) for name in painted]

    def _identity(self, one: Round, painted: Painted, before) -> str:
        """The same for the same network: strategies that paint alike share it."""
        files = {name: str(self._files[name].labels.resolve()) for name in painted}
        view = dataclasses.asdict(self._view)
        parts = [
            painted,
            files,
            one.seed,
            dataclasses.asdict(self.settings),
            view,
            None if before is None else before[2],
        ]
        return hashlib.sha256(json.dumps(parts, sort_keys=True, default=str).encode()).hexdigest()[:16]

    def _tested(self, one: Round, painted: Painted, identity: str, model: CohortModel) -> list[dict[str, Any]]:
        """A line for each scan of both parts."""
        done = {row["case"]: row for row in self._lines.of(identity)}
        rows = []
        for part, names in zip((PAINTED, UNPAINTED), self.parts[one.seed], strict=True):
            for name in names:
                if name not in done:
                    done[name] = {
                        "identity": identity,
                        "case": name,
                        **measured(self._look(model, identity, name), model.configuration, self._load(name)),
                    }
                    self._lines.append(done[name])
                rows.append({**done[name], **self._told(name, painted), **dataclasses.asdict(one), "part": part})
        return rows

    def _told(self, name: str, painted: Painted) -> dict[str, Any]:
        """What is painted of a scan: which planes, and on how many of them there is nothing to paint."""
        planes = painted.get(name, [])
        nothing = sum(not self._load(name).expert.reference[plane].any() for plane in planes)
        return {"painted": planes, "painted_empty": nothing, "painted_in_all": sum(map(len, painted.values()))}

    def modelled_seconds(self) -> float:
        """What all trainings take on two cores, roughly: as long as the first one, each."""
        from ....cohort.training.cohort import prepare
        from ....cohort.training.distributed import Processes
        from ....cohort.training.trainer import Trainer

        scans = self._scans(self._painted(self.rounds[0], None))
        trainer = Trainer(prepare(scans, self.settings), self.settings, processes=Processes())
        return len(self.rounds) * trainer.epochs * trainer.modelled_seconds_per_epoch()
