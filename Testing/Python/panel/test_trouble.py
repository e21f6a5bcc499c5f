"""What goes wrong, or on at the same time: cancel, errors, closed and restored scenes, two volumes, reload."""

import logging
import os
import subprocess
import sys
import warnings

import numpy as np
import pytest
import slicer
from hands import (
    HERE,
    ROOT,
    add_scan,
    add_volume,
    begin,
    choose,
    choose_name,
    click,
    ellipsoid,
    paint,
    predict,
    scroll_to,
    set_range,
    suggested,
)
from SparseAnnotateLib.errors import InputError
from SparseAnnotateLib.predictors import PREDICTORS
from SparseAnnotateSlicer.panel import packages
from SparseAnnotateSlicer.scene import files
from SparseAnnotateSlicer.session.planes import PlaneState
from standin.application import process_events, wait_until

# A predictor that takes its time, in the worker: see test jobs' plugins.
SLOW = '''
import time
import warnings
import numpy as np
from SparseAnnotateLib.predictors import PREDICTORS, Prediction, PredictorBase, Progress

@PREDICTORS.register
class Slow(PredictorBase):
    """Waits an hour."""
    name, summary = "slow", "Waits."

    def _predict(self, volume, annotation):
        for n in range(36000):
            time.sleep(0.1)
            yield Progress("waiting", n / 36000, f"turn {n}")
        yield Prediction(np.zeros_like(annotation.labels))
'''
BROKEN = SLOW.replace("Slow", "Broken").replace('"slow"', '"broken"').replace("time.sleep(0.1)", "1 / 0")


@pytest.fixture
def truth():
    return ellipsoid()


@pytest.fixture
def plugins(tmp_path, monkeypatch):
    """The predictors `slow` and `broken`, here and in workers."""
    (tmp_path / "panel_plugins.py").write_text(SLOW + BROKEN, encoding="utf-8")
    monkeypatch.setenv("SPARSE_ANNOTATE_PLUGINS", "panel_plugins")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    monkeypatch.syspath_prepend(str(tmp_path))
    import panel_plugins  # noqa: F401

    yield
    for name in ("slow", "broken"):
        PREDICTORS._classes.pop(name)
    sys.modules.pop("panel_plugins")


@pytest.fixture
def painted(scene, plugins, panel, truth):  # noqa: ARG001 - in this order
    begin(panel, add_scan(truth=truth))
    set_range(panel, 5, 18)
    paint(panel, truth, [6, 11, 17])
    return panel


def status(panel):
    return panel.ui.statusLabel.text


def start(panel, predictor):
    choose_name(panel.ui.predictorCombo, predictor)
    click(panel.ui.predictButton)
    assert panel.panel.predict.is_running, status(panel)


def has_progress(panel):
    return "waiting" in panel.ui.progressBar.format


def test_predict_turns_into_cancel_which_changes_nothing(painted):
    panel, before = painted, painted.panel.session.look().contents
    start(panel, "slow")
    assert panel.ui.predictButton.text == "Cancel"
    assert panel.ui.progressBar.visible
    assert not panel.ui.predictorCombo.visible
    wait_until(lambda: has_progress(panel))
    assert "Wait for the prediction" in panel.ui.firstHereButton.toolTip
    click(panel.ui.predictButton)
    assert panel.ui.predictButton.text == "Cancelling"
    assert not panel.ui.predictButton.enabled
    # Left alone it would go on for an hour.
    wait_until(lambda: not panel.panel.predict.is_running)
    assert status(panel) == "Cancelled: nothing has changed."
    assert panel.ui.predictButton.text == "Predict"
    assert panel.panel.session.preview_node is None
    assert panel.panel.session.look().contents == before


def test_a_result_is_shown_in_steps_between_which_slicer_draws(painted):
    start(painted, "nearest")
    running, shown = painted.panel.predict._running, []
    painted.panel.predict._timer.stop()
    wait_until(lambda: running.poll().ended, 120)
    while painted.panel.predict.is_running:
        painted.panel.predict._poll()
        shown.append(painted.panel.session.preview_node is not None)
    assert len(shown) >= 5
    # The preview, and then the panel.
    assert shown == [False] * (len(shown) - 2) + [True, True]
    assert "slices predicted in" in status(painted)


