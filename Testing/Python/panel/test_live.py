"""As I paint: predictions that start by themselves, on Slicer's own MRML."""

import logging
import os
import signal
import sys

import numpy as np
import pytest
import qt
import slicer
from hands import (
    add_scan,
    begin,
    change,
    choose,
    choose_name,
    click,
    ellipsoid,
    paint,
    scroll_to,
    set_range,
    state_of,
    stroke,
    take_back,
)
from SparseAnnotateLib.jobs import LocalRunner
from SparseAnnotateLib.predictors import PREDICTORS
from SparseAnnotateSlicer.scene import files
from SparseAnnotateSlicer.session.planes import PlaneState
from SparseAnnotateSlicer.session.prediction import submit
from standin.application import process_events, wait_until

SETTING = "SparseAnnotate/AsIPaint"
# Predictors for the worker: one that waits until a file is there, one that fails.
PLUGINS = '''
import os
import time
from SparseAnnotateLib.predictors import PREDICTORS, Prediction, PredictorBase, Progress

@PREDICTORS.register
class Held(PredictorBase):
    """Waits."""
    name, summary = "held", "Waits until it may end."

    def _predict(self, volume, annotation):
        while not os.path.exists(os.environ["MAY_END"]):
            time.sleep(0.02)
            yield Progress("waiting", 0.1)
        yield Progress("showing", 0.9, preview=(9, annotation.labels[11]))
        while not os.path.exists(os.environ["MAY_END"] + "_all"):
            time.sleep(0.02)
            yield Progress("waiting", 0.9)
        labels = annotation.labels.copy()
        labels[7:11] = annotation.labels[11]
        yield Prediction(labels)

@PREDICTORS.register
class Failing(PredictorBase):
    """Fails."""
    name, summary = "failing", "Fails."

    def _predict(self, volume, annotation):
        with open(os.environ["MAY_END"] + "_tries", "a") as file:
            file.write("x")
        yield Progress("failing", 0.1)
        1 / 0
'''


@pytest.fixture
def truth():
    return ellipsoid()


@pytest.fixture(autouse=True)
def setting(application):  # noqa: ARG001 - which keeps settings
    qt.QSettings().remove(SETTING)
    yield
    qt.QSettings().remove(SETTING)


@pytest.fixture
def was_on(setting):  # noqa: ARG001 - first
    """It was on when Slicer ended."""
    qt.QSettings().setValue(SETTING, True)


@pytest.fixture
def may_end(tmp_path, monkeypatch):
    """The predictors `held` and `failing`, here and in workers; returns what ends the first one, and what it says."""
    (tmp_path / "live_plugins.py").write_text(PLUGINS, encoding="utf-8")
    monkeypatch.setenv("SPARSE_ANNOTATE_PLUGINS", "live_plugins")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    monkeypatch.setenv("MAY_END", str(tmp_path / "now"))
    monkeypatch.syspath_prepend(str(tmp_path))
    import live_plugins  # noqa: F401

    yield tmp_path / "now"
    for name in ("held", "failing"):
        PREDICTORS._classes.pop(name)
    sys.modules.pop("live_plugins")


def all_planes(may_end):
    """What ends `held` as a whole."""
    return may_end.with_name("now_all")


@pytest.fixture
def live(scene, may_end, panel, truth):  # noqa: ARG001 - in this order
    """Slices 6 and 17 painted, nothing predicted; on, with the predictor `shape`."""
    begin(panel, add_scan(truth=truth))
    set_range(panel, 5, 18)
    choose_name(panel.ui.predictorCombo, "shape")
    paint(panel, truth, [6, 17])
    panel.ui.liveCheck.setChecked(True)
    settle(panel)
    return panel


def settle(panel):
    """Wait until nothing is on its way and nothing is about to start."""
    one = panel.panel.live

    def rests():
        return not (one.is_waiting or one._superseded)

    wait_until(rests, 120)
    process_events(0.02)
    wait_until(rests, 120)


def jobs(panel):
    """The predictors that are on their way."""
    return [one.job.predictor for one in panel.panel.live._running]


def is_held(panel):
    """Whether the predictor `held` is at work."""
    running = panel.panel.live._running
    return bool(running) and running[-1].handle.pid is not None


def hold(panel):
    """From the next stroke on the predictor that waits."""
    choose_name(panel.ui.predictorCombo, "held")
    settle(panel)


