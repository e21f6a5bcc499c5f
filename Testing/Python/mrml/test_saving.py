"""A running session in .mrb and .mrml."""

from dataclasses import replace

import numpy as np
import pytest
import slicer
from nodes import add_segmentation, add_volume, ids_of, paint
from SparseAnnotateLib.errors import InputError
from SparseAnnotateLib.jobs import InlineRunner
from SparseAnnotateSlicer.scene.files import load_scene, save_scene
from SparseAnnotateSlicer.session.planes import PlaneState
from SparseAnnotateSlicer.session.prediction import submit
from SparseAnnotateSlicer.session.session import AnnotationSession

SHAPE = (8, 9, 10)


def make_session(scene, name="CT", axis="k", grid="oblique"):
    """Planes 1 and 5 painted, 2 accepted, 3 rejected, 7 seen to be empty, the others predicted."""
    volume_node = add_volume(scene, shape=SHAPE, grid=grid, name=name)
    node = add_segmentation(scene, volume_node, name=f"{name} by hand")
    for number, segment_id in enumerate(ids_of(node)):
        mask = np.zeros(SHAPE, bool)
        mask[1, 2:7, 2 + 3 * number : 5 + 3 * number] = True
        mask[5, 3:8, 2 + 3 * number : 5 + 3 * number] = True
        paint(node, segment_id, volume_node, mask)
    session = AnnotationSession.start(volume_node, node, axis)
    session.set_range(0, 7)
    session.set_range(1, 6, ids_of(node)[0])
    session.suggest(4, "random", seed=5)
    session.mark(7, "empty")
    box = scene.AddNewNodeByClass("vtkMRMLMarkupsROINode", f"{name} box")
    box.SetSize(100, 100, 100)
    box.SetCenter(-12.5, 20.25, 7.0)
    session.box_node = box
    with InlineRunner() as runner:
        submit(session, runner, "shape", {"seed": 3}).wait()
    session.state.expected_dice = {2: 0.91, 4: 0.875}
    session.review.accept([2])
    session.review.reject([3])
    return session


@pytest.mark.parametrize("suffix", [".mrb", ".mrml"])
def test_a_running_session_is_saved_and_taken_up_again(scene, tmp_path, suffix):
    session = make_session(scene)
    state, present = session.state, session.look()
    labels, preview = present.layers.labels, session.review.labels.all().copy()
    save_scene(scene, tmp_path / f"work{suffix}")
    scene.Clear(False)
    load_scene(scene, tmp_path / f"work{suffix}")
    (again,) = AnnotationSession.all_in(scene)
    assert replace(again.state, grid=[]) == replace(state, grid=[])
    assert again.volume_node.GetName() == "CT"
    assert again.box_node.GetName() == "CT box"
    look = again.look()
    assert look.states == present.states
    assert look.contents == present.contents
    assert np.array_equal(look.layers.labels, labels)
    pending = look.planes(PlaneState.PREDICTED)
    assert again.review.accept() == pending == [0, 4, 6]
    expected = labels.copy()
    expected[pending] = preview[pending]
    assert np.array_equal(again.look().layers.labels, expected)
    again.review.undo()
    assert np.array_equal(again.look().layers.labels, labels)
    again.close()


@pytest.mark.parametrize("axis", ["i", "j", "k"])
def test_a_left_handed_volume_comes_back_mirrored_with_all_that_was_said_of_it(scene, tmp_path, axis):
    session = make_session(scene, axis="k", grid="left-handed")
    if axis != "k":
        session.end()
        session = AnnotationSession.start(session_volume(scene), scene.GetFirstNodeByName("CT by hand"), axis)
        session.release([2, 3])
        session.mark(0, "empty")
        session.set_range(1, 6)
    before, labels = session.look(), session.look().layers.labels
    first = session.state.suggestions[0][0] if axis == "k" else None
    save_scene(scene, tmp_path / "work.mrb")
    scene.Clear(False)
    load_scene(scene, tmp_path / "work.mrb")
    (again,) = AnnotationSession.all_in(scene)
    look = again.look()
    if axis == "k":
        assert np.array_equal(look.layers.labels, labels[::-1])
        assert look.states == before.states[::-1]
        assert again.state.plane_range == (0, 7)
        assert again.suggestions()[0][0].plane == 7 - first
    else:
        assert np.array_equal(look.layers.labels, labels[:, ::-1])
        assert look.states == before.states
    again.close()


def session_volume(scene):
    return scene.GetFirstNodeByName("CT")


def test_two_sessions_are_saved_side_by_side(scene, tmp_path):
    states = {name: make_session(scene, name).state.to_json().partition('"grid"')[0] for name in ("CT", "MR")}
    save_scene(scene, tmp_path / "two.mrb")
    scene.Clear(False)
    load_scene(scene, tmp_path / "two.mrb")
    loaded = {one.volume_node.GetName(): one.state.to_json() for one in AnnotationSession.all_in(scene)}
    assert {name: text.partition('"grid"')[0] for name, text in loaded.items()} == states


def test_a_scene_is_loaded_beside_another_one(scene, tmp_path):
    """Slicer imports scenes: IDs that are taken change, and with them every reference."""
    make_session(scene)
    save_scene(scene, tmp_path / "work.mrb")
    load_scene(scene, tmp_path / "work.mrb")
    sessions = AnnotationSession.all_in(scene)
    assert len({one.volume_node.GetID() for one in sessions}) == 2
    assert len({one.segmentation_node.GetID() for one in sessions}) == 2
    assert sessions[0].look().states == sessions[1].look().states
    sessions[1].review.accept()
    assert sessions[0].look().states != sessions[1].look().states


def test_a_session_without_its_volume_is_passed_over(scene):
    session = make_session(scene)
    session.close()
    scene.RemoveNode(session.volume_node)
    assert AnnotationSession.all_in(scene) == []
    with pytest.raises(InputError, match="is gone"):
        AnnotationSession.restore(session.node)


def test_a_scene_that_cannot_be_read_says_so(scene, tmp_path):
    (tmp_path / "broken.mrb").write_bytes(b"no zip")
    with pytest.raises(InputError, match=r"broken\.mrb cannot be read"):
        load_scene(scene, tmp_path / "broken.mrb")
    with pytest.raises(InputError, match="does not exist"):
        load_scene(scene, tmp_path / "missing.mrb")


def test_nothing_of_ours_but_session_and_preview_is_saved(scene, tmp_path):
    make_session(scene)
    assert scene.GetFirstNodeByName("SparseAnnotate writer") is not None
    save_scene(scene, tmp_path / "work.mrb")
    scene.Clear(False)
    load_scene(scene, tmp_path / "work.mrb")
    assert scene.GetFirstNodeByName("SparseAnnotate writer") is None
    assert scene.GetFirstNodeByName("CT by hand prediction") is not None
    assert isinstance(scene.GetFirstNodeByName("CT"), slicer.vtkMRMLScalarVolumeNode)
