"""A session's prediction as a job: built from the scene, run by any runner, refused if the scene has moved on."""

from __future__ import annotations

from collections.abc import Generator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from SparseAnnotateLib import environment
from SparseAnnotateLib.annotation import SparseAnnotation
from SparseAnnotateLib.completeness import union
from SparseAnnotateLib.errors import InputError
from SparseAnnotateLib.jobs import Job, JobHandle, JobState, Runner
from SparseAnnotateLib.predictors import Prediction

from . import initial
from .planes import Present
from .session import AnnotationSession


@dataclass(frozen=True)
class _Basis:
    """What a prediction rests on."""

    volume: tuple
    painted: dict[int, tuple[str, str]]
    annotation: SparseAnnotation
    initial: tuple | None = None

    def change_in(self, session: AnnotationSession) -> str | None:
        """A sentence about what has changed since; None if nothing has."""
        name = session.volume_node.GetName()
        if self.volume != session.volume_key():
            return f"the volume {name} changed while its planes were predicted: predict again"
        if self.initial != initial.stamp(session):
            return "the segmentation to start from changed while the planes were predicted: predict again"
        present = session.look()
        painted = _painted(present)
        changed = [one for one in {*self.painted, *painted} if self.painted.get(one) != painted.get(one)]
        if changed:
            return f"plane {min(changed)} was painted or changed while the others were predicted: predict again"
        now, before = annotation_of(session, present), self.annotation
        ranges = before.plane_range == now.plane_range and before.class_ranges == now.class_ranges
        if not ranges or not np.array_equal(before.known, now.known):
            return "the range or the box changed while the planes were predicted: predict again"
        return None


class RunningPrediction:
    """A prediction on its way; poll it from a timer, then `finish` it.

    Attributes
    ----------
    handle : JobHandle, for progress, `cancel` and signs of life
    job : what was submitted
    """

    def __init__(self, session: AnnotationSession, handle: JobHandle, job: Job, basis: _Basis | None):
        self.session, self.handle, self.job = session, handle, job
        self._basis = basis

    def poll(self) -> JobState:
        """Where it stands; a session that ended cancels it."""
        if self.session.ended:
            self.handle.cancel()
        return self.handle.poll()

    def finish(self) -> Prediction:
        """Show the result in the preview.

        Raises
        ------
        InputError
            Where volume, segmentation, painted planes, ranges or box have changed meanwhile, or the session ended:
            the preview stays as it was. And what the predictor refused.
        JobFailedError, JobCancelledError
            See `JobHandle.result`.
        """
        steps = self.finishing()
        while True:
            try:
                next(steps)
            except StopIteration as end:
                return end.value

    def finishing(self) -> Generator[None, None, Prediction]:
        """The same in steps, between which Slicer can draw: each takes less than a tenth of a second."""
        try:
            prediction = self.handle.result()
            yield
        finally:
            self.handle.close()
        session = self.session
        session.check_not_ended()
        session.state.versions = environment.versions()
        yield
        session.look()
        yield
        self._check(session)
        checked = session.read_contents()
        yield
        session.check_not_ended()
        if session.read_contents() != checked:
            self._check(session)
        planes = self.job.annotation.plane_range
        if self.job.initial is not None:
            planes = initial.shown_range(session, prediction.labels, session.look())
        session.state.shown_from = ""
        self._show(session, prediction, planes)
        yield
        return prediction

    @property
    def segment_ids(self) -> list[str]:
        """One a class of the prediction."""
        return [one.details["ID"] for one in self.job.annotation.classes]

    def _check(self, session: AnnotationSession) -> None:
        change = self._basis.change_in(session)
        if change is not None:
            raise InputError(change)

    def _show(self, session: AnnotationSession, prediction: Prediction, planes: tuple[int, int]) -> None:
        session.review.show(prediction, self.segment_ids, planes)

    def wait(self) -> Prediction:
        """Wait for the end, then `finish`."""
        while not self.poll().ended:
            self.handle.wait(timeout_s=0.1)
        return self.finish()


def submit(
    session: AnnotationSession,
    runner: Runner,
    predictor: str | None = None,
    options: Mapping[str, Any] | None = None,
    in_view: int | None = None,
) -> RunningPrediction:
    """Start a prediction of the planes that are not painted; what is not given stays as it was the last time.

    The plane that is `in_view` comes first where the predictor can.

    Raises
    ------
    InputError
        Where nothing is painted, what was said contradicts itself, or predictor or options do not exist.
    """
    state = session.state
    if predictor is not None and predictor != state.predictor:
        state.predictor, state.predictor_options = predictor, {}
    if options is not None:
        state.predictor_options = dict(options)
    present = session.look()
    basis = _Basis(session.volume_key(), _painted(present), annotation_of(session, present), initial.stamp(session))
    if not present.painted and session.initial_node is None:
        raise InputError("no plane is painted: paint at least one of the suggested planes")
    job = job_of(session, basis.annotation, in_view)
    handle = runner.submit(job)
    session.save()
    return RunningPrediction(session, handle, job, basis)


def job_of(session: AnnotationSession, annotation: SparseAnnotation, in_view: int | None) -> Job:
    """With the predictor that the session was predicted with last."""
    state, name = session.state, session.volume_node.GetName()
    given = {"seed": state.seed, **state.predictor_options}
    start = initial.initial_of(session, annotation.classes)
    return Job(state.predictor, session.volume, annotation, given, name, start, in_view=in_view)


def _painted(present: Present) -> dict[int, tuple[str, str]]:
    """How each painted plane is painted, and what it holds."""
    given = sorted({*present.painted, *present.parts})
    return {plane: (present.states[plane].value, present.contents[plane]) for plane in given}


def annotation_of(session: AnnotationSession, present: Present) -> SparseAnnotation:
    """What a prediction rests on; where nobody clicked first and last nothing is predicted beyond what is painted."""
    annotation = session.annotation(present)
    if session.plane_range is None and session.initial_node is None and present.painted:
        given = [*present.painted, *present.parts]
        shown, ranges = (min(given), max(given)), annotation.class_ranges
        ends = union([shown, *ranges.values()])
        annotation = annotation.with_range(*ends)
        if ends != shown:
            # One structure's range says nothing of the others.
            of_others = dict.fromkeys(range(1, annotation.class_count + 1), shown)
            annotation = annotation.with_class_ranges({**of_others, **ranges})
    return annotation
