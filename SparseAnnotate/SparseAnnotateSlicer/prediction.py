"""A session's prediction as a job: built from the scene, run by any runner, refused if the scene has moved on."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from SparseAnnotateLib import environment
from SparseAnnotateLib.annotation import SparseAnnotation
from SparseAnnotateLib.errors import InputError
from SparseAnnotateLib.jobs import Job, JobHandle, JobState, Runner
from SparseAnnotateLib.predictors import Prediction

from .session import AnnotationSession


@dataclass(frozen=True)
class _Basis:
    """What a prediction rests on."""

    volume: tuple
    painted: dict[int, tuple[str, str]]
    annotation: SparseAnnotation

    def difference(self, now: _Basis, volume_name: str) -> str | None:
        """A sentence about what has changed since; None if nothing has."""
        if self.volume != now.volume:
            return f"the volume {volume_name} changed while its planes were predicted: predict again"
        changed = [
            plane for plane in {*self.painted, *now.painted} if self.painted.get(plane) != now.painted.get(plane)
        ]
        if changed:
            return f"plane {min(changed)} was painted or changed while the others were predicted: predict again"
        mine, theirs = self.annotation, now.annotation
        ranges = mine.plane_range == theirs.plane_range and mine.class_ranges == theirs.class_ranges
        if not ranges or not np.array_equal(mine.known, theirs.known):
            return "the range or the box changed while the planes were predicted: predict again"
        if [one.details["ID"] for one in mine.classes] != [one.details["ID"] for one in theirs.classes]:
            return "the segments changed while the planes were predicted: predict again"
        return None


class RunningPrediction:
    """A prediction on its way; poll it from a timer, then `finish` it.

    Attributes
    ----------
    handle : JobHandle, for progress, `cancel` and signs of life
    job : what was submitted
    """

    def __init__(self, session: AnnotationSession, handle: JobHandle, job: Job, basis: _Basis):
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
        try:
            prediction = self.handle.result()
        finally:
            self.handle.close()
        session = self.session
        session.check_not_ended()
        difference = self._basis.difference(_basis_of(session), session.volume_node.GetName())
        if difference is not None:
            raise InputError(difference)
        annotation = self.job.annotation
        session.state.versions = environment.versions()
        segment_ids = [one.details["ID"] for one in annotation.classes]
        session.review.show(prediction, segment_ids, annotation.plane_range)
        return prediction

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
) -> RunningPrediction:
    """Start a prediction of the planes that are not painted; what is not given stays as it was the last time.

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
    basis = _basis_of(session)
    if not basis.annotation.painted.any():
        raise InputError("no plane is painted: paint at least one of the suggested planes")
    given = {"seed": state.seed, **state.predictor_options}
    job = Job(state.predictor, session.volume, basis.annotation, given, session.volume_node.GetName())
    handle = runner.submit(job)
    session.save()
    return RunningPrediction(session, handle, job, basis)


def _basis_of(session: AnnotationSession) -> _Basis:
    present = session.look()
    annotation = session.annotation(present)
    if session.state.plane_range is None and present.painted:
        # Nobody clicked first and last: as on the command line, nothing is predicted beyond what is painted.
        annotation = annotation.with_range(present.painted[0], present.painted[-1])
    painted = {plane: (present.states[plane].value, present.contents[plane]) for plane in present.painted}
    return _Basis(session.volume_key(), painted, annotation)
