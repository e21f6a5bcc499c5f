"""The slice views: to a plane and back, on every grid; lines and badge, looked at in pictures."""

import types

import numpy as np
import pytest
import slicer
from nodes import GRIDS, OBLIQUE, add_linear_transform, add_volume, add_warp
from SparseAnnotateSlicer.scene.plane_geometry import PlaneGeometry, middle_of_plane
from SparseAnnotateSlicer.views.slice_views import SliceViews

SHAPE = (24, 30, 40)
SIZE = (200, 200)
ORIENTATIONS = {"Red": "Axial", "Green": "Coronal", "Yellow": "Sagittal"}
PINK = (240, 138, 209)


class Layout:
    """As much of qSlicerLayoutManager as is used, over three drawn views."""

    def __init__(self, headless):
        from rendering import SliceView

        self.views = {name: SliceView(headless, name, SIZE) for name in ORIENTATIONS}

    def sliceViewNames(self):  # noqa: N802 - Slicer's name
        return list(self.views)

    def sliceWidget(self, name):  # noqa: N802 - Slicer's name
        view = self.views[name]
        slice_view = types.SimpleNamespace(renderWindow=lambda: view.window, scheduleRender=view.window.Render)
        return types.SimpleNamespace(mrmlSliceNode=lambda: view.node, sliceView=lambda: slice_view)

    def show(self, volume_node):
        for name, orientation in ORIENTATIONS.items():
            middle = middle_of_plane(volume_node, "k", SHAPE[0] // 2)
            self.views[name].show(volume_node, middle, orientation)

    def in_sight(self, *names):
        for name, view in self.views.items():
            view.node.SetMappedInLayout(name in names)


@pytest.fixture
def layout(headless, scene, monkeypatch):
    pytest.importorskip("rendering")
    remove_slice_nodes(scene)
    layout = Layout(headless)
    monkeypatch.setattr(slicer, "app", types.SimpleNamespace(layoutManager=lambda: layout), raising=False)
    yield layout
    for view in layout.views.values():
        view.close()
    remove_slice_nodes(scene)


def remove_slice_nodes(scene):
    """They outlive scenes, and those of earlier tests have no view any more."""
    for node in list(slicer.util.getNodesByClass("vtkMRMLSliceNode")):
        scene.RemoveNode(node)


@pytest.fixture
def views():
    views = SliceViews()
    yield views
    views.clear()


def add_black_volume(scene, grid="plain"):
    node = add_volume(scene, SHAPE, grid, dtype=np.float32)
    node.GetImageData().GetPointData().GetScalars().Fill(0)
    return node


def pink_rows(image):
    """Rows of a picture that hold a long line in the colour of the suggestions."""
    near = (np.abs(image.astype(int) - PINK) < 40).all(axis=2)
    return np.flatnonzero(near.sum(axis=1) > 20)


def lines_in(scene):
    return [
        one
        for one in slicer.util.getNodesByClass("vtkMRMLModelNode", scene)
        if one.GetAttribute("SparseAnnotate.Lines")
    ]


def shown_position(layout, name):
    return slicer.util.arrayFromVTKMatrix(layout.views[name].node.GetSliceToRAS())[:3, 3]


@pytest.mark.parametrize("axis", "ijk")
@pytest.mark.parametrize("grid", GRIDS)
def test_every_plane_of_every_grid_is_reached_exactly(scene, layout, views, grid, axis):
    volume_node = add_black_volume(scene, grid)
    layout.show(volume_node)
    views.setVolume(volume_node, axis)
    views.turnToAxis()
    node = views.sliceNodeFor(volume_node, axis)
    geometry = PlaneGeometry.of(volume_node, axis)
    assert geometry.alignment(node) == pytest.approx(1)
    number = "ijk".index(axis)
    for plane in (0, 7, geometry.count - 1):
        views.jumpTo(plane)
        assert views.currentPlane() == plane
        offset = (
            shown_position(layout, node.GetLayoutName()) - middle_of_plane(volume_node, axis, plane)
        ) @ geometry.normal
        assert offset == pytest.approx(0, abs=1e-6)
        logic = layout.views[node.GetLayoutName()].logic
        assert logic.GetSliceIndexFromOffset(logic.GetSliceOffset(), volume_node) == plane + 1
    assert geometry.count == volume_node.GetImageData().GetDimensions()[number]


@pytest.mark.parametrize("above", ["shifted and turned", "warped"])
def test_planes_are_found_under_transforms(scene, layout, views, above):
    volume_node = add_black_volume(scene)
    if above == "warped":
        add_warp(scene, volume_node)
    else:
        add_linear_transform(scene, volume_node, turn=OBLIQUE)
    layout.show(volume_node)
    views.setVolume(volume_node, "k")
    views.turnToAxis()
    for plane in (0, 11, SHAPE[0] - 1):
        views.jumpTo(plane)
        assert views.currentPlane() == plane


def test_jumping_keeps_zoom_and_pan(scene, layout, views):
    volume_node = add_black_volume(scene)
    layout.show(volume_node)
    views.setVolume(volume_node, "k")
    node = views.sliceNodeFor(volume_node, "k")
    node.SetFieldOfView(13, 13, 1)
    node.SetXYZOrigin(4, -3, 0)
    views.jumpTo(3)
    assert node.GetFieldOfView()[:2] == (13, 13)
    assert node.GetXYZOrigin()[:2] == (4, -3)


def test_beside_the_volume_there_is_no_current_plane(scene, layout, views):
    volume_node = add_black_volume(scene)
    layout.show(volume_node)
    views.setVolume(volume_node, "k")
    layout.views["Red"].logic.SetSliceOffset(500)
    assert views.currentPlane() is None


def test_each_other_plane_is_told_once(scene, layout, views):
    volume_node = add_black_volume(scene)
    layout.show(volume_node)
    views.setVolume(volume_node, "k")
    views.jumpTo(4)
    told = []
    views.onCurrentPlaneChanged = told.append
    views.jumpTo(5)
    views.jumpTo(5)
    layout.views["Green"].logic.SetSliceOffset(25)
    layout.views["Red"].logic.SetSliceOffset(500)
    views.clear()
    layout.views["Red"].logic.SetSliceOffset(9)
    assert told == [5, None]


def test_a_view_that_another_layout_brings_is_watched_too(headless, scene, layout, views):
    from rendering import SliceView

    volume_node = add_black_volume(scene)
    layout.show(volume_node)
    views.setVolume(volume_node, "k")
    layout.views["Compare1"] = SliceView(headless, "Compare1", SIZE)
    layout.views["Compare1"].show(volume_node, middle_of_plane(volume_node, "k", 3), "Axial")
    layout.in_sight("Compare1")
    assert views.currentPlane() == 3
    told = []
    views.onCurrentPlaneChanged = told.append
    layout.views["Compare1"].node.JumpSliceByOffsetting(*middle_of_plane(volume_node, "k", 9))
    assert told == [9]


def test_of_views_that_show_the_same_planes_it_is_always_the_red_one(headless, scene, layout, views):
    from rendering import SliceView

    red = layout.views.pop("Red")
    layout.views = {"Slice4": SliceView(headless, "Slice4", SIZE), **layout.views, "Red": red}
    volume_node = add_black_volume(scene)
    layout.show(volume_node)
    layout.views["Slice4"].show(volume_node, middle_of_plane(volume_node, "k", 3), "Axial")
    layout.in_sight("Slice4", "Red", "Green", "Yellow")
    assert views.sliceNodeFor(volume_node, "k").GetLayoutName() == "Red"
    layout.in_sight("Slice4", "Green")
    assert views.sliceNodeFor(volume_node, "k").GetLayoutName() == "Slice4"


def test_a_view_in_sight_is_turned_when_none_shows_the_axis(scene, layout, views):
    volume_node = add_black_volume(scene)
    layout.show(volume_node)
    layout.in_sight("Red")
    views.setVolume(volume_node, "i")
    views.turnToAxis()
    assert views.sliceNodeFor(volume_node, "i").GetLayoutName() == "Red"
    views.jumpTo(3)
    assert views.currentPlane() == 3


def test_suggested_planes_are_lines_in_the_other_two_views(scene, layout, views):
    volume_node = add_black_volume(scene)
    layout.show(volume_node)
    views.setVolume(volume_node, "k")
    views.showSuggestionLines([5, 18])
    views.jumpTo(5)
    for name in ("Green", "Yellow"):
        rows = pink_rows(layout.views[name].image())
        assert 2 <= len(rows) <= 6
        between = np.flatnonzero(np.diff(rows) > 5)
        assert len(between) == 1
        pixel = layout.views[name].node.GetFieldOfView()[1] / SIZE[1]
        assert np.diff(rows)[between[0]] * pixel == pytest.approx(13, abs=2.5 * pixel)
    assert len(pink_rows(layout.views["Red"].image())) == 0
    views.showSuggestionLines([])
    assert len(pink_rows(layout.views["Green"].image())) == 0
    assert not lines_in(scene)


def test_lines_are_neither_saved_nor_listed_and_never_doubled(scene, layout, views):
    volume_node = add_black_volume(scene)
    layout.show(volume_node)
    for one in (views, SliceViews()):
        one.setVolume(volume_node, "k")
        one.showSuggestionLines([5])
        assert len(lines_in(scene)) == 1
    (node,) = lines_in(scene)
    assert node.GetHideFromEditors()
    assert not node.GetSaveWithScene()
    one.clear()


def bright_pixels_on_top(layout, name):
    return int((layout.views[name].image()[:40] > 150).all(axis=2).sum())


def test_the_badge_stands_on_top_of_the_annotated_view_until_it_is_taken_away(scene, layout, views):
    volume_node = add_black_volume(scene)
    layout.show(volume_node)
    views.setVolume(volume_node, "k")
    views.showBadge("to paint, 3 of 8")
    assert bright_pixels_on_top(layout, "Red") > 100
    assert bright_pixels_on_top(layout, "Green") == 0
    long = bright_pixels_on_top(layout, "Red")
    views.showBadge("painted")
    assert 50 < bright_pixels_on_top(layout, "Red") < long
    views.jumpTo(2)
    assert bright_pixels_on_top(layout, "Red") > 50
    views.showBadge("")
    assert bright_pixels_on_top(layout, "Red") == 0


def test_the_badge_moves_with_the_axis(scene, layout, views):
    volume_node = add_black_volume(scene)
    layout.show(volume_node)
    views.setVolume(volume_node, "k")
    views.showBadge("painted")
    views.setVolume(volume_node, "j")
    assert bright_pixels_on_top(layout, "Red") == 0
    views.showBadge("painted")
    assert bright_pixels_on_top(layout, "Green") > 50


def test_everything_is_gone_when_the_scene_closes(scene, layout, views):
    volume_node = add_black_volume(scene)
    layout.show(volume_node)
    views.setVolume(volume_node, "k")
    views.showSuggestionLines([5])
    views.showBadge("painted")
    scene.Clear(False)
    assert views.currentPlane() is None
    assert bright_pixels_on_top(layout, "Red") == 0
    views.jumpTo(3)
    views.turnToAxis()
    views.showSuggestionLines([3])
    views.showBadge("late")


def test_a_volume_that_was_removed_is_passed_over(scene, layout, views):
    volume_node = add_black_volume(scene)
    layout.show(volume_node)
    views.setVolume(volume_node, "k")
    scene.RemoveNode(volume_node)
    views.jumpTo(3)
    views.showSuggestionLines([3])
    views.showBadge("painted")
    assert views.currentPlane() is None


@pytest.mark.parametrize("application", [None, types.SimpleNamespace(layoutManager=lambda: None)])
def test_without_a_window_nothing_happens(scene, views, monkeypatch, application):
    monkeypatch.setattr(slicer, "app", application, raising=False)
    volume_node = add_black_volume(scene)
    views.setVolume(volume_node, "k")
    views.jumpTo(3)
    views.turnToAxis()
    views.showSuggestionLines([3])
    views.showBadge("painted")
    assert views.currentPlane() is None
    assert views.sliceNodeFor(volume_node, "k") is None
    assert not lines_in(scene)


def test_positions_are_counted_as_slicer_counts_them(scene, layout):
    volume_node = add_black_volume(scene, "lps")
    layout.show(volume_node)
    for axis, name in (("k", "Red"), ("j", "Green"), ("i", "Yellow")):
        geometry = PlaneGeometry.of(volume_node, axis)
        view = layout.views[name]
        view.node.JumpSliceByOffsetting(*middle_of_plane(volume_node, axis, 4))
        assert geometry.positions_mm()[4] == pytest.approx(view.logic.GetSliceOffset())
