"""What is remembered changes how long a prediction takes, and not a bit of it."""

import dataclasses
import itertools

import numpy as np
import pytest
from SparseAnnotateLib import PREDICTORS, SparseAnnotation, Volume, run
from SparseAnnotateLib.predictors.guided.planes import PlaneWorker
from SparseAnnotateLib.predictors.guided.priors import PriorMaker
from SparseAnnotateLib.predictors.memory import Memory, digest

PLANES, ROWS, COLUMNS = 16, 36, 40


def two_columns(seed=0, contrast=60.0):
    """Two oblique columns in noise, whose box is the same on every plane, and their labels."""
    rng = np.random.default_rng(seed)
    labels = np.zeros((PLANES, ROWS, COLUMNS), np.uint8)
    row, column = np.mgrid[:ROWS, :COLUMNS]
    for z in range(PLANES):
        labels[z][(row - 12 - 0.3 * z) ** 2 + (column - 14 - 0.2 * z) ** 2 < (5 + 0.1 * z) ** 2] = 1
        labels[z][(row - 24 + 0.2 * z) ** 2 + (column - 27) ** 2 < 20 * (z < PLANES - 3)] = 2
    labels[:, (2, -3), 2] = labels[:, 2, (2, -3)] = 1
    image = contrast * (labels == 1) + 1.5 * contrast * (labels == 2) + rng.normal(0, 12, labels.shape)
    return Volume.from_array(image.astype(np.float32), (2.0, 1.0, 1.0)), labels


def annotated(labels, painted, plane_range=None, ranges=(), partly=()):
    annotation = SparseAnnotation.from_painted_planes(labels, painted, plane_range=plane_range or (0, PLANES - 1))
    annotation = annotation.with_class_ranges(dict(ranges))
    return annotation.with_partly_painted(partly) if partly else annotation


def predicted(volume, annotation, memory=None, **options):
    predictor = PREDICTORS.create("guided", {"keep_probabilities": True, **options})
    return run(predictor if memory is None else predictor.remembering(memory), volume, annotation)


def assert_same(one, other):
    for field in dataclasses.fields(one):
        a, b = getattr(one, field.name), getattr(other, field.name)
        if isinstance(a, np.ndarray):
            assert a.dtype == b.dtype
            assert a.tobytes() == b.tobytes(), field.name
        else:
            assert repr(a) == repr(b), field.name


def stories(seed):
    """Painting, erasing, painting differently, painting in part, and ranges, in an order drawn at random."""
    rng = np.random.default_rng(seed)
    _, truth = two_columns()
    labels, painted, partly = truth.copy(), {0, PLANES - 1}, set()
    for _ in range(7):
        plane = int(rng.integers(1, PLANES - 1))
        what = rng.choice(["paint", "paint", "erase", "differently", "partly"])
        if what == "erase" and len(painted) > 3:
            painted.discard(int(rng.choice(sorted(painted))))
            partly -= partly - painted
        else:
            painted.add(plane)
            partly.discard(plane)
        if what == "partly" and len(painted - partly) > 3:
            partly.add(plane)
        if what == "differently":
            labels[plane] = np.roll(truth[plane], int(rng.integers(1, 3)), axis=1) * (truth[plane] != 2)
        first, last = min(painted), max(painted)
        shown = np.flatnonzero((labels == 2).any(axis=(1, 2)))
        ranges = {2: (first, int(rng.integers(shown[-1], last + 1)))} if rng.random() < 0.3 else {}
        around = (max(0, first - int(rng.integers(3))), min(PLANES - 1, last + int(rng.integers(3))))
        yield annotated(labels, sorted(painted), around, ranges, sorted(partly))


@pytest.mark.parametrize("seed", range(2))
def test_remembering_gives_the_same_bits_in_any_order_of_painting_erasing_and_ranges(seed):
    volume, _ = two_columns()
    memory = Memory()
    for annotation in stories(seed):
        assert_same(predicted(volume, annotation, memory), predicted(volume, annotation))


def test_a_memory_that_is_far_too_small_gives_the_same_bits():
    volume, _ = two_columns()
    memory = Memory(200_000)
    for annotation in itertools.islice(stories(7), 4):
        assert_same(predicted(volume, annotation, memory), predicted(volume, annotation))
        assert memory.size_bytes <= 200_000
    assert len(memory)


