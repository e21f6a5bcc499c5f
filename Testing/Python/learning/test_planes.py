"""What a network sees of a plane."""

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="torch is not installed")

from SparseAnnotateLib.annotation import LabelClass, SparseAnnotation  # noqa: E402
from SparseAnnotateLib.learning.planes import PlaneSource, held_out_planes, training_planes  # noqa: E402
from SparseAnnotateLib.learning.priors import ShapePrior  # noqa: E402
from SparseAnnotateLib.learning.region import Working, normalized, working_region  # noqa: E402
from SparseAnnotateLib.predictors import PREDICTORS, run  # noqa: E402
from SparseAnnotateLib.quality.left_out import without_planes  # noqa: E402
from SparseAnnotateLib.volume import Volume  # noqa: E402


def annotation(shape=(12, 100, 120), planes=(2, 6, 10), plane_range=(1, 11), box=(slice(40, 60), slice(30, 70))):
    labels = np.zeros(shape, np.uint8)
    labels[(list(planes), *box)] = 1
    return SparseAnnotation.from_painted_planes(labels, planes, plane_range=plane_range)


def whole(shape):
    return Working((slice(0, shape[1]), slice(0, shape[2])), 1.0)


def test_the_region_is_the_labels_box_with_a_margin_widened_to_the_stride():
    working = working_region(annotation(), margin=10, smallest_side=32, stride=16)
    # Rows 30..70 are 40 long and become 48; columns 20..80 are 60 and become 64.
    assert working == Working((slice(26, 74), slice(18, 82)), 1.0)


def test_a_small_region_is_magnified_but_never_more_than_four_times():
    tiny = annotation(box=(slice(50, 54), slice(50, 54)))
    assert working_region(tiny, margin=2, smallest_side=16, stride=16).zoom == 2
    assert working_region(tiny, margin=2, smallest_side=512, stride=16).zoom == 4


def test_the_region_never_leaves_the_image():
    everywhere = annotation(box=(slice(0, 100), slice(0, 120)))
    assert working_region(everywhere, margin=10, smallest_side=32, stride=32).box == (slice(0, 100), slice(0, 120))


def test_partly_painted_planes_widen_the_region_and_a_box_bounds_it():
    partly = annotation().with_partly_painted([2])
    free = working_region(partly, margin=2, smallest_side=32, stride=1)
    assert free.box == (slice(27, 73), slice(17, 83))
    boxed = partly.with_box((0, 38, 28), (11, 61, 71))
    assert working_region(boxed, margin=2, smallest_side=32, stride=1).box == (slice(36, 64), slice(26, 74))


def test_without_any_label_the_region_is_the_whole_plane():
    empty = SparseAnnotation.from_painted_planes(np.zeros((3, 20, 30), np.uint8), [1])
    assert working_region(empty, margin=2, smallest_side=8, stride=1).box == (slice(0, 20), slice(0, 30))


def test_intensities_become_mean_0_and_deviation_1_whatever_outliers_do():
    rng = np.random.default_rng(0)
    image = rng.normal(1000, 50, (4, 60, 60)).astype(np.float32)
    image[0, 0, :5] = 1e7
    seen = normalized(image)
    assert seen.dtype == np.float16
    assert abs(float(seen.astype(np.float32).mean())) < 0.02
    assert float(seen.astype(np.float32).std()) == pytest.approx(1, abs=0.03)
    assert seen[0, 0, 0] == seen.max() < 3.5


def test_a_constant_image_becomes_zero():
    assert not normalized(np.full((2, 5, 5), 7, np.float32)).any()


def test_neighbouring_planes_are_channels_and_the_last_one_is_repeated():
    image = np.arange(5, dtype=np.float32)[:, None, None] + np.zeros((5, 8, 8), np.float32)
    given = SparseAnnotation.from_painted_planes(np.eye(8, dtype=np.uint8)[None].repeat(5, 0), [2])
    source = PlaneSource(image, given, whole(image.shape), "cpu", neighbours=2)
    inputs, prior = source.inputs(torch.tensor([0, 2, 4]))
    assert prior is None
    order = inputs[:, :, 0, 0].unique(return_inverse=True)[1]
    assert order.tolist() == [[0, 0, 0, 1, 2], [0, 1, 2, 3, 4], [2, 3, 4, 4, 4]]


