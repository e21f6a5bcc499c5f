"""The rules that every selector keeps (docs/design/design.md), as tests to inherit.

A new selector is tested by three lines:

    class TestMySelector(SelectorTester):
        name = "my-selector"

A selector that needs more than an image and painted planes overrides `make_annotation` or `options`.
"""

import numpy as np
import pytest
from SparseAnnotateLib import SELECTORS, InputError, SparseAnnotation, Suggestion, Volume


class SelectorTester:
    """Inherit, and give the selector's `name`."""

    name: str
    options: dict = {}  # noqa: RUF012
    # Selectors that rank planes set this to False: theirs come strongest first.
    ascending = True
    planes, rows, columns = 24, 20, 22

    def make_volume(self) -> Volume:
        """A bright ball over a gradient and some noise, so that no two planes are alike."""
        plane, row, column = np.ogrid[: self.planes, : self.rows, : self.columns]
        centre, radius = np.array([self.planes, self.rows, self.columns]) / 2, 0.35 * self.rows
        squares = (plane - centre[0]) ** 2 + (row - centre[1]) ** 2 + (column - centre[2]) ** 2
        noise = np.random.default_rng(5).normal(0, 4, squares.shape)
        return Volume.from_array(100 * (squares < radius**2) + 2.0 * row + plane + noise, (3.0, 1.0, 1.0))

    def make_annotation(self, painted=(), plane_range=(2, 20)) -> SparseAnnotation:
        """The ball's labels on the `painted` planes."""
        labels = np.zeros((self.planes, self.rows, self.columns), np.uint8)
        labels[5:19, 6:14, 6:14] = 1
        inside = [plane for plane in painted if labels[plane].any()]
        empty = [plane for plane in painted if not labels[plane].any()]
        return SparseAnnotation.from_painted_planes(labels, inside, empty=empty, plane_range=plane_range)

    def make_selector(self):
        return SELECTORS.create(self.name, self.options)

    def suggest(self, count, *, painted=(), plane_range=(2, 20), seed=0, volume=None) -> list[Suggestion]:
        annotation = self.make_annotation(painted, plane_range)
        rng = np.random.default_rng(seed)
        return self.make_selector().select(volume or self.make_volume(), annotation, count, rng)

    def suggest_planes(self, count, **keywords) -> list[int]:
        return [suggestion.plane for suggestion in self.suggest(count, **keywords)]

    def test_it_is_registered_with_a_summary(self):
        selector = SELECTORS.get(self.name)
        assert selector.name == self.name
        assert 10 < len(selector.summary) < 100

    @pytest.mark.parametrize("count", [1, 2, 5, 12, 18, 19])
    def test_it_suggests_as_many_planes_as_asked_each_once(self, count):
        assert len(set(self.suggest_planes(count))) == count

    def test_it_suggests_no_more_than_there_are(self):
        assert sorted(self.suggest_planes(99, painted=(8, 11))) == [p for p in range(2, 21) if p not in (8, 11)]

    def test_it_suggests_nothing_where_every_plane_is_painted(self):
        assert self.suggest(4, painted=range(4, 9), plane_range=(4, 8)) == []

    @pytest.mark.parametrize("count", [1, 4, 11])
    def test_it_suggests_no_painted_plane(self, count):
        planes = self.suggest_planes(count, painted=(3, 9, 10, 16))
        assert len(set(planes)) == count
        assert not {3, 9, 10, 16} & set(planes)

    def test_it_stays_inside_the_range(self):
        planes = self.suggest_planes(4, plane_range=(7, 12))
        assert len(planes) == 4
        assert set(planes) <= set(range(7, 13))

    def test_it_takes_the_one_plane_that_is_left(self):
        assert self.suggest_planes(3, painted=(4, 5, 7), plane_range=(4, 7)) == [6]

    def test_it_works_in_a_range_of_one_plane(self):
        assert self.suggest_planes(1, plane_range=(6, 6)) == [6]

    def test_suggestions_come_in_the_order_in_which_to_paint_them(self):
        suggestions = self.suggest(6, painted=(9,))
        keys = [s.plane if self.ascending else -s.score for s in suggestions]
        assert keys == sorted(keys)

    def test_every_suggestion_says_why_in_a_few_words(self):
        for suggestion in self.suggest(5, painted=(9,)):
            assert 0 < len(suggestion.reason) <= 60
            assert np.isfinite(suggestion.score)
            assert type(suggestion.plane) is int

    def test_the_same_seed_gives_the_same_suggestions(self):
        assert self.suggest(5, seed=3, painted=(9,)) == self.suggest(5, seed=3, painted=(9,))

    @pytest.mark.filterwarnings("error")
    def test_a_constant_image_works(self):
        constant = Volume.from_array(np.full((self.planes, self.rows, self.columns), 7.3))
        assert len(set(self.suggest_planes(6, volume=constant, painted=(9,)))) == 6

    @pytest.mark.filterwarnings("error")
    def test_planes_that_are_all_zero_work(self):
        intensities = self.make_volume().intensities.copy()
        intensities[4:16] = 0
        assert len(set(self.suggest_planes(6, volume=Volume.from_array(intensities)))) == 6

    def test_the_image_and_the_annotation_stay_as_they_are(self):
        volume, annotation = self.make_volume(), self.make_annotation((9,))
        before = volume.intensities.copy(), annotation.labels.copy(), annotation.known.copy(), annotation.painted.copy()
        self.make_selector().select(volume, annotation, 5, np.random.default_rng(0))
        after = volume.intensities, annotation.labels, annotation.known, annotation.painted
        for one, other in zip(before, after, strict=True):
            np.testing.assert_array_equal(one, other)

    def test_a_count_below_one_is_refused(self):
        with pytest.raises(InputError, match="ask for at least 1"):
            self.suggest(0)

    def test_an_annotation_on_another_grid_is_refused(self):
        volume = Volume.from_array(np.zeros((self.planes, self.rows + 1, self.columns)))
        with pytest.raises(InputError, match="different grids"):
            self.suggest(3, volume=volume)

    def test_its_options_survive_json(self):
        options = self.make_selector().options
        assert type(options).from_dict(options.to_dict()) == options