def shown(panel, plane):
    """What the preview holds of a plane: bool (rows, columns)."""
    session = panel.panel.session
    node, segment_id = session.preview_node, session.segment_ids[0]
    if segment_id not in node.GetSegmentation().GetSegmentIDs():
        return np.zeros(session.volume.shape[1:], bool)
    return slicer.util.arrayFromSegmentBinaryLabelmap(node, segment_id, session.volume_node)[plane].astype(bool)


def status(panel):
    return panel.ui.statusLabel.text


def from_scratch(session, predictor):
    """The labels of a prediction in a process of its own."""
    with LocalRunner() as runner:
        running = submit(session, runner, predictor, {})
        running.handle.wait()
        return running.handle.result().labels


class TestTheCheckBox:
    def test_it_is_off_at_first(self, panel, truth):
        begin(panel, add_scan(truth=truth))
        set_range(panel, 5, 18)
        paint(panel, truth, [6, 11])
        assert not panel.ui.liveCheck.checked
        assert not panel.panel.live._soon.active
        assert not panel.panel.live.is_running

    def test_what_was_chosen_is_kept(self, panel):
        for chosen in (True, False):
            panel.ui.liveCheck.setChecked(chosen)
            assert slicer.util.settingsValue(SETTING, not chosen, converter=slicer.util.toBool) is chosen

    def test_it_is_on_once_it_was_on(self, was_on, panel):  # noqa: ARG002 - before the panel
        assert panel.ui.liveCheck.checked
        assert panel.panel.live.is_on

    def test_switching_it_on_predicts_what_is_painted(self, live):
        assert len(live.panel.present.pending) == 12
        assert live.panel.session.state.predictor == "shape"

    def test_where_all_is_predicted_it_waits_for_a_stroke(self, live):
        live.ui.liveCheck.setChecked(False)
        live.ui.liveCheck.setChecked(True)
        assert not live.panel.live._soon.active

    def test_a_network_is_too_slow_for_it(self, live):
        choose_name(live.ui.predictorCombo, "unet")
        assert not live.ui.liveCheck.enabled
        assert "unet takes too long" in live.ui.liveCheck.toolTip
        assert not live.panel.live.is_on

    def test_missing_packages_are_asked_for_when_it_is_switched_on_and_never_later(self, live, monkeypatch):
        from SparseAnnotateSlicer.panel import packages

        asked = []
        monkeypatch.setattr(slicer.util, "confirmOkCancelDisplay", lambda *text: asked.append(text), raising=False)
        monkeypatch.setattr(packages, "missing", lambda *_: [packages.PACKAGES["cv2"]])
        paint(live, ellipsoid(), [11])
        settle(live)
        assert not asked
        assert "press Predict to install" in live.ui.liveCheck.toolTip
        live.ui.liveCheck.setChecked(False)
        live.ui.liveCheck.setChecked(True)
        assert len(asked) == 1
        assert not live.ui.liveCheck.checked
        assert "agree to install" in status(live)