def test_two_images_of_the_same_shape_are_not_mistaken_for_each_other():
    memory = Memory()
    volumes = [two_columns(seed)[0] for seed in (0, 1)]
    annotation = annotated(two_columns()[1], [1, 6, 13])
    for volume in [*volumes, *volumes]:
        assert_same(predicted(volume, annotation, memory), predicted(volume, annotation))


@pytest.mark.parametrize(
    "change", [{"spacing_mm": (2.0, 1.0, 1.5)}, {"seed": 3}, {"fill_holes": "plane"}, {"classes": 1}]
)
def test_another_setting_is_another_prediction(change):
    volume, labels = two_columns()
    memory = Memory()
    predicted(volume, annotated(labels, [1, 5, 9, 13]), memory)
    options = {name: value for name, value in change.items() if name in ("seed", "fill_holes")}
    if "spacing_mm" in change:
        volume = Volume.from_array(volume.intensities, change["spacing_mm"])
    if "classes" in change:
        labels = np.where(labels == 2, 1, labels)
    annotation = annotated(labels, [1, 5, 9, 13])
    assert_same(predicted(volume, annotation, memory, **options), predicted(volume, annotation, **options))


def test_what_another_plane_says_of_a_structure_that_is_not_here_counts():
    volume, labels = two_columns()
    labels[4:][labels[4:] == 2] = 0
    memory = Memory()
    for shift in (0, 3):
        # Nearer planes do not show the second structure: how large it is they take from plane 0.
        labels[0][20:29, 20 : 32 + shift] = 2
        annotation = annotated(labels, [0, 5, 10, 15])
        assert_same(predicted(volume, annotation, memory), predicted(volume, annotation))


def test_what_a_left_out_plane_shows_itself_counts_where_the_flow_is_looked_for():
    rng = np.random.default_rng(0)
    labels = np.zeros((13, 90, 90), np.uint8)
    labels[:, 40:50, 40:50] = 1
    labels[0, (1, -2), (1, -2)] = 1
    volume = Volume.from_array((60 * labels + rng.normal(0, 12, labels.shape)).astype(np.float32))
    memory = Memory()
    for wider in (0, 14):
        labels[6, 40:50, 40 : 50 + wider] = 1
        annotation = annotated(labels, [0, 3, 6, 9, 12], (0, 12))
        assert_same(predicted(volume, annotation, memory), predicted(volume, annotation))


def test_the_twelfth_painted_plane_shows_the_trees_more_also_where_nothing_else_changes():
    rng = np.random.default_rng(0)
    labels = np.zeros((34, 24, 24), np.uint8)
    labels[:, 8:16, 8:16] = 1
    volume = Volume.from_array((60 * labels + rng.normal(0, 30, labels.shape)).astype(np.float32))
    memory = Memory()
    for painted in (range(0, 33, 3), [*range(0, 33, 3), 33]):
        annotation = annotated(labels, painted, (0, 33))
        assert_same(predicted(volume, annotation, memory), predicted(volume, annotation))


def test_structures_on_planes_of_their_own_are_remembered_too():
    volume, labels = two_columns()
    memory = Memory()
    for planes in ({1: [0, 4, 8, 15], 2: [1, 7, 13]}, {1: [0, 4, 8, 11, 15], 2: [1, 7, 13]}):
        painted = sorted({plane for ones in planes.values() for plane in ones})
        annotation = annotated(labels, painted)
        annotation = annotation.with_complete({number: planes[number] for number in planes})
        assert_same(predicted(volume, annotation, memory), predicted(volume, annotation))


