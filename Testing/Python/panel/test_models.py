"""Models that a prediction may start from, in the panel."""

import numpy as np
import pytest
import qt
from hands import add_scan, begin, choose_name, click, ellipsoid, paint, set_range
from standin.application import process_events, wait_until

torch = pytest.importorskip("torch")
pytest.importorskip("safetensors")

from cohort.models import bright_model  # noqa: E402
from SparseAnnotateLib.cohort.model import save_model  # noqa: E402


@pytest.fixture(autouse=True)
def forgotten(application):  # noqa: ARG001 - whose settings they are
    """No folder is remembered, before and after."""
    qt.QSettings().remove("SparseAnnotate/ModelFolder")
    yield
    qt.QSettings().remove("SparseAnnotate/ModelFolder")


@pytest.fixture
def folder(tmp_path):
    """Two models, and something that is none."""
    classes = {"class_names": ("Segment_1",), "class_values": (1,)}
    save_model(bright_model(spacing_mm=(3.0, 1.0, 1.0), **classes), tmp_path / "atria.safetensors")
    save_model(bright_model(axis="i", **classes), tmp_path / "lungs.safetensors")
    (tmp_path / "broken.safetensors").write_bytes(b"nothing")
    return tmp_path


def choose_folder(panel, choosing, folder):
    choosing.append(str(folder))
    if not is_shown(panel.ui.predictFrame):
        click(panel.ui.predictTab)
    if not panel.ui.optionsButton.checked:
        click(panel.ui.optionsButton)
    click(panel.ui.modelFolderButton)


def offered(panel) -> list[str]:
    combo = panel.ui.startFromCombo
    return [combo.itemText(number) for number in range(combo.count)]


def is_shown(widget) -> bool:
    return not widget.isHidden()


def test_nothing_is_offered_before_a_folder_was_chosen(panel):
    click(panel.ui.predictTab)
    choose_name(panel.ui.predictorCombo, "guided")
    assert not is_shown(panel.ui.startFromFrame)
    assert not is_shown(panel.ui.modelsFrame)
    click(panel.ui.optionsButton)
    assert is_shown(panel.ui.modelsFrame)


def test_the_models_in_the_folder_are_offered_with_what_they_know(panel, choosing, folder):
    choose_folder(panel, choosing, folder)
    assert offered(panel) == ["nothing", "atria", "lungs"]
    assert is_shown(panel.ui.startFromFrame)
    panel.ui.startFromCombo.setCurrentIndex(1)
    process_events()
    assert panel.ui.startFromCombo.toolTip == "Structures: Segment_1. Trained at 3 x 1 x 1 mm, slices along K."


def test_only_predictors_that_can_start_from_a_model_offer_them(panel, choosing, folder):
    choose_folder(panel, choosing, folder)
    for name, can in (("shape", False), ("unet", True), ("nearest", False), ("guided", True)):
        choose_name(panel.ui.predictorCombo, name)
        assert is_shown(panel.ui.startFromFrame) is can
        assert is_shown(panel.ui.modelsFrame) is can


def test_a_folder_without_models_is_told(panel, choosing, tmp_path):
    choose_folder(panel, choosing, tmp_path)
    assert "holds no cohort model" in panel.ui.statusLabel.text
    assert not is_shown(panel.ui.startFromFrame)


def test_a_dialog_that_was_cancelled_changes_nothing(panel, choosing, folder):
    choose_folder(panel, choosing, folder)
    choose_folder(panel, choosing, "")
    assert offered(panel) == ["nothing", "atria", "lungs"]


def test_the_folder_is_remembered_and_looked_at_anew_for_every_scan(panel, choosing, folder):
    choose_folder(panel, choosing, folder)
    assert qt.QSettings().value("SparseAnnotate/ModelFolder") == str(folder)
    (folder / "lungs.safetensors").unlink()
    begin(panel, add_scan())
    assert offered(panel) == ["nothing", "atria"]


def test_a_prediction_starts_from_the_chosen_model_and_the_session_remembers_it(panel, choosing, folder):
    choose_folder(panel, choosing, folder)
    begin(panel, add_scan())
    truth = ellipsoid()
    set_range(panel, 5, 18)
    paint(panel, truth, (7, 11, 16))
    choose_name(panel.ui.predictorCombo, "guided")
    panel.ui.startFromCombo.setCurrentIndex(1)
    click(panel.ui.predictButton)
    assert not is_shown(panel.ui.startFromFrame)
    wait_until(lambda: not panel.panel.predict.is_running)
    process_events()
    state = panel.panel.session.state
    assert "slices predicted" in panel.ui.statusLabel.text
    assert state.predictor_options["start_from"] == str(folder / "atria.safetensors")
    other = add_scan("another", np.roll(truth, 1, axis=2))
    begin(panel, other)
    assert panel.ui.startFromCombo.currentText == "nothing"


def test_a_model_that_does_not_fit_the_scan_is_told(panel, choosing, folder):
    choose_folder(panel, choosing, folder)
    begin(panel, add_scan())
    set_range(panel, 5, 18)
    paint(panel, ellipsoid(), (7, 11, 16))
    panel.ui.startFromCombo.setCurrentIndex(2)
    click(panel.ui.predictButton)
    wait_until(lambda: not panel.panel.predict.is_running)
    process_events()
    assert "knows planes along the axis i" in panel.ui.statusLabel.text