class TestPainting:
    def test_a_stroke_brings_the_next_slices(self, live, truth):
        before = shown(live, 12)
        scroll_to(live, 11)
        stroke(live, lambda array: array.__setitem__(11, truth[11]))
        settle(live)
        assert state_of(live, 11) is PlaneState.PAINTED
        assert (shown(live, 12) != before).any()
        assert (live.panel.session.review.labels.all() == from_scratch(live.panel.session, "shape")).all()
        assert status(live).startswith("Slice 11 is corrected")

    def test_painting_goes_on_while_it_predicts_and_the_result_is_shown(self, live, truth, may_end):
        hold(live)
        paint(live, truth, [11])
        wait_until(lambda: is_held(live))
        assert live.ui.firstHereButton.enabled
        assert live.ui.predictButton.text == "Predict"
        assert live.ui.liveCheck.text.startswith("as I paint …")
        may_end.touch()
        all_planes(may_end).touch()
        settle(live)
        assert live.ui.liveCheck.text == "as I paint"
        assert (shown(live, 9) == truth[11]).all()

    def test_planes_are_shown_as_they_come(self, live, truth, may_end):
        hold(live)
        paint(live, truth, [11])
        wait_until(lambda: is_held(live))
        before = shown(live, 9)
        may_end.touch()
        wait_until(lambda: (shown(live, 9) != before).any())
        assert (shown(live, 9) == truth[11]).all()
        assert live.panel.live.is_running
        # What is seen is what is accepted.
        scroll_to(live, 9)
        click(live.ui.acceptButton)
        assert (live.panel.session.look().layers.labels[9] > 0).sum() == truth[11].sum()

    def test_one_that_is_superseded_ends_and_says_nothing(self, live, truth, may_end):
        hold(live)
        paint(live, truth, [11])
        wait_until(lambda: is_held(live))
        first = live.panel.live._running[-1].handle
        paint(live, truth, [14])
        wait_until(lambda: first.closed)
        assert "Cancelled" not in status(live)
        wait_until(lambda: is_held(live))
        may_end.touch()
        all_planes(may_end).touch()
        settle(live)
        assert {6, 11, 14, 17} & {*live.panel.present.pending} == set()
        assert status(live).startswith("4 painted")

    def test_nothing_starts_while_a_button_of_the_mouse_is_down(self, live, truth, monkeypatch):
        down = [qt.Qt.LeftButton]
        monkeypatch.setattr(qt.QApplication, "mouseButtons", staticmethod(lambda: down[0]))
        paint(live, truth, [11])
        wait_until(lambda: live.panel.live._soon.active)
        process_events(0.3)
        assert not live.panel.live.is_running
        down[0] = qt.Qt.NoButton
        wait_until(lambda: live.panel.live.is_running or live.panel.live._last[live.panel.session].planes.get(11))
        settle(live)

    def test_nothing_is_shown_while_a_button_of_the_mouse_is_down(self, live, truth, may_end, monkeypatch):
        hold(live)
        paint(live, truth, [11])
        wait_until(lambda: is_held(live))
        before, down = shown(live, 9), [qt.Qt.LeftButton]
        monkeypatch.setattr(qt.QApplication, "mouseButtons", staticmethod(lambda: down[0]))
        may_end.touch()
        all_planes(may_end).touch()
        running = live.panel.live._running[0]
        wait_until(lambda: running.handle.poll().ended)
        process_events(0.3)
        assert (shown(live, 9) == before).all()
        down[0] = qt.Qt.NoButton
        settle(live)
        assert (shown(live, 9) != before).any()

    def test_an_unfinished_polygon_holds_it_back(self, live, truth):
        scroll_to(live, 11)
        live.ui.editor.setActiveEffectByName("Draw")
        interactor = slicer.app.layoutManager().sliceWidget("Red").interactorStyle().GetInteractor()
        interactor.InvokeEvent("LeftButtonPressEvent")
        interactor.InvokeEvent("LeftButtonReleaseEvent")
        assert live.panel.strokes.is_under_way
        scroll_to(live, 12)
        assert not live.panel.strokes.is_under_way
        scroll_to(live, 11)
        change(live, lambda array: array.__setitem__(11, truth[11]))
        wait_until(lambda: not live.panel.watch.is_waiting)
        assert not live.panel.strokes.is_under_way
        settle(live)

    def test_a_slice_that_is_painted_blind_stays_blind(self, live, truth):
        session = live.panel.session
        session.state.suggestions = [(12, 1.0, "here")]
        session.save()
        live.panel.refresh()
        scroll_to(live, 12)
        paint(live, truth, [11])
        settle(live)
        assert 12 in live.panel.present.pending
        view = slicer.app.layoutManager().sliceWidget("Red").mrmlSliceNode().GetID()
        assert view not in session.preview_node.GetDisplayNode().GetViewNodeIDs()

    def test_the_first_preview_of_all_is_hidden_on_a_blind_slice_before_anything_is_drawn(self, panel, truth):
        begin(panel, add_scan(truth=truth))
        set_range(panel, 5, 18)
        choose_name(panel.ui.predictorCombo, "shape")
        panel.panel.session.state.suggestions = [(12, 1.0, "here")]
        panel.panel.session.save()
        paint(panel, truth, [6, 17])
        scroll_to(panel, 12)
        panel.ui.liveCheck.setChecked(True)
        seen = []
        wait_until(lambda: seen.append(panel.panel.session.preview_node) or seen[-1] is not None, 120)
        view = slicer.app.layoutManager().sliceWidget("Red").mrmlSliceNode().GetID()
        assert view not in panel.panel.session.preview_node.GetDisplayNode().GetViewNodeIDs()
        settle(panel)

    def test_the_rows_do_not_move_from_stroke_to_stroke(self, live, truth):
        rows = [f"{name}Frame" for name in ("range", "suggest", "paint", "predict", "review")]

        def which():
            return [getattr(live.ui, name).visible for name in rows]

        before, seen = which(), []
        change(live, lambda array: array.__setitem__(11, truth[11]))
        wait_until(lambda: seen.append(which()) or state_of(live, 11) is PlaneState.PAINTED)
        wait_until(lambda: seen.append(which()) or not live.panel.live.is_running)
        settle(live)
        assert {*map(tuple, seen)} == {tuple(before)}
        assert live.ui.reviewFrame.visible
        assert not live.ui.predictFrame.visible