def test_no_neighbours_give_one_channel_as_in_the_paper():
    given = annotation()
    source = PlaneSource(
        np.random.default_rng(0).random(given.labels.shape), given, whole(given.labels.shape), "cpu", neighbours=0
    )
    assert source.inputs(torch.tensor([5]))[0].shape == (1, 1, 100, 120)


def test_the_known_mask_is_a_channel_hidden_from_some_training_planes():
    given = annotation()
    image = np.random.default_rng(0).random(given.labels.shape).astype(np.float32)
    source = PlaneSource(image, given, whole(image.shape), "cpu", known_channel=True)
    assert source.channels == 4
    assert source.inputs(torch.tensor([2, 3]))[0][:, 3].mean((1, 2)).tolist() == [1, 0]
    shown = source.inputs(torch.tensor([2] * 40), training=torch.Generator().manual_seed(0))[0][:, 3].mean((1, 2))
    assert sorted(set(shown.tolist())) == [0, 1]


def test_border_planes_are_the_known_empty_ones_next_to_the_range():
    given = annotation(plane_range=(2, 10))
    assert training_planes(given, 0) == [2, 6, 10]
    assert training_planes(given, 1) == [1, 2, 6, 10, 11]
    assert training_planes(given, 3) == [0, 1, 2, 6, 10, 11]


def test_one_painted_plane_of_five_is_held_out_but_none_of_four():
    labels = np.ones((30, 4, 4), np.uint8)
    assert held_out_planes(SparseAnnotation.from_painted_planes(labels, [1, 3, 5, 7])) == []
    assert held_out_planes(SparseAnnotation.from_painted_planes(labels, [1, 3, 5, 7, 9])) == [5]
    many = held_out_planes(SparseAnnotation.from_painted_planes(labels, range(0, 30, 2)))
    assert many == [4, 14, 24]


def test_classes_outside_their_own_range_cannot_occur():
    given = annotation(planes=(6,)).with_class_ranges({1: (4, 8)})
    source = PlaneSource(np.zeros(given.labels.shape, np.float32), given, whole(given.labels.shape), "cpu")
    assert source.allowed([3, 5]).tolist() == [[True, False], [True, True]]


def test_classes_that_nobody_painted_cannot_occur():
    classes = (LabelClass(1, "painted"), LabelClass(2, "not painted"))
    given = SparseAnnotation.from_painted_planes(annotation().labels, [2], classes=classes)
    source = PlaneSource(np.zeros(given.labels.shape, np.float32), given, whole(given.labels.shape), "cpu")
    assert source.allowed([3]).tolist() == [[True, True, False]]


def test_the_prior_interpolates_and_leaves_a_training_plane_out():
    labels = np.zeros((9, 40, 40), np.uint8)
    for plane, radius in ((0, 6), (4, 14), (8, 6)):
        labels[plane, 20 - radius : 20 + radius, 20 - radius : 20 + radius] = 1
    given = SparseAnnotation.from_painted_planes(labels, [0, 4, 8])
    prior = ShapePrior(given, whole(labels.shape), (1.0, 1.0, 1.0), "cpu")
    _, logits = prior.of(torch.tensor([0, 2, 4]))
    sides = (logits.argmax(1)[:, 20] == 1).sum(1).tolist()
    assert sides == [12, 20, 28]
    # While training plane 4 is made of 0 and 8, and mixed with the truth by 1, 1/2, 1/4.
    generator = torch.Generator().manual_seed(0)
    _, logits = prior.of(torch.tensor([4] * 30), training=generator)
    assert sorted(set((logits.argmax(1)[:, 20] == 1).sum(1).tolist())) == [12, 20, 24]


