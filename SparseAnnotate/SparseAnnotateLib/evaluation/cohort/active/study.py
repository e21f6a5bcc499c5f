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
from .plan import ASKING, FULL, PAINTED, UNPAINTED, ActivePlan, Round, rounds

# Images and references that are kept in memory at once.
_CASES_IN_MEMORY = 32


class ActiveStudy:
    """A study in a folder: the networks, ``active.jsonl`` with a line for each of them and each scan, ``asked.jsonl``.

    In the last are the planes that each network has asked for, so that no scan is looked at again for them.

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
        self._lines, self._asked = (ResultLines(folder / f"{name}.jsonl") for name in ("active", "asked"))
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
                self._path(identity),
                functools.partial(self._scans, painted),
                dataclasses.replace(self.settings, seed=one.seed),
                None if before is None else before[1],
                say,
            )
            if self._is_tested(one):
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
        asked = self._asked_before(one, identity)
        if asked is None:
            look = functools.partial(self._look, model, identity)
            asked = next_planes(one.strategy, painted, ranges, now, one.seed, look)
            if one.strategy in ASKING:
                self._asked.append({**self._question(one, identity), "painted": asked})
        return asked

    def _question(self, one: Round, identity: str) -> dict[str, Any]:
        share = self.plan.shares[one.number]
        return {"identity": identity, "overlap": self._how.overlap, "strategy": one.strategy, "share": share}

    def _asked_before(self, one: Round, identity: str) -> Painted | None:
        question = self._question(one, identity).items()
        return next((line["painted"] for line in self._asked.of(identity) if question <= line.items()), None)

    def _tests(self, identity: str) -> dict[str, dict[str, Any]]:
        """The results of a network that there are, with windows that overlap as now, by scan."""
        return {row["case"]: row for row in self._lines.of(identity) if row.get("overlap") == self._how.overlap}

    def _path(self, identity: str) -> Path:
        return self.folder / "models" / f"{identity}.safetensors"

    def left_to_do(self) -> tuple[int, int]:
        """How many networks are to be trained and how many tests are to be done, at most.

        Strategies that come to paint alike share a network, which is known only when planes have been asked for.
        """
        untrained, tests = set(), {}
        before: tuple[Painted, None, str] | None = None
        for count, one in enumerate(self.rounds):
            known = one.number == 0 or (before is not None and self._can_be_told(one, before[2]))
            painted = self._painted(one, None if one.number == 0 else before) if known else {}
            network = self._identity(one, painted, None if one.number == 0 else before) if known else f"unknown {count}"
            if not self._path(network).exists():
                untrained.add(network)
            if self._is_tested(one):
                tests[network] = len(self._files) - len(self._tests(network))
            before = (painted, None, network) if known else None
        return len(untrained), sum(tests.values())

    def _can_be_told(self, one: Round, identity: str) -> bool:
        """Whether it is known what is painted after the network, without a look at scans."""
        return one.strategy not in ASKING or self._asked_before(one, identity) is not None

    def _is_tested(self, one: Round) -> bool:
        return one.strategy != FULL or one.number == len(self.plan.shares) - 1

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
        done = self._tests(identity)
        rows = []
        for part, names in zip((PAINTED, UNPAINTED), self.parts[one.seed], strict=True):
            for name in names:
                if name not in done:
                    done[name] = {
                        "identity": identity,
                        "case": name,
                        "overlap": self._how.overlap,
                        **measured(self._look(model, identity, name), model.configuration, self._load(name)),
                    }
                    self._lines.append(done[name])
                rows.append({**done[name], **self._told(name, painted), **dataclasses.asdict(one), "part": part})
        return rows

    def _told(self, name: str, painted: Painted) -> dict[str, Any]:
        """What is painted of a scan: which planes, on how many of them there is nothing to paint; its structures."""
        planes, expert = painted.get(name, []), self._load(name).expert
        nothing = sum(not expert.reference[plane].any() for plane in planes)
        told = {"painted": planes, "painted_empty": nothing, "painted_in_all": sum(map(len, painted.values()))}
        return {**told, "structures": len(expert.classes)}

    def modelled_seconds(self, networks: int) -> float:
        """What so many trainings take on two cores, roughly: as long as the first one, each."""
        from ....cohort.training.cohort import prepare
        from ....cohort.training.distributed import Processes
        from ....cohort.training.trainer import Trainer

        scans = self._scans(self._painted(self.rounds[0], None))
        trainer = Trainer(prepare(scans, self.settings), self.settings, processes=Processes())
        return networks * trainer.epochs * trainer.modelled_seconds_per_epoch()