class TestTheSketch:
    @pytest.fixture
    def guided(self, live, truth):
        """Predicted by `guided` from 6, 14 and 17."""
        choose_name(live.ui.predictorCombo, "guided")
        paint(live, truth, [14])
        settle(live)
        assert live.panel.session.state.predictor == "guided"
        return live

    def started(self, panel, truth, took_s):
        panel.panel.session.state.prediction_s = took_s
        change(panel, lambda array: array.__setitem__(11, truth[11]))
        wait_until(lambda: panel.panel.live.is_running)
        return jobs(panel)

    def test_shape_comes_first_where_guided_took_longer_than_a_second(self, guided, truth):
        before = guided.panel.session.review.labels.all().copy()
        assert self.started(guided, truth, 1.5) == ["shape", "guided"]
        dice = dict(guided.panel.session.state.expected_dice)
        wait_until(lambda: jobs(guided) != ["shape", "guided"], 120)
        state = guided.panel.session.state
        assert state.predictor == "guided"
        # All gaps beside slice 11 are new.
        assert (guided.panel.session.review.labels.all()[12] != before[12]).any()
        assert state.expected_dice != dice
        assert state.prediction_s == 1.5
        settle(guided)
        assert (guided.panel.session.review.labels.all() == from_scratch(guided.panel.session, "guided")).all()
        assert state.prediction_s != 1.5

    def test_farther_slices_keep_the_better_prediction_until_it_is_there(self, guided, truth):
        before, dice = guided.panel.session.review.labels.all().copy(), dict(guided.panel.session.state.expected_dice)
        guided.panel.session.state.prediction_s = 1.5
        change(guided, lambda array: array.__setitem__(9, truth[9]))
        wait_until(lambda: jobs(guided) == ["shape", "guided"])
        sketch = guided.panel.live._running[0]
        assert sketch.planes == {*range(7, 14)}
        wait_until(lambda: jobs(guided) == ["guided"] or not guided.panel.live.is_running, 120)
        if jobs(guided) == ["guided"]:
            after = guided.panel.session.review.labels.all()
            assert (after[15:17] == before[15:17]).all()
            kept = guided.panel.session.state.expected_dice
            assert [kept[plane] for plane in (15, 16)] == [dice[plane] for plane in (15, 16)]
        settle(guided)

    def test_there_is_none_where_guided_took_less(self, guided, truth):
        assert self.started(guided, truth, 0.5) == ["guided"]
        settle(guided)


class TestTakingBack:
    def test_an_undone_stroke_is_predicted_again(self, live, truth):
        before = live.panel.session.review.labels.all().copy()
        change(live, lambda array: array.__setitem__(11, truth[11]), undoable=True)
        settle(live)
        assert (live.panel.session.review.labels.all() != before).any()
        take_back(live)
        settle(live)
        assert state_of(live, 11) is PlaneState.PREDICTED
        assert (live.panel.session.review.labels.all() == before).all()
        live.ui.editor.redo()
        settle(live)
        assert state_of(live, 11) is PlaneState.PAINTED
        assert 11 not in live.panel.present.pending

    def test_what_was_accepted_stays_so_and_can_be_taken_back_later(self, live, truth):
        scroll_to(live, 8)
        click(live.ui.acceptButton)
        settle(live)
        assert state_of(live, 8) is PlaneState.ACCEPTED
        paint(live, truth, [11])
        settle(live)
        assert state_of(live, 8) is PlaneState.ACCEPTED
        assert 8 not in live.panel.present.pending
        assert "1 accepted" in status(live)

    def test_accepting_starts_nothing(self, live):
        done = live.panel.live._last[live.panel.session]
        click(live.ui.acceptAllButton)
        settle(live)
        assert live.panel.live._last[live.panel.session] is done
        assert len(live.panel.present.planes(PlaneState.ACCEPTED)) == 12

    def test_a_stroke_on_a_predicted_slice_corrects_it_and_the_others_follow(self, live):
        scroll_to(live, 12)

        def corner(array):
            array[12, :2, :2] = 1

        stroke(live, corner)
        settle(live)
        assert state_of(live, 12) is PlaneState.PAINTED
        assert 12 in live.panel.session.state.corrected
        assert shown(live, 11)[:2, :2].any()
        take_back(live)
        settle(live)
        assert not shown(live, 11)[:2, :2].any()
        assert state_of(live, 12) is PlaneState.ACCEPTED
        take_back(live)
        settle(live)
        assert state_of(live, 12) is PlaneState.PREDICTED

    def test_a_rejected_slice_waits_for_the_next_stroke(self, live, truth):
        scroll_to(live, 8)
        click(live.ui.rejectButton)
        settle(live)
        assert 8 not in live.panel.present.pending
        paint(live, truth, [11])
        settle(live)
        assert 8 in live.panel.present.pending

    def test_a_moved_range_is_followed(self, live):
        set_range(live, 5, 20)
        settle(live)
        assert max(live.panel.present.pending) == 20