def test_what_is_painted_between_two_steps_is_seen_and_the_result_refused(painted, truth):
    start(painted, "nearest")
    painted.panel.predict._timer.stop()
    wait_until(lambda: painted.panel.predict._running.poll().ended, 120)
    for _step in range(3):
        painted.panel.predict._poll()
    paint(painted, truth, [9])
    painted.panel.predict._timer.stop()
    while painted.panel.predict.is_running:
        painted.panel.predict._poll()
    assert "lane 9 was painted" in painted.panel.status.error
    assert painted.panel.session.preview_node is None


def test_the_log_says_what_the_worker_says(painted):
    start(painted, "slow")
    wait_until(lambda: "turn 1" in painted.ui.logText.toPlainText())
    assert not painted.ui.logText.visible
    click(painted.ui.logButton)
    assert painted.ui.logText.visible
    click(painted.ui.predictButton)
    wait_until(lambda: not painted.panel.predict.is_running)


def test_a_predictor_that_fails_is_told_in_the_status_line_with_its_traceback_in_the_log(painted):
    start(painted, "broken")
    wait_until(lambda: not painted.panel.predict.is_running)
    assert "ZeroDivisionError" in status(painted)
    assert status(painted).startswith("\N{WARNING SIGN}")
    assert "Traceback" in painted.ui.logText.toPlainText()
    assert painted.ui.predictButton.enabled


def test_painting_while_it_predicts_is_seen_and_its_result_refused(painted, truth):
    start(painted, "slow")
    wait_until(lambda: has_progress(painted))
    paint(painted, truth, [9])
    assert painted.panel.present.states[9] is PlaneState.PAINTED
    click(painted.ui.predictButton)
    wait_until(lambda: not painted.panel.predict.is_running)


def test_closing_the_scene_while_it_predicts_ends_the_worker(painted):
    panel = painted
    start(panel, "slow")
    wait_until(lambda: has_progress(panel))
    pid = panel.panel.predict._running.handle._process.pid
    slicer.mrmlScene.Clear(False)
    slicer.app.layout_manager.reset(slicer.app._headless)
    wait_until(lambda: not panel.panel.predict.is_running)
    assert panel.panel.session is None
    assert "scene was closed" in status(panel)
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)
    assert not panel.ui.predictButton.enabled
    begin(panel, add_scan("another"))


def test_a_saved_scene_is_taken_up_where_it_was(painted, truth, tmp_path):
    panel = painted
    click(panel.ui.suggestButton)
    predict(panel)
    scroll_to(panel, 9)
    click(panel.ui.acceptButton)
    panel.ui.opacitySlider.setValue(30)
    states, summary = panel.panel.present.states, panel.panel.status.summary()
    wanted = suggested(panel)
    files.save_scene(slicer.mrmlScene, tmp_path / "scene.mrb")

    slicer.mrmlScene.Clear(False)
    slicer.app.layout_manager.reset(slicer.app._headless)
    assert panel.panel.session is None
    files.load_scene(slicer.mrmlScene, tmp_path / "scene.mrb")
    process_events(0.7)
    session = panel.panel.session
    assert session is not None, status(panel)
    assert session.volume_node.GetName() == "CT chest"
    assert session.state.plane_range == (5, 18)
    assert panel.panel.present.states == states
    assert suggested(panel) == wanted
    assert panel.panel.status.summary() == summary
    assert panel.ui.opacitySlider.value == 30
    assert panel.ui.editor.segmentationNode() is session.segmentation_node
    assert panel.ui.volumeLine.text == "CT chest, 1 segment, axis K"
    click(panel.ui.acceptAllButton)
    segments = slicer.util.arrayFromSegmentBinaryLabelmap(
        session.segmentation_node, session.segment_ids[0], session.volume_node
    ).astype(bool)
    assert 2 * (segments & truth).sum() / (segments.sum() + truth.sum()) > 0.85


def test_two_volumes_in_turn_keep_what_was_said_about_each(painted):
    panel = painted
    first = panel.panel.session.volume_node
    predict(panel)
    preview = panel.panel.session.preview_node
    second = add_scan("MR knee", ellipsoid(shape=(12, 30, 30), first=2, last=9))
    choose(panel.ui.volumeSelector, second)
    assert panel.panel.session is None
    assert not preview.GetDisplayNode().GetVisibility()
    click(panel.ui.newSegmentationButton)
    assert panel.panel.session.state.plane_range is None
    assert panel.ui.volumeLine.text == "MR knee, 1 segment, axis K"
    choose(panel.ui.volumeSelector, first)
    assert panel.panel.session.state.plane_range == (5, 18)
    assert panel.panel.session.preview_node is preview
    assert preview.GetDisplayNode().GetVisibility()
    assert panel.ui.editor.segmentationNode() is panel.panel.session.segmentation_node