class TestWhatIsDoneAgain:
    """Counted, for times say nothing on a busy machine."""

    @pytest.fixture
    def made(self, monkeypatch):
        planes, make = [], PriorMaker.make

        def counted(maker, bracket, below, above, left_out=False):
            planes.append((bracket.plane, left_out))
            return make(maker, bracket, below, above, left_out)

        monkeypatch.setattr(PriorMaker, "make", counted)
        return planes

    def test_one_more_painted_plane_costs_its_two_gaps_and_the_lessons_of_three_planes(self, made):
        volume, labels = two_columns()
        memory = Memory()
        predicted(volume, annotated(labels, [0, 3, 6, 12, 15]), memory)
        assert len(made) == 11 + 5
        made.clear()
        predicted(volume, annotated(labels, [0, 3, 6, 9, 12, 15]), memory)
        assert sorted(made) == [(6, True), (7, False), (8, False), (9, True), (10, False), (11, False), (12, True)]

    def test_going_back_to_what_was_painted_before_costs_nothing(self, made):
        volume, labels = two_columns()
        memory = Memory()
        for painted in ([0, 6, 15], [0, 6, 10, 15]):
            predicted(volume, annotated(labels, painted), memory)
        made.clear()
        predicted(volume, annotated(labels, [0, 6, 15]), memory)
        assert not made

    def test_labels_are_carried_on_from_where_they_were_carried_before(self, monkeypatch):
        volume, labels = two_columns()
        memory = Memory()
        predicted(volume, annotated(labels, [0, 12, 15]), memory)
        sources = []
        worker = PlaneWorker(volume, annotated(labels, [0, 9, 12, 15]), 0, memory=memory)
        fuse = worker._search.fuse
        monkeypatch.setattr(worker._search, "fuse", lambda plane, given: sources.append(plane) or fuse(plane, given))
        worker.carry(0, range(1, 10), worker.steps(0, range(1, 10)))
        assert not sources
        worker.carry(9, range(8, -1, -1), worker.steps(9, range(8, -1, -1)))
        assert sources == list(range(8, -1, -1))


class TestMemory:
    def test_what_was_used_least_recently_goes_first(self):
        array = np.zeros(1000, np.uint8)
        memory = Memory(3 * 1400)
        for key in "abc":
            memory.keep(key, array.copy())
        memory.recall("a")
        memory.keep("d", array.copy())
        assert [key for key in "abcd" if memory.recall(key) is not None] == ["a", "c", "d"]
        assert memory.size_bytes == 3 * 1400

    def test_what_the_last_prediction_used_stays_though_there_is_no_room_for_all(self):
        memory = Memory(3 * 1400)

        def predict(scene, keys):
            memory.begin(scene)
            recalled = [key for key in keys if memory.recall(key) is not None]
            for key in set(keys) - set(recalled):
                memory.keep(key, np.zeros(1000, np.uint8))
            return recalled

        predict("scene", "abc")
        for _ in range(3):
            assert predict("scene", "abcd") == ["a", "b", "c"]
        # What one prediction does not use makes room in the next one, and another scene at once.
        assert predict("scene", "abd") == ["a", "b"]
        assert predict("scene", "abd") == ["a", "b"]
        assert predict("scene", "abd") == ["a", "b", "d"]
        predict("another", "xyz")
        assert predict("another", "xyz") == ["x", "y", "z"]

    def test_some_values_are_kept_in_any_case(self):
        memory = Memory(2 * 1400)
        memory.begin("scene")
        for key in "ab":
            memory.keep(key, np.zeros(1000, np.uint8))
        memory.keep("c", np.zeros(1000, np.uint8), always=True)
        assert [key for key in "abc" if memory.recall(key) is not None] == ["b", "c"]

    def test_what_is_larger_than_all_of_it_is_not_kept_and_pushes_nothing_out(self):
        memory = Memory(3000)
        memory.keep("small", np.zeros(10))
        assert len(memory.keep("large", np.zeros(1000))) == 1000
        assert memory.recall("large") is None
        assert memory.recall("small") is not None

    def test_what_is_kept_cannot_be_written_to(self):
        array = Memory().keep("a", np.zeros(3))
        with pytest.raises(ValueError, match="read-only"):
            array[0] = 1

    def test_an_image_is_read_once_and_another_one_in_its_place_again(self):
        memory = Memory()
        image = np.zeros((2, 3, 4), np.float32)
        first = memory.digest_of_image(image)
        assert memory.digest_of_image(image) == first == digest(image)
        assert memory.digest_of_image(image + 1) != first

    def test_a_digest_tells_content_type_and_shape_apart(self):
        zeros = np.zeros((2, 3), np.uint8)
        given = [zeros, zeros.T, zeros.view(bool), zeros + 1, (zeros, 1), (1, zeros), [(1,), 2], [1, (2,)], 1, 1.0, "1"]
        assert len({digest(one) for one in given}) == len(given)
        assert digest(zeros) == digest(np.zeros((3, 2), np.uint8).T)