def test_the_prior_of_the_only_painted_plane_is_that_plane():
    given = annotation(planes=(5,))
    prior = ShapePrior(given, whole(given.labels.shape), (1.0, 1.0, 1.0), "cpu")
    _, logits = prior.of(torch.tensor([5]), training=torch.Generator())
    assert np.array_equal(logits.argmax(1)[0].numpy(), given.labels[5])


def test_the_prior_says_what_the_predictor_shape_says():
    rows, columns = np.mgrid[:50, :60]
    labels = np.zeros((13, 50, 60), np.uint8)
    for plane in range(13):
        distance = np.hypot(rows - 22 - plane / 3, columns - 30)
        labels[plane][distance < 17 - abs(plane - 6)] = 1
        labels[plane][distance < 8 - abs(plane - 6)] = 2
    given = SparseAnnotation.from_painted_planes(labels, [1, 4, 8, 11])
    expected = run(PREDICTORS.create("shape"), Volume.from_array(labels.astype(np.float32)), given).labels
    _, logits = ShapePrior(given, whole(labels.shape), (1.0, 1.0, 1.0), "cpu").of(torch.arange(13))
    assert (logits.argmax(1).numpy() == expected).mean() > 0.998


def test_without_a_plane_nothing_of_it_is_known_any_more():
    left = without_planes(annotation(), [6])
    assert left.painted_planes == [2, 10]
    assert not left.known[6].any()
    assert not left.labels[6].any()
    assert annotation().known[6].all()


def disc_with_a_gap():
    """A disc on planes 1, 3, 5, 7, 9, whose right half nobody painted on plane 5, and nothing else there."""
    rows, columns = np.mgrid[:24, :24]
    labels = np.zeros((11, 24, 24), np.uint8)
    labels[1:10] = np.hypot(rows - 11.5, columns - 11.5) < 8
    erased = labels.copy()
    erased[5, :, 12:] = 0
    return labels, erased


def prior_of(given):
    return ShapePrior(given, Working((slice(0, 24), slice(0, 24)), 1.0), (1.0, 1.0, 1.0), "cpu")


def test_where_a_painted_plane_is_unknown_the_prior_says_what_the_others_interpolate_to():
    labels, erased = disc_with_a_gap()
    given = SparseAnnotation.from_painted_planes(erased, [1, 3, 5, 7, 9])
    on_the_gap = torch.tensor([5])
    _, complete = prior_of(given).of(on_the_gap)
    assert np.array_equal(complete[0].argmax(0).numpy(), erased[5])
    _, partial = prior_of(given.with_partly_painted([5])).of(on_the_gap)
    assert np.array_equal(partial[0].argmax(0).numpy(), labels[5])


def test_a_prior_completes_all_planes_of_which_each_lacks_another_part():
    labels, _ = disc_with_a_gap()
    erased, halves = labels.copy(), (slice(0, 12), slice(12, 24))
    for number, plane in enumerate((1, 3, 5, 7, 9)):
        erased[plane, :, halves[number % 2]] = 0
    given = SparseAnnotation.from_painted_planes(erased, [1, 3, 5, 7, 9]).with_partly_painted([1, 3, 5, 7, 9])
    _, logits = prior_of(given).of(torch.tensor([4, 5, 6]))
    found = logits.argmax(1).numpy()
    assert 2 * (found & labels[4:7]).sum() / (found.sum() + labels[4:7].sum()) > 0.9


def test_where_nobody_painted_a_prior_gives_no_class_that_cannot_occur_on_the_plane():
    labels, _ = disc_with_a_gap()
    labels[3:, 1:5, 1:5] = 2
    given = SparseAnnotation.from_painted_planes(labels, [1, 3, 5, 7, 9]).with_partly_painted([1])

    def in_the_corner(given):
        return set(prior_of(given).of(torch.tensor([1]))[1][0].argmax(0)[2:4, 2:4].flatten().tolist())

    assert in_the_corner(given) == {2}
    assert in_the_corner(given.with_class_ranges({2: (3, 10)})) == {0}
