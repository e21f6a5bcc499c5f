"""The worklist in the panel: scans of a folder, one after the other, with the slices that a network asks for."""

import pytest
import slicer
from hands import SHAPE, add_scan, begin, click, ellipsoid, paint
from SparseAnnotateLib.cohort.worklist import PlaneRow, as_csv
from SparseAnnotateSlicer.scene.files import write_copy
from standin.application import process_events
from test_room import WIDTH, check_room

ASKED = {"second": [11, 5], "first": [8]}


@pytest.fixture
def folder(scene, tmp_path):
    """Two scans in image files, of which nothing is painted, and the table."""
    rows = []
    for name, planes in ASKED.items():
        assert write_copy(add_scan(name), tmp_path / f"{name}.nrrd")
        for plane in range(SHAPE[0]):
            order = planes.index(plane) + 1 + (name == "first") * 2 if plane in planes else None
            state = "asked for" if order else "left"
            rows.append(PlaneRow(name, plane, 0.5, state, order, f"{name}.nrrd", "", "k", "2=heart; 5=liver"))
    scene.Clear(False)
    (tmp_path / "round1.csv").write_text(as_csv(rows))
    (tmp_path / "other.csv").write_text("name,planes\na,3\n")
    return tmp_path


def open_worklist(panel, choosing, folder):
    choosing.append(str(folder))
    click(panel.ui.worklistFolderButton)
    process_events()


def listed(panel) -> list[str]:
    combo = panel.ui.worklistCombo
    return [combo.itemText(number) for number in range(combo.count)]


def test_without_a_worklist_it_takes_no_room(panel):
    assert panel.ui.worklistFrame.isHidden()
    assert panel.ui.worklistFolderButton.enabled


def test_the_scan_with_the_most_doubtful_slice_is_opened_at_that_slice(panel, choosing, folder):
    open_worklist(panel, choosing, folder)
    assert not panel.ui.worklistFrame.isHidden()
    assert listed(panel) == ["second: 11, 5", "first: 8"]
    assert panel.ui.worklistCombo.currentText == "second: 11, 5"
    assert panel.panel.session.volume_node.GetName() == "second"
    assert panel.panel.to_paint() == [11, 5]
    assert panel.panel.plane == 11
    segmentation = panel.panel.session.segmentation_node.GetSegmentation()
    segments = [segmentation.GetNthSegment(number) for number in range(segmentation.GetNumberOfSegments())]
    assert [(one.GetName(), one.GetLabelValue()) for one in segments] == [("heart", 2), ("liver", 5)]
    click(panel.ui.worklistSliceButton)
    assert panel.panel.plane == 5
    assert "3 slices of 2 scans wait" in panel.ui.worklistCombo.toolTip


def test_what_is_painted_is_done_saved_and_there_again(panel, choosing, folder):
    before = {path.name: path.read_bytes() for path in folder.glob("*.nrrd")}
    open_worklist(panel, choosing, folder)
    truth = ellipsoid()
    paint(panel, truth, [11])
    assert listed(panel) == ["second: 5", "first: 8"]
    click(panel.ui.worklistScanButton)
    assert panel.panel.session.volume_node.GetName() == "first"
    paint(panel, truth, [8])
    assert listed(panel) == ["second: 5", "first: done"]
    click(panel.ui.worklistScanButton)
    assert panel.panel.session.volume_node.GetName() == "second"
    assert panel.panel.present.painted == [11]
    assert panel.panel.to_paint() == [5]
    paint(panel, truth, [5])
    assert listed(panel) == ["second: done", "first: done"]
    assert not panel.ui.worklistSliceButton.enabled
    click(panel.ui.worklistScanButton)
    assert "All slices that were asked for are painted" in panel.ui.statusLabel.text
    assert sorted(path.name for path in folder.glob("*.mrb")) == ["first.mrb", "second.mrb"]
    assert {path.name: path.read_bytes() for path in folder.glob("*.nrrd")} == before
    click(panel.ui.worklistCloseButton)
    assert panel.ui.worklistFrame.isHidden()
    assert panel.panel.session is not None


def test_progress_is_there_in_another_slicer(panel, choosing, folder):
    open_worklist(panel, choosing, folder)
    paint(panel, ellipsoid(), [11, 5])
    click(panel.ui.worklistCloseButton)
    slicer.mrmlScene.Clear(False)
    process_events()
    open_worklist(panel, choosing, folder)
    assert listed(panel) == ["second: done", "first: 8"]
    assert panel.panel.session.volume_node.GetName() == "first"


def test_a_scan_is_chosen_from_the_list(panel, choosing, folder):
    open_worklist(panel, choosing, folder)
    combo = panel.ui.worklistCombo
    combo.setCurrentIndex(1)
    combo.activated.emit(1)
    process_events()
    assert panel.panel.session.volume_node.GetName() == "first"
    assert (folder / "second.mrb").exists()


def test_work_that_is_not_of_the_worklist_is_not_thrown_away(panel, choosing, folder):
    begin(panel, add_scan("mine"))
    paint(panel, ellipsoid(), [11])
    if panel.ui.volumeFrame.isHidden():
        click(panel.ui.volumeLine)
    open_worklist(panel, choosing, folder)
    assert "Save and close the scene first" in panel.ui.statusLabel.text
    assert panel.ui.worklistFrame.isHidden()
    assert panel.panel.session.volume_node.GetName() == "mine"
    assert panel.panel.present.painted == [11]


def test_a_scene_that_was_closed_is_not_saved_over_a_scan(panel, choosing, folder):
    open_worklist(panel, choosing, folder)
    paint(panel, ellipsoid(), [11])
    click(panel.ui.worklistScanButton)
    saved = (folder / "second.mrb").read_bytes()
    slicer.mrmlScene.Clear(False)
    process_events()
    begin(panel, add_scan("mine"))
    click(panel.ui.worklistScanButton)
    assert "Save and close the scene first" in panel.ui.statusLabel.text
    assert panel.panel.session.volume_node.GetName() == "mine"
    assert (folder / "second.mrb").read_bytes() == saved
    assert not (folder / "first.mrb").exists()


def test_the_tools_stay_in_sight_on_a_laptop(panel, representation, choosing, folder):
    representation.window().resize(WIDTH, 720)
    process_events(0.1)
    open_worklist(panel, choosing, folder)
    check_room(panel)


def test_a_folder_without_a_table_is_refused(panel, choosing, tmp_path):
    open_worklist(panel, choosing, tmp_path)
    assert "no table of" in panel.ui.statusLabel.text
    assert panel.ui.worklistFrame.isHidden()