def test_a_prediction_ends_while_another_volume_is_on_the_panel(painted):
    panel, first = painted, painted.panel.session
    start(panel, "guided")
    choose(panel.ui.volumeSelector, add_scan("MR knee"))
    click(panel.ui.newSegmentationButton)
    wait_until(lambda: not panel.panel.predict.is_running)
    assert status(panel).startswith("CT chest: 11 slices predicted")
    assert first.preview_node is not None
    assert not first.preview_node.GetDisplayNode().GetVisibility()
    choose(panel.ui.volumeSelector, first.volume_node)
    assert panel.ui.acceptAllButton.enabled


def test_removing_the_volume_is_said_and_another_can_be_chosen(painted):
    slicer.mrmlScene.RemoveNode(painted.panel.session.volume_node)
    process_events(0.7)
    assert painted.panel.session is None
    assert not painted.ui.suggestButton.enabled
    begin(painted, add_scan("another"))


def test_a_volume_that_cannot_be_annotated_is_refused_with_a_sentence(panel):
    flat = add_volume(np.zeros((4, 5, 6), np.float32), (1, 1, 1), "flat")
    flat.GetImageData().GetPointData().GetScalars().Fill(float("nan"))
    choose(panel.ui.volumeSelector, flat)
    panel.ui.newSegmentationButton.click()
    assert panel.panel.session is None
    assert status(panel).startswith("\N{WARNING SIGN}")


def test_what_nobody_expected_is_logged_and_said(panel, no_logged_error):
    panel.panel.attempt(lambda: 1 / 0)
    assert "Something went wrong (division by zero)" in status(panel)
    assert "ZeroDivisionError" in no_logged_error.text
    logging.getLogger("expected").error("the error above is meant")


def test_a_range_that_leaves_out_what_is_painted_is_said_at_once(painted):
    scroll_to(painted, 8)
    painted.ui.firstHereButton.click()
    assert "6" in painted.panel.status.error
    click(painted.ui.clearRangeButton)
    assert painted.panel.status.error == ""


def test_another_module_gets_keys_and_mouse_back(representation):
    panel = representation.widget
    begin(panel, add_scan())
    assert panel.panel.shortcuts.installed
    assert panel.ui.editor.installed
    representation.exit()
    assert not panel.panel.shortcuts.installed
    assert not panel.ui.editor.installed
    representation.enter()
    assert panel.panel.shortcuts.installed
    assert panel.panel.session is not None


class TestKeys:
    @pytest.fixture
    def suggested_slices(self, panel, monkeypatch):
        """Two slices are suggested; the mouse is over a slice view."""
        begin(panel, add_scan())
        panel.ui.countSpin.setValue(2)
        click(panel.ui.suggestButton)
        monkeypatch.setattr(slicer.app.layoutManager().sliceWidget("Red"), "under_mouse", True)
        return panel

    def press(self, panel, number):
        panel.panel.shortcuts._installed[number].activated.emit()

    def test_they_lead_through_the_suggestions_without_having_been_switched_on(self, suggested_slices):
        panel = suggested_slices
        names = [one.objectName for one in panel.panel.shortcuts._installed]
        assert names[:2] == ["SparseAnnotate_NextSuggestedSlice", "SparseAnnotate_PreviousSuggestedSlice"]
        self.press(panel, 0)
        assert panel.panel.plane == suggested(panel)[1]
        self.press(panel, 1)
        assert panel.panel.plane == suggested(panel)[0]

    def test_beside_the_slice_views_they_do_nothing(self, suggested_slices):
        slicer.app.layoutManager().sliceWidget("Red").under_mouse = False
        self.press(suggested_slices, 0)
        assert suggested_slices.panel.plane == suggested(suggested_slices)[0]

    def test_while_text_is_typed_they_do_nothing(self, suggested_slices, monkeypatch):
        import qt

        typed = qt.QLineEdit()
        monkeypatch.setattr(qt.QApplication, "focusWidget", staticmethod(lambda: typed))
        self.press(suggested_slices, 0)
        assert suggested_slices.panel.plane == suggested(suggested_slices)[0]

    def test_switched_off_they_stay_off(self, suggested_slices):
        suggested_slices.ui.shortcutsCheck.setChecked(False)
        assert not suggested_slices.panel.shortcuts.installed
        suggested_slices.ui.shortcutsCheck.setChecked(True)
        assert suggested_slices.panel.shortcuts.installed

    def test_they_are_listed_at_a_click(self, panel):
        assert not panel.ui.keysLabel.visible
        click(panel.ui.keysButton)
        assert panel.ui.keysLabel.visible
        for key in ("N next", "Shift+N", "Ctrl+Z", "Home", "Shift+wheel"):
            assert key in panel.ui.keysLabel.text