class TestWhatEndsIt:
    def test_another_volume_ends_it_and_coming_back_predicts(self, live, truth, may_end):
        hold(live)
        paint(live, truth, [11])
        wait_until(lambda: is_held(live))
        handle, first = live.panel.live._running[-1].handle, live.panel.session
        choose(live.ui.volumeSelector, add_scan("MR knee"))
        wait_until(lambda: handle.closed)
        assert not live.panel.live.is_running
        assert "Cancelled" not in status(live)
        may_end.touch()
        all_planes(may_end).touch()
        choose(live.ui.volumeSelector, first.volume_node)
        settle(live)
        assert live.panel.session is first
        assert (shown(live, 9) == truth[11]).all()

    def test_another_tool_and_another_module_change_nothing(self, live, representation, truth, may_end):
        hold(live)
        paint(live, truth, [11])
        wait_until(lambda: is_held(live))
        live.ui.editor.setActiveEffectByName("Erase")
        assert live.panel.live.is_running
        representation.exit()
        assert not live.panel.live.is_running
        wait_until(lambda: not live.panel.live._superseded)
        may_end.touch()
        all_planes(may_end).touch()
        representation.enter()
        settle(live)
        assert (shown(live, 9) == truth[11]).all()

    def test_what_was_painted_in_another_module_is_predicted_on_return(self, live, representation, truth):
        session = live.panel.session
        representation.exit()
        held = slicer.util.arrayFromSegmentBinaryLabelmap(
            session.segmentation_node, session.segment_ids[0], session.volume_node
        )
        held[11] = truth[11]
        slicer.util.updateSegmentBinaryLabelmapFromArray(
            held, session.segmentation_node, session.segment_ids[0], session.volume_node
        )
        representation.enter()
        settle(live)
        assert 11 in live.panel.live._last[live.panel.session].planes

    def test_closing_the_scene_ends_its_worker(self, live, truth):
        hold(live)
        paint(live, truth, [11])
        wait_until(lambda: is_held(live))
        pid = live.panel.live._running[-1].handle.pid
        slicer.mrmlScene.Clear(False)
        slicer.app.layout_manager.reset(slicer.app._headless)
        wait_until(lambda: not live.panel.live._superseded and not live.panel.live.is_running)
        assert is_gone(pid)
        begin(live, add_scan("another"))

    def test_a_scene_that_is_opened_is_as_it_was_until_something_is_painted(self, live, truth, tmp_path):
        scroll_to(live, 8)
        click(live.ui.rejectButton)
        states = live.panel.present.states
        files.save_scene(slicer.mrmlScene, tmp_path / "scene.mrb")
        slicer.mrmlScene.Clear(False)
        slicer.app.layout_manager.reset(slicer.app._headless)
        files.load_scene(slicer.mrmlScene, tmp_path / "scene.mrb")
        process_events(0.7)
        settle(live)
        assert live.ui.liveCheck.checked
        assert live.panel.present.states == states
        assert 8 not in live.panel.present.pending
        paint(live, truth, [11])
        settle(live)
        assert 8 in live.panel.present.pending
        assert (live.panel.session.review.labels.all() == from_scratch(live.panel.session, "shape")).all()

    def test_the_end_of_slicer_ends_the_worker(self, live, truth):
        hold(live)
        paint(live, truth, [11])
        wait_until(lambda: is_held(live))
        pid = live.panel.live._running[-1].handle.pid
        live.panel.close()
        assert is_gone(pid)


def is_gone(pid):
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return True
    return False


