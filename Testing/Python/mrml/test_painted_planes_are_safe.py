"""Whatever the user and we do in whatever order: we never change a voxel that the user painted.

On planes that are complete for all structures that is every voxel; on others what the user painted there.
"""

import tempfile
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)
from nodes import add_segmentation, add_volume, ids_of, paint
from SparseAnnotateLib.errors import InputError
from SparseAnnotateLib.jobs import InlineRunner
from SparseAnnotateSlicer.scene.files import load_scene, save_scene
from SparseAnnotateSlicer.session.initial import start_from
from SparseAnnotateSlicer.session.painted import NOTHING
from SparseAnnotateSlicer.session.planes import PlaneState
from SparseAnnotateSlicer.session.prediction import submit
from SparseAnnotateSlicer.session.ranges import set_end
from SparseAnnotateSlicer.session.session import AnnotationSession

SHAPE = (7, 8, 9)
PLANES = st.integers(0, SHAPE[0] - 1)


class Expert(RuleBasedStateMachine):
    """Holds its own record of what the user painted, from what they did and nothing else."""

    scene = None

    def __init__(self):
        super().__init__()
        self.scene.Clear(False)
        self.runner = InlineRunner()
        self.loaded = False
        self.painted: dict[int, list[np.ndarray]] = {}
        # What each plane held before and after our own writes: painting exactly that counts as ours.
        self.ours: dict[int, list[list[np.ndarray]]] = {plane: [] for plane in range(SHAPE[0])}
        # First and last plane of each structure, as said, and as clicked so far.
        self.ranges: dict[int, tuple[int, int]] = {}
        self.clicked: dict[int, list] = {}
        # What planes held after we wrote around what the user painted, with what that was.
        self.mixed: dict[int, list[tuple[np.ndarray, np.ndarray]]] = {plane: [] for plane in range(SHAPE[0])}

    @initialize(grid=st.sampled_from(["lps", "oblique"]), shared=st.booleans())
    def begin(self, grid, shared):
        volume_node = add_volume(self.scene, shape=SHAPE, grid=grid)
        node = add_segmentation(self.scene, volume_node)
        if shared:
            node.GetSegmentation().CollapseBinaryLabelmaps(True)
        made = add_segmentation(self.scene, volume_node, name="of a program")
        for number, segment_id in enumerate(ids_of(made)):
            mask = np.zeros(SHAPE, bool)
            mask[1:6, 1:6, 4 * number : 4 * number + 5] = True
            paint(made, segment_id, volume_node, mask)
        self.session = AnnotationSession.start(volume_node, node, "k")
        self.session.set_range(0, SHAPE[0] - 1)
        self.user_paints(1, 0, 1)
        self.user_paints(4, 1, 2)
        self.we_predict("nearest")

    def masks(self):
        """Every segment, straight from the scene: bool (segments, planes, rows, columns)."""
        session = self.session
        layers = session.look().layers
        masks = np.zeros((2, *SHAPE), bool)
        for plane in range(SHAPE[0]):
            for segment_id, mask in layers.masks(plane):
                masks[session.segment_ids.index(segment_id), plane] = mask
        return masks

    @rule(plane=PLANES, segment=st.integers(0, 1), seed=st.integers(0, 50))
    def user_paints(self, plane, segment, seed):
        session, masks = self.session, self.masks()
        masks[segment, plane] = np.random.default_rng(seed).random(SHAPE[1:]) < 0.4
        masks[1 - segment, plane] &= ~masks[segment, plane]
        for number, segment_id in enumerate(ids_of(session.segmentation_node)):
            paint(session.segmentation_node, segment_id, session.volume_node, masks[number])
        self.user_left(plane, masks[:, plane])

    @rule(plane=PLANES, segment=st.integers(0, 1), row=st.integers(0, 2))
    def user_paints_one_structure_alone(self, plane, segment, row):
        """As people work in Slicer, segment by segment: of the other structure nothing is painted there."""
        masks = self.masks()
        masks[:, plane] = False
        masks[segment, plane, row : row + 6, 4 * segment : 4 * segment + 4] = True
        self.leave(masks, [plane])

    @rule(segment=st.integers(0, 1), column=st.integers(0, SHAPE[2] - 1), planes=st.lists(PLANES, min_size=1))
    def user_draws_a_stroke_in_another_view(self, segment, column, planes):
        masks = self.masks()
        blank = {plane for plane in planes if not masks[:, plane].any()}
        for plane in planes:
            masks[:, plane, 2:6, column] = False
            masks[segment, plane, 2:6, column] = True
        self.session.say_strokes(blank, ())
        self.leave(masks, planes)

    @rule(plane=PLANES, segment=st.integers(0, 1), complete=st.sampled_from([True, False, None]))
    def user_says_whether_a_structure_is_complete(self, plane, segment, complete):
        session = self.session
        if complete is None or session.look().states[plane] in (PlaneState.PAINTED, PlaneState.PARTLY):
            session.mark_segment(plane, session.segment_ids[segment], complete)

    def leave(self, masks, planes):
        session = self.session
        for number, segment_id in enumerate(ids_of(session.segmentation_node)):
            paint(session.segmentation_node, segment_id, session.volume_node, masks[number])
        for plane in planes:
            self.user_left(plane, masks[:, plane])

    def user_left(self, plane, content):
        for held, painted in reversed(self.mixed[plane]):
            if np.array_equal(held, content):
                self.painted[plane] = painted
                return
        if not content.any() or any(np.array_equal(content, one) for one in self.ours[plane]):
            self.painted.pop(plane, None)
        else:
            self.painted[plane] = content.copy()

    @rule(plane=PLANES)
    def user_erases(self, plane):
        session, masks = self.session, self.masks()
        masks[:, plane] = False
        for number, segment_id in enumerate(ids_of(session.segmentation_node)):
            paint(session.segmentation_node, segment_id, session.volume_node, masks[number])
        self.user_left(plane, masks[:, plane])

    @rule(plane=PLANES)
    def user_confirms_an_empty_plane(self, plane):
        if self.session.look().contents[plane] == NOTHING:
            self.session.mark(plane, "empty")

    @rule(segment=st.integers(0, 1), ends=st.tuples(PLANES, PLANES))
    def user_says_the_range_of_a_structure(self, segment, ends):
        first, last = sorted(ends)
        self.session.set_range(first, last, self.session.segment_ids[segment])
        self.ranges[segment] = (first, last)
        self.clicked.pop(segment, None)

    @rule(segment=st.integers(0, 1), plane=PLANES, first=st.booleans())
    def user_clicks_an_end(self, segment, plane, first):
        whole = self.ranges.get(segment)
        ends = list(whole or self.clicked.get(segment, (None, None)))
        ends[0 if first else 1] = plane
        if None not in ends and ends[0] > ends[1]:
            ends = ends[::-1] if whole is None else [plane, None] if first else [None, plane]
        set_end(self.session, self.session.segment_ids[segment], plane, first=first)
        for record in (self.ranges, self.clicked):
            record.pop(segment, None)
        (self.clicked if None in ends else self.ranges)[segment] = tuple(ends)

    @rule(segment=st.integers(0, 1))
    def user_takes_a_range_back(self, segment):
        self.session.clear_range(self.session.segment_ids[segment])
        self.ranges.pop(segment, None)
        self.clicked.pop(segment, None)

    @rule(starts=st.booleans())
    def user_starts_from_what_a_program_made(self, starts):
        node = self.scene.GetFirstNodeByName("of a program")
        self.write(lambda: start_from(self.session, node if starts else None))

    @rule(count=st.integers(1, 4))
    def we_suggest(self, count):
        try:
            chosen = self.session.suggest(count, "cover")
        except InputError as error:
            self.check_contradicts(error)
            return
        first, last = self.session.plane_range or (0, SHAPE[0] - 1)
        assert all(first <= one.plane <= last for one in chosen)
        assert not {one.plane for one in chosen} & {*self.session.look().whole}

    def check_contradicts(self, error):
        """Something is painted where the user said that it is not."""
        planes = [*self.painted, *(plane for plane, one in enumerate(self.masks().any(axis=(0, 2, 3))) if one)]
        first, last = self.session.plane_range or (0, SHAPE[0] - 1)
        outside = any(not first <= plane <= last for plane in planes)
        outside |= any(not low <= plane <= high for low, high in self.ranges.values() for plane in planes)
        assert "range" in str(error)
        assert outside

    @rule(predictor=st.sampled_from(["shape", "nearest"]))
    def we_predict(self, predictor):
        try:
            prediction = submit(self.session, self.runner, predictor).wait()
        except InputError as error:
            if any(one.any() for one in self.painted.values()):
                self.check_contradicts(error)
            return
        ids = self.session.state.predicted_segments
        for segment, (first, last) in self.ranges.items():
            if self.session.segment_ids[segment] in ids:
                mine = prediction.labels == ids.index(self.session.segment_ids[segment]) + 1
                assert not mine[:first].any()
                assert not mine[last + 1 :].any()

    def write(self, action):
        """One of our writes; the record learns what stood there before and after on planes that nobody painted."""
        before = self.masks()
        try:
            action()
        except InputError:
            assert np.array_equal(self.masks(), before)
            return
        after = self.masks()
        for plane in range(SHAPE[0]):
            if plane in self.painted:
                self.mixed[plane] += [(one[:, plane].copy(), self.painted[plane]) for one in (before, after)]
            else:
                self.ours[plane] += [before[:, plane].copy(), after[:, plane].copy()]

    @rule(planes=st.none() | st.lists(PLANES, min_size=1, max_size=4))
    def we_accept(self, planes):
        self.write(lambda: self.session.review.accept(planes))

    @rule(planes=st.none() | st.lists(PLANES, max_size=4))
    def we_reject(self, planes):
        self.write(lambda: self.session.review.reject(planes))

    @rule()
    def the_user_paints_and_we_accept_all(self):
        """What matters most, so that it comes often: planes painted between predicting and accepting."""
        self.user_paints(3, 0, 7)
        self.we_accept(None)

    @rule(back=st.booleans())
    def we_undo_or_redo(self, back):
        self.write(self.session.review.undo if back else self.session.review.redo)

    @precondition(lambda self: not self.loaded)
    @rule()
    def we_save_and_load(self):
        self.loaded = True
        with tempfile.TemporaryDirectory() as folder:
            save_scene(self.scene, Path(folder) / "work.mrb")
            self.scene.Clear(False)
            load_scene(self.scene, Path(folder) / "work.mrb")
        (self.session,) = AnnotationSession.all_in(self.scene)

    @invariant()
    def painted_planes_are_as_the_user_left_them(self):
        masks, present = self.masks(), self.session.look()
        for plane, content in self.painted.items():
            voxels = content.any(axis=0) if plane in present.around else np.ones(SHAPE[1:], bool)
            assert np.array_equal(masks[:, plane] & voxels, content), f"plane {plane} was painted and has changed"
        assert set(self.painted) <= {*present.painted, *present.parts}

    @invariant()
    def ranges_are_as_the_user_said(self):
        state, ids = self.session.state, self.session.segment_ids
        assert state.segment_ranges == {ids[segment]: ends for segment, ends in self.ranges.items()}
        assert state.half_ranges == {ids[segment]: ends for segment, ends in self.clicked.items()}

    def teardown(self):
        self.runner.close()
        if hasattr(self, "session"):
            self.session.close()


@pytest.mark.slow
def test_in_random_order(scene):
    Expert.scene = scene
    run_state_machine_as_test(
        Expert,
        settings=settings(
            max_examples=15,
            stateful_step_count=10,
            deadline=None,
            derandomize=True,
            suppress_health_check=list(HealthCheck),
        ),
    )
