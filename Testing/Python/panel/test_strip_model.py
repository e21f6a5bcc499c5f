"""The slice strip without Qt: what is in sight, where, and which of several planes a pixel shows."""

import itertools

import pytest

pytest.importorskip("slicer")

from SparseAnnotateSlicer.session.planes import PlaneState
from SparseAnnotateSlicer.strip.lanes import HEIGHT, Lane, rows_of
from SparseAnnotateSlicer.strip.model import MARGIN, StripModel, StripPlane

WIDTHS = (300, 475, 900)


def planes(count, **states):
    """Planes that are open, or as said: painted=[3, 5]."""
    kinds = {plane: PlaneState[name.upper()] for name, chosen in states.items() for plane in chosen}
    return [StripPlane(n, n + 1, 2.5 * n, kinds.get(n, PlaneState.OPEN)) for n in range(count)]


def predicted(count, dice):
    return [StripPlane(n, n + 1, 0.0, PlaneState.PREDICTED, expected_dice=dice[n]) for n in range(count)]


def test_without_planes_there_is_nothing_to_show_or_click():
    model = StripModel()
    assert model.bars(300) == []
    assert model.plane_at(100, 300) is None
    assert model.handles(300) is None


def test_without_a_range_all_planes_are_in_sight():
    assert StripModel(planes(60)).window == (0, 59)


def test_with_a_range_it_is_in_sight_with_some_planes_around():
    assert StripModel(planes(600), (100, 199)).window == (85, 214)
    assert StripModel(planes(60), (20, 23)).window == (17, 26)
    assert StripModel(planes(60), (1, 58)).window == (0, 59)
    assert StripModel(planes(600), (100, 199), whole=True).window == (0, 599)


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("count", [1, 20, 155])
def test_every_plane_is_found_at_its_own_middle(count, width):
    model = StripModel(planes(count))
    assert [model.plane_at(model.middle_of(n, width), width) for n in range(count)] == list(range(count))


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("count", [1, 20, 155, 800])
def test_bars_fill_the_strip_and_do_not_leave_it(count, width):
    bars = StripModel(planes(count)).bars(width)
    assert min(bar.x for bar in bars) == MARGIN
    assert max(bar.x + bar.width for bar in bars) in (width - MARGIN, width - MARGIN - 1)
    assert len(bars) == min(count, width - 2 * MARGIN)


def test_clicks_beside_the_bars_mean_the_nearest_plane_in_sight():
    model = StripModel(planes(60), (20, 40))
    assert model.plane_at(-50, 300) == model.window[0]
    assert model.plane_at(999, 300) == model.window[1]
    assert model.plane_at(-50, 300, beyond=True) < model.window[0]


def test_of_several_planes_in_a_pixel_what_is_to_be_done_shows():
    bars = StripModel(planes(800, to_paint=[401], painted=[402], predicted=range(403, 410))).bars(300)
    assert sum(bar.state is PlaneState.TO_PAINT for bar in bars) == 1
    assert any(bar.state is PlaneState.PREDICTED for bar in bars)


def test_of_several_predicted_planes_in_a_pixel_the_worst_shows():
    dice = [0.95] * 1000
    dice[500] = 0.4
    bars = StripModel(predicted(1000, dice)).bars(120)
    assert [bar.dice for bar in bars].count(0.4) == 1


def test_what_the_user_gave_is_never_thinner_than_can_be_seen():
    bars = StripModel(planes(800, painted=[100, 300], empty=[500], partly=[700])).bars(300)
    assert [bar.width for bar in bars if bar.state is not PlaneState.OPEN] == [3, 3, 3, 3]
    assert [bar.state for bar in bars[-4:]] == [PlaneState.PAINTED] * 2 + [PlaneState.EMPTY, PlaneState.PARTLY]


def test_height_is_the_expected_dice_above_a_half_and_never_nothing():
    heights = [bar.height for bar in StripModel(predicted(5, [0.9, 0.7, 0.2, 1.2, None])).bars(300)]
    assert heights == pytest.approx([0.8, 0.4, 0.15, 1.0, 0.5])


@pytest.mark.parametrize("count", [20, 155, 800])
def test_marks_do_not_cover_each_other(count):
    model = StripModel(planes(count, to_paint=range(0, count, 5), accepted=range(1, count, 2)))
    marks = sorted(mark.x for mark in model.marks(300))
    assert marks
    assert all(b - a >= 10 for a, b in itertools.pairwise(marks))


def test_a_plane_to_paint_keeps_its_mark_among_accepted_ones():
    model = StripModel(planes(200, accepted=[*range(99), *range(100, 200)], to_paint=[99]))
    assert sum(mark.state is PlaneState.TO_PAINT for mark in model.marks(300)) == 1


def test_the_ends_of_the_range_do_not_pass_each_other():
    model = StripModel(planes(60), (20, 40))
    assert model.range_with("first", 30) == (30, 40)
    assert model.range_with("first", 50) == (40, 40)
    assert model.range_with("last", 10) == (20, 20)
    assert StripModel(planes(60)).range_with("first", 7) == (7, 59)


def test_while_dragging_the_window_stays_and_only_widens():
    model = StripModel(planes(600), (100, 199))
    model.hold_window()
    model.plane_range = (150, 199)
    assert model.window == (85, 214)
    model.widen_window(60)
    assert model.window == (60, 214)
    model.let_window_go()
    assert model.window == (142, 207)


class TestLanes:
    def of(self, count, selected=None):
        """Tops and thicknesses of so many lanes; `selected` is a number."""
        lanes = [Lane(str(n), f"structure {n}", "#ff0000", 1, 5) for n in range(count)]
        return [(int(lane.segment_id), top, thick) for lane, top, thick in rows_of(lanes, str(selected))]

    def test_few_are_as_thick_as_there_is_room(self):
        assert self.of(2, 1) == [(0, 0, 3), (1, 4, 3)]
        assert self.of(4, 0) == [(0, 0, 2), (1, 3, 2), (2, 6, 2), (3, 9, 2)]

    def test_of_many_the_selected_one_is_thick(self):
        assert self.of(5, 2) == [(0, 0, 1), (1, 2, 1), (2, 4, 3), (3, 8, 1), (4, 10, 1)]
        assert [thick for _number, _top, thick in self.of(13, 12)] == [1] * 8 + [3]
        assert self.of(13, 12)[-1] == (12, 8, 3)
        assert self.of(13, 3)[3:5] == [(3, 3, 3), (4, 7, 1)]

    def test_none_leaves_its_room(self):
        for count in range(1, 30):
            for selected in (None, 0, count // 2, count - 1):
                rows = self.of(count, selected)
                ends = [top + thick for _number, top, thick in rows]
                assert max(ends) <= HEIGHT
                assert all(end <= top for end, (_number, top, _thick) in zip(ends, rows[1:], strict=False))
                assert selected is None or selected in [number for number, _top, _thick in rows]