@pytest.fixture
def the_same_parts_afterwards():
    """Reloading leaves the other tests with parts that are not those of the panel."""
    parts = ("SparseAnnotate", "SparseAnnotateSlicer", "SparseAnnotateLib")
    before = {name: module for name, module in sys.modules.items() if name.partition(".")[0] in parts}
    yield
    for name in [one for one in sys.modules if one.partition(".")[0] in parts]:
        del sys.modules[name]
    sys.modules.update(before)


@pytest.mark.usefixtures("the_same_parts_afterwards")
def test_the_module_is_reloaded_with_all_its_parts(representation, truth):
    panel = representation.widget
    begin(panel, add_scan(truth=truth))
    paint(panel, truth, [8, 12])
    old = panel.panel
    with warnings.catch_warnings():
        # Such as: an observer is removed that is not there.
        warnings.simplefilter("error")
        panel.onReload()
    process_events(0.1)
    new = representation.widget
    assert new is slicer.modules.SparseAnnotateWidget
    assert new is not panel
    assert type(new.panel) is not type(old)
    assert new.panel.session.volume_node.GetName() == "CT chest"
    assert new.ui.statusLabel.text == "2 painted"
    predict(new)
    assert new.panel.session.preview_node is not None


@pytest.mark.usefixtures("no_layout")
def test_without_any_view_the_strip_leads(panel, truth):
    begin(panel, add_scan(truth=truth))
    assert "click a bar" in panel.ui.firstHereButton.toolTip
    panel.panel.strip.widget.onJump(5)
    assert panel.panel.plane == 5
    click(panel.ui.firstHereButton)
    panel.panel.strip.widget.onJump(18)
    click(panel.ui.lastHereButton)
    click(panel.ui.suggestButton)
    paint(panel, truth, suggested(panel))
    predict(panel)
    click(panel.ui.nextToCheckButton)
    click(panel.ui.acceptAllButton)
    assert panel.panel.present.planes(PlaneState.ACCEPTED)


def test_the_strip_drags_the_range_and_marks_slices(painted):
    strip = painted.panel.strip.widget
    strip.onRangeDragged(4, 19)
    assert painted.panel.session.state.plane_range == (4, 19)
    strip.onMarkPlane(4, PlaneState.EMPTY)
    assert painted.panel.present.states[4] is PlaneState.EMPTY
    strip.onMarkPlane(4, PlaneState.OPEN)
    assert painted.panel.present.states[4] is not PlaneState.EMPTY
    strip.onMarkPlane(11, PlaneState.EMPTY)
    assert "holds labels" in painted.panel.status.error


def test_a_segment_has_a_range_of_its_own(painted):
    panel, session = painted, painted.panel.session
    session.segmentation_node.GetSegmentation().AddEmptySegment("lesion", "lesion")
    wait_until(lambda: not panel.panel.watch.is_waiting)
    panel.ui.editor.setCurrentSegmentID("lesion")
    panel.ui.editor.currentSegmentIDChanged.emit("lesion")
    scroll_to(panel, 7)
    click(panel.ui.firstHereButton)
    scroll_to(panel, 9)
    click(panel.ui.lastHereButton)
    assert session.state.segment_ranges == {"lesion": (7, 9)}
    assert session.plane_range == (5, 18)
    panel.ui.editor.setCurrentSegmentID("lesion")
    panel.ui.editor.currentSegmentIDChanged.emit("lesion")
    click(panel.ui.clearRangeButton)
    assert session.state.segment_ranges == {}
    assert panel.ui.volumeLine.text == "CT chest, 2 segments, axis K"