class TestTheWorker:
    def test_it_is_there_before_the_first_prediction_and_ends_with_the_volume(self, worker_at_once, live):  # noqa: ARG002
        runner = live.panel.predict.runner("shape")
        (process,) = runner._idle
        slicer.mrmlScene.RemoveNode(live.panel.session.volume_node)
        wait_until(lambda: live.panel.session is None)
        assert is_gone(process.pid)

    def test_choosing_a_volume_locks_nothing(self, worker_at_once, scene, panel, truth):  # noqa: ARG002
        begin(panel, add_scan(truth=truth))
        wait_until(lambda: len(panel.panel.predict.runner("shape")._idle) == 1)
        assert panel.ui.firstHereButton.enabled
        assert panel.panel.why_locked() == ""

    @pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="POSIX only")
    def test_one_that_is_killed_costs_nothing_but_time(self, live, truth, may_end):
        hold(live)
        paint(live, truth, [11])
        wait_until(lambda: is_held(live))
        pid = live.panel.live._running[-1].handle.pid
        os.kill(pid, signal.SIGKILL)
        wait_until(lambda: is_held(live) and live.panel.live._running[-1].handle.pid != pid)
        assert not live.panel.status.error
        may_end.touch()
        all_planes(may_end).touch()
        settle(live)
        assert (shown(live, 9) == truth[11]).all()
        assert not live.panel.status.error

    def test_one_that_fails_is_tried_once_more_and_then_told(self, live, truth, may_end, no_logged_error):
        choose_name(live.ui.predictorCombo, "failing")
        paint(live, truth, [11])
        settle(live)
        assert "ZeroDivisionError" in live.panel.status.error
        tries = may_end.with_name("now_tries")
        assert tries.read_text() == "xx"
        scroll_to(live, 9)
        settle(live)
        assert tries.read_text() == "xx"
        paint(live, truth, [14])
        settle(live)
        assert tries.read_text() == "xxxx"
        assert no_logged_error.text.count("a live prediction failed") == 4
        logging.getLogger("expected").error("the failures above are meant")


class TestBesideTheButton:
    def test_predict_takes_the_place_of_what_is_on_its_way(self, live, truth, may_end):
        hold(live)
        paint(live, truth, [11])
        wait_until(lambda: is_held(live))
        click(live.ui.predictButton)
        assert live.panel.predict.is_running
        assert not live.panel.live.is_running
        may_end.touch()
        all_planes(may_end).touch()
        wait_until(lambda: not live.panel.predict.is_running)
        assert "slices predicted in" in status(live)
        settle(live)
        assert "slices predicted in" in status(live)

    def test_painting_supersedes_what_the_button_started(self, live, truth, may_end):
        live.ui.liveCheck.setChecked(False)
        hold(live)
        click(live.ui.predictButton)
        wait_until(lambda: live.panel.predict._running.handle.pid is not None)
        live.ui.liveCheck.setChecked(True)
        paint(live, truth, [11])
        wait_until(lambda: is_held(live))
        assert not live.panel.predict.is_running
        assert "Cancelled" not in status(live)
        may_end.touch()
        all_planes(may_end).touch()
        settle(live)
        assert 11 not in live.panel.present.pending


class TestWhatAProgramMade:
    def test_nothing_starts_before_it_is_said_who_made_the_slices(self, live):
        scan = add_scan("MR knee", ellipsoid(first=3, last=20))
        node = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLSegmentationNode", "made")
        node.CreateDefaultDisplayNodes()
        node.SetReferenceImageGeometryParameterFromVolumeNode(scan)
        segment_id = node.GetSegmentation().AddEmptySegment("", "liver")
        mask = ellipsoid(first=5, last=18).astype(np.uint8)
        slicer.util.updateSegmentBinaryLabelmapFromArray(mask, node, segment_id, scan)
        choose(live.ui.volumeSelector, scan)
        choose(live.ui.segmentationSelector, node)
        assert live.panel.origin.is_asking
        set_range(live, 3, 20)
        settle(live)
        assert not live.panel.session.state.predicted
        click(live.ui.originProgramButton)
        settle(live)
        predictions = live.panel.session.review.predictions
        assert len(live.panel.present.pending) > 10
        scroll_to(live, 12)

        def corner(array):
            array[12, :3, :3] = 1

        stroke(live, corner)
        settle(live)
        assert state_of(live, 12) is PlaneState.PAINTED
        assert live.panel.session.review.predictions > predictions
        assert live.panel.session.state.shown_from == ""
