"""Predicting as the user paints: what a prediction rests on, when the next one is due, and how its result is shown."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from SparseAnnotateLib.completeness import union
from SparseAnnotateLib.errors import InputError
from SparseAnnotateLib.jobs import Job, JobHandle, Runner
from SparseAnnotateLib.predictors import Prediction

from ..scene.box import box_of
from . import initial
from .planes import Present
from .prediction import RunningPrediction, annotation_of, job_of
from .session import AnnotationSession

# Shown at once where the prediction takes longer than a second: 155 planes of 240x240 with four structures take it a
# quarter of a second, `guided` six.
SKETCH = "shape"
SKETCHED_BEFORE = ("guided",)
SKETCH_FROM_S = 1.0


@dataclass(frozen=True)
class Basis:
    """What a prediction rests on, to be compared: made in a millisecond, without looking at a voxel.

    Attributes
    ----------
    planes : of each plane that holds something of the user: its state, what is complete there, and its content
    image : changes when the image does
    said : segments that are painted anywhere, ranges, box, and the segmentation to start from
    """

    planes: Mapping[int, tuple[str, str]]
    image: tuple
    said: tuple

    @classmethod
    def of(cls, session: AnnotationSession, present: Present) -> Basis:
        """What a prediction of a session would rest on now."""
        state = session.state
        used = present.shown.any(axis=0)
        ids = [one for one, shown in zip(present.layers.segment_ids, used, strict=True) if shown]
        said = (
            ids,
            state.plane_range,
            state.segment_ranges.copy(),
            # Of the others what is complete on a plane says it.
            {one: planes.copy() for one, planes in state.segment_marks.items() if planes and one not in ids},
            _box(session),
            initial.stamp(session),
        )
        given = sorted({*present.painted, *present.parts})
        planes = {plane: _held(present, plane, used) for plane in given}
        return cls(planes, session.volume_key(), said)

    def changed_in(self, now: Basis) -> list[int]:
        """The planes that hold something else of the user, or nothing any more."""
        return sorted(plane for plane in {*self.planes, *now.planes} if self.planes.get(plane) != now.planes.get(plane))

    def holds_in(self, now: Basis) -> bool:
        """Whether all of it is still so: planes may have been painted since, none was changed or erased."""
        same = self.image == now.image and self.said == now.said
        return same and all(now.planes.get(plane, (None, None))[1] == held[1] for plane, held in self.planes.items())


def _held(present: Present, plane: int, used: np.ndarray) -> tuple[str, str]:
    complete = present.complete[plane, used].tobytes().hex()
    return f"{present.states[plane].value} {complete} {plane in present.parts}", present.contents[plane]


def _box(session: AnnotationSession) -> tuple | str:
    if session.box_node is None:
        return ""
    try:
        return box_of(session.box_node, session.volume_node, session.volume)
    except InputError as error:
        return str(error)


def is_due(
    session: AnnotationSession,
    present: Present,
    last: Basis | None,
    now: Basis,
    to_paint: Collection[int],
    in_view: int | None,
) -> bool:
    """Whether the next prediction may start: something changed since the last one, and what was painted is complete.

    A slice is complete once nothing that a suggestion names is left to paint on it, and once all structures that are
    painted anywhere are complete there; who looks at another slice is done with it. Parts of strokes made elsewhere
    never start a prediction; slices painted in another view do.

    Parameters
    ----------
    last, now : what the last prediction rests on, None without one; and what the next one would
    to_paint : suggested slices on which something is left to paint
    in_view : the slice that is shown
    """
    if last == now or session.state.origin == initial.ASKED or not present.painted:
        return False
    if not _is_any_left(session, present):
        return False
    if last is None:
        changed = [*now.planes]
    elif last.said != now.said or last.image != now.image:
        return True
    else:
        changed = last.changed_in(now)
    return any(_is_done(present, plane, to_paint, in_view) for plane in changed)


def _is_any_left(session: AnnotationSession, present: Present) -> bool:
    """Whether there is a plane to predict."""
    if session.initial_node is not None:
        return True
    ends = session.plane_range
    if ends is None:
        given = [(plane, plane) for plane in (*present.painted, *present.parts)]
        ends = union([*given, *session.state.segment_ranges.values()])
    return bool({*range(ends[0], ends[1] + 1)} - {*present.whole})


def _is_done(present: Present, plane: int, to_paint: Collection[int], in_view: int | None) -> bool:
    if plane in present.parts:
        return bool(present.along)
    if plane in to_paint:
        return False
    # What was erased, or taken back, has nothing left to paint either.
    return plane not in present.incomplete or plane != in_view


class LivePrediction(RunningPrediction):
    """One that was started by painting: what is painted meanwhile, elsewhere, does not make it void.

    Attributes
    ----------
    rests_on : Basis
    planes : those whose labels are replaced, where they were predicted before; None for all
    """

    def __init__(self, session, handle: JobHandle, job: Job, rests_on: Basis, planes: Collection[int] | None = None):
        super().__init__(session, handle, job, None)
        self.rests_on, self.planes = rests_on, planes

    def holds(self) -> bool:
        """Whether what it rests on is still so."""
        session = self.session
        if session.ended or session.is_orphan():
            return False
        return self.rests_on.holds_in(Basis.of(session, session.look()))

    def show_planes(self, planes: Mapping[int, np.ndarray]) -> None:
        """Show planes before the others are there: labels by plane."""
        if self.holds():
            self.session.review.show_planes(planes, self.segment_ids)

    def _check(self, session: AnnotationSession) -> None:  # noqa: ARG002 - its own
        if not self.holds():
            raise InputError("what the prediction rests on changed meanwhile")

    def _show(self, session: AnnotationSession, prediction: Prediction, planes: tuple[int, int]) -> None:
        session.review.show(prediction, self.segment_ids, planes, only=self.planes, keeps_accepted=True)


def submit_live(
    session: AnnotationSession,
    runner: Runner,
    predictor: str,
    options: Mapping[str, Any],
    in_view: int | None,
    last: Basis | None,
) -> list[LivePrediction]:
    """Start what is due: a sketch first where it is worth it, then the prediction; the one runs after the other.

    Raises
    ------
    InputError
        Where what was said contradicts itself, or predictor or options do not exist.
    """
    present, state = session.look(), session.state
    rests_on = Basis.of(session, present)
    if predictor != state.predictor:
        state.predictor, state.predictor_options = predictor, {}
    state.predictor_options = dict(options)
    job = job_of(session, annotation_of(session, present), in_view)
    job.check()
    took_s = state.prediction_s if state.predicted and last is not None else None
    started = []
    if predictor in SKETCHED_BEFORE and job.initial is None and (took_s is None or took_s > SKETCH_FROM_S):
        sketch = Job(SKETCH, job.volume, job.annotation, {}, job.name, in_view=in_view)
        planes = None if last is None else _beside(present, last.changed_in(rests_on))
        started.append(LivePrediction(session, runner.submit(sketch), sketch, rests_on, planes))
    started.append(LivePrediction(session, runner.submit(job), job, rests_on))
    session.save()
    return started


def _beside(present: Present, changed: Collection[int]) -> set[int]:
    """The planes of the gaps beside those that changed."""
    painted = np.array(sorted(present.painted))
    planes: set[int] = set()
    for plane in changed:
        before, after = painted[painted < plane], painted[painted > plane]
        first = int(before[-1]) + 1 if len(before) else 0
        last = int(after[0]) - 1 if len(after) else len(present.states) - 1
        planes |= {*range(first, last + 1)}
    return planes