def test_along_another_axis_the_strip_has_other_slices(panel):
    begin(panel, add_scan())
    click(panel.ui.volumeLine)
    assert panel.ui.axisCombo.itemText(0) == "Auto: K, axial, 3 mm"
    choose_name(panel.ui.axisCombo, "j")
    assert panel.panel.session.state.axis == "j"
    assert len(panel.panel.present.states) == 40
    assert panel.ui.volumeLine.text == "CT chest, 1 segment, axis J"
    scroll_to(panel, 33)
    click(panel.ui.firstHereButton)
    assert panel.panel.session.state.plane_range == (33, 39)


def test_options_of_the_predictor_reach_its_job(painted):
    panel = painted
    choose_name(panel.ui.predictorCombo, "shape")
    click(panel.ui.optionsButton)
    form = panel.panel.predict._form
    form._editors["fill_holes"].set("plane")
    form._editors["seed"].set(7)
    click(panel.ui.predictButton)
    wait_until(lambda: not panel.panel.predict.is_running)
    assert panel.panel.session.state.predictor_options == {"fill_holes": "plane", "seed": 7}
    form._editors["seed"].set("many")
    panel.ui.predictButton.click()
    assert "Seed is 'many'" in panel.panel.status.error


class TestSelectorsThatTakeLong:
    def test_they_choose_in_a_process_of_their_own_and_the_panel_goes_on(self, painted):
        choose_name(painted.ui.selectorCombo, "kmeans")
        painted.ui.countSpin.setValue(3)
        click(painted.ui.suggestButton)
        assert painted.ui.suggestButton.text == "Cancel"
        assert "being chosen" in painted.ui.selectorCombo.toolTip
        wait_until(lambda: not painted.panel.suggest.is_running)
        assert len(suggested(painted)) == 3
        assert painted.panel.plane == suggested(painted)[0]
        assert painted.panel.session.state.selector == "kmeans"

    def test_they_can_be_cancelled(self, painted):
        choose_name(painted.ui.selectorCombo, "kmeans")
        click(painted.ui.suggestButton)
        process = painted.panel.suggest._selection._process
        click(painted.ui.suggestButton)
        assert process.poll() is not None
        assert suggested(painted) == []
        assert status(painted) == "Cancelled: nothing has changed."
        assert painted.ui.suggestButton.text == "Suggest"

    def test_closing_the_scene_ends_them(self, painted):
        choose_name(painted.ui.selectorCombo, "kmeans")
        click(painted.ui.suggestButton)
        slicer.mrmlScene.Clear(False)
        slicer.app.layout_manager.reset(slicer.app._headless)
        wait_until(lambda: not painted.panel.suggest.is_running)

    def test_what_a_selector_refuses_is_said(self, painted):
        from SparseAnnotateSlicer.panel.selecting import Selection

        session = painted.panel.session
        request = {"selector": "kmeans", "options": {}, "count": 0, "seed": 0}
        selection = Selection(session.volume, session.annotation(), request)
        wait_until(lambda: not selection.is_running())
        with pytest.raises(InputError, match="ask for at least 1"):
            selection.result()
        selection.close()

    def test_after_a_prediction_the_one_that_expects_the_most_gain_is_offered(self, painted):
        predict(painted)
        # Nothing was suggested yet of which there could be more.
        assert painted.ui.suggestButton.text == "Suggest"
        assert painted.panel.suggest._selectors.name == "cover"
        painted.ui.countSpin.setValue(2)
        click(painted.ui.suggestButton)
        wait_until(lambda: not painted.panel.suggest.is_running)
        assert len(suggested(painted)) == 2
        assert painted.ui.suggestButton.text == "Suggest more"
        assert painted.ui.positionLabel.text.endswith("1 of 2")


def test_morphology_runs_slicers_own_filter_without_a_worker(painted):
    predict(painted, "morphology")
    assert painted.panel.present.planes(PlaneState.PREDICTED)
    # The worker waits since the volume was chosen, and was given nothing.
    jobs = {type(one).__name__: len(one._handles) for one in painted.panel.predict._runners.values()}
    assert jobs == {"ResidentRunner": 0, "InlineRunner": 1}