class TestSketch:
    """What is shown of the planes in view before the trees are learnt."""

    def steps(self, annotation, memory, in_view, volume=None):
        predictor = PREDICTORS.create("guided").remembering(memory, in_view)
        return list(predictor.predict(two_columns()[0] if volume is None else volume, annotation))

    def shown(self, steps, *stages):
        return {step.preview[0]: step.preview[1] for step in steps[:-1] if step.preview and step.stage in stages}

    @pytest.fixture
    def labels(self):
        return two_columns()[1]

    def test_planes_around_the_one_that_was_painted_come_before_anything_is_learnt(self, labels):
        memory = Memory()
        self.steps(annotated(labels, [0, 3, 6, 15]), memory, 6)
        steps = self.steps(annotated(labels, [0, 3, 6, 10, 15]), memory, 10)
        order = [step.preview[0] for step in steps[:-1] if step.preview and step.stage == "comparing planes"]
        assert order == [9, 11, 8, 12, 7, 13, 14]
        final = steps[-1].labels
        for plane, sketched in self.shown(steps, "comparing planes").items():
            assert sketched.shape == final[plane].shape
            assert np.mean(sketched != final[plane]) < 0.02

    def test_they_are_shown_once_more_when_they_are_decided(self, labels):
        memory = Memory()
        self.steps(annotated(labels, [0, 3, 6, 15]), memory, 6)
        steps = self.steps(annotated(labels, [0, 3, 6, 10, 15]), memory, 10)
        decided = self.shown(steps, "deciding")
        assert sorted(decided) == [7, 8, 9, 11, 12, 13, 14]
        for plane, labels_there in decided.items():
            np.testing.assert_array_equal(labels_there, steps[-1].labels[plane])

    @pytest.mark.parametrize("memory", [None, Memory()])
    def test_nothing_is_sketched_where_nothing_was_learnt_before(self, labels, memory):
        assert not self.shown(self.steps(annotated(labels, [0, 3, 6, 15]), memory, 6), "comparing planes")

    def test_trees_of_other_structures_or_another_image_are_not_used(self, labels):
        memory = Memory()
        self.steps(annotated(labels, [0, 3, 6, 15]), memory, 6)
        renamed = dataclasses.replace(
            annotated(labels, [0, 3, 6, 10, 15]), classes=annotated(labels[:, ::-1], [0, 6]).classes[::-1]
        )
        assert not self.shown(self.steps(renamed, memory, 10), "comparing planes")
        other = self.steps(annotated(labels, [0, 3, 6, 10, 15]), memory, 10, two_columns(seed=1)[0])
        assert not self.shown(other, "comparing planes")

    def test_trees_that_saw_less_are_not_used(self, labels):
        memory = Memory()
        self.steps(annotated(labels, [0, 6, 15]), memory, 6)
        # From four painted planes on they see what the priors say of other structures, too.
        assert not self.shown(self.steps(annotated(labels, [0, 6, 10, 15]), memory, 10), "comparing planes")

    def test_they_are_shown_too_where_the_region_begins_elsewhere(self):
        rng = np.random.default_rng(0)
        labels = np.zeros((13, 90, 100), np.uint8)
        labels[:, 40:60, 40:60] = 1
        volume = Volume.from_array((60 * labels + rng.normal(0, 20, labels.shape)).astype(np.float32))
        memory, painted = Memory(), [0, 3, 6, 12]
        self.steps(annotated(labels, painted, (0, 12)), memory, 6, volume)
        # What is nowhere else moves the region's corner from (16, 16) to (0, 0).
        labels[9, 14:30, 14:30] = 1
        steps = self.steps(annotated(labels, [*painted, 9], (0, 12)), memory, 9, volume)
        shown = self.shown(steps, "comparing planes")
        assert sorted(shown) == [7, 8, 10, 11]
        for plane, sketched in shown.items():
            assert np.mean(sketched[35:65, 35:65] != steps[-1].labels[plane, 35:65, 35:65]) < 0.02

    def test_the_plane_in_view_changes_no_bit_of_the_result(self):
        memory = Memory()
        for in_view, annotation in zip((3, 12, 0, 15, 7), stories(4), strict=False):
            assert_same(self.steps(annotation, memory, in_view)[-1], self.steps(annotation, None, None)[-1])

    def test_a_volume_too_large_to_keep_all_pixels_is_sketched_too(self, labels, monkeypatch):
        monkeypatch.setattr("SparseAnnotateLib.predictors.guided.predictor.ROWS_BYTES", 0)
        memory = Memory()
        self.steps(annotated(labels, [0, 3, 6, 15]), memory, 6)
        steps = self.steps(annotated(labels, [0, 3, 6, 10, 15]), memory, 10)
        assert len(self.shown(steps, "comparing planes")) == 7
        assert_same(steps[-1], self.steps(annotated(labels, [0, 3, 6, 10, 15]), None, None)[-1])