def test_the_provenance_of_every_slice_is_exported(painted, tmp_path, monkeypatch):
    import qt

    predict(painted)
    path = tmp_path / "table.csv"
    monkeypatch.setattr(qt.QFileDialog, "getSaveFileName", staticmethod(lambda *_: str(path)))
    painted.panel.strip.widget.onExportProvenance()
    lines = path.read_text(encoding="utf-8").splitlines()
    assert lines[0].startswith("slice,position_mm,state")
    assert len(lines) == 25
    assert lines[7].split(",")[:3] == ["6", "18.000", "painted"]
    assert lines[9].split(",")[2] == "predicted"


class TestPackages:
    def test_they_are_asked_for_once_with_their_sizes_where_they_are_needed(self, painted, monkeypatch):
        asked = []
        monkeypatch.setattr(packages.importlib.util, "find_spec", lambda name: None if name == "cv2" else name)
        monkeypatch.setattr(slicer.util, "confirmOkCancelDisplay", lambda *given, **_: asked.append(given[0]))
        choose_name(painted.ui.predictorCombo, "guided")
        click(painted.ui.predictButton)
        assert not painted.panel.predict.is_running
        assert len(asked) == 1
        assert "opencv-python-headless  (35 to 62 MB)" in asked[0]
        assert "scikit-learn" not in asked[0]
        assert "agree to install" in status(painted)

    def test_after_consent_pip_is_given_what_is_missing_and_nothing_that_slicer_has(self, painted, monkeypatch):
        installed = []
        there = lambda name: name if name != "cv2" or installed else None  # noqa: E731
        monkeypatch.setattr(packages.importlib.util, "find_spec", there)
        monkeypatch.setattr(slicer.util, "confirmOkCancelDisplay", lambda *_, **__: True)

        def pip_ensure(requirements, constraints, prompt_install, requester):
            text = open(constraints, encoding="utf-8").read()  # noqa: SIM115
            installed.append((requirements, "numpy==" in text, prompt_install, requester))

        monkeypatch.setattr("slicer.packaging.pip_ensure", pip_ensure)
        start(painted, "guided")
        assert installed == [(["opencv-python-headless>=4.8"], True, False, "SparseAnnotate")]
        wait_until(lambda: not painted.panel.predict.is_running)

    def test_what_was_said_before_does_not_stand_beside_the_question(self, painted, monkeypatch):
        beside = []
        monkeypatch.setattr(packages.importlib.util, "find_spec", lambda name: None if name == "cv2" else name)
        monkeypatch.setattr(slicer.util, "confirmOkCancelDisplay", lambda *_, **__: beside.append(status(painted)))
        choose_name(painted.ui.predictorCombo, "guided")
        for _turn in range(2):
            click(painted.ui.predictButton)
        assert "agree to install" in status(painted)
        assert beside == ["3 painted", "3 painted"]

    def test_what_needs_no_package_never_asks(self, painted, monkeypatch):
        monkeypatch.setattr(packages.importlib.util, "find_spec", lambda _: None)
        monkeypatch.setattr(slicer.util, "confirmOkCancelDisplay", lambda *_, **__: pytest.fail("asked"))
        choose_name(painted.ui.selectorCombo, "keep-n")
        click(painted.ui.suggestButton)
        predict(painted, "shape")
        assert painted.panel.present.planes(PlaneState.PREDICTED)


def test_the_modules_file_imports_nothing_heavy(application):  # noqa: ARG001 - slicer is there
    """Slicer imports it at every start."""
    code = (
        "import sys; sys.path[:0] = sys.argv[1:]\n"
        "from standin import application; application.prepare(); application.start()\n"
        "import slicer.ScriptedLoadableModule, slicer.parameterNodeWrapper, slicer.i18n, time\n"
        "before = set(sys.modules); start = time.process_time(); import SparseAnnotate\n"
        "print(time.process_time() - start); print(*sorted(set(sys.modules) - before))"
    )
    out = subprocess.run(
        [sys.executable, "-c", code, str(HERE), str(ROOT / "SparseAnnotate")],
        capture_output=True,
        text=True,
        check=True,
    ).stdout.splitlines()
    loaded = {name.split(".")[0] for name in out[-1].split()}
    assert not loaded & {"SparseAnnotateLib", "numpy", "scipy", "torch", "sklearn", "SimpleITK"}
    assert float(out[-2]) < 0.05
