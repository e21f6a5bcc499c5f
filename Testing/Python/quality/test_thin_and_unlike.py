"""Thin structures promise less than discs; what the image does not bear out is named."""

import numpy as np
import pytest
from SparseAnnotateLib import PREDICTORS, SparseAnnotation, Volume, run
from SparseAnnotateLib.quality.appearance import half_thickness_mm, is_shown, neighbours_told_apart, share_inside
from SparseAnnotateLib.quality.expected import with_expected_quality
from SparseAnnotateLib.quality.image_agreement import image_agreement

ROWS, COLUMNS = np.mgrid[:48, :56]
AWAY = np.hypot(ROWS - 24, COLUMNS - 28)
SPACING = (1.0, 1.0, 1.0)


def image_of(truth, contrast=100, noise=15):
    return (truth * contrast + np.random.default_rng(0).normal(0, noise, truth.shape)).astype(np.float32)


def told(truth, painted, predictor="shape", contrast=100):
    annotation = SparseAnnotation.from_painted_planes(truth, painted)
    volume = Volume.from_array(image_of(truth, contrast), SPACING)
    prediction = run(PREDICTORS.create(predictor), volume, annotation)
    return with_expected_quality(prediction, annotation, SPACING, predictor, volume.intensities)


@pytest.mark.parametrize("spacing", [(1.0, 1.0), (0.5, 2.0), (3.0, 0.8)])
def test_a_disc_has_its_radius_and_a_band_half_of_its_width(spacing):
    fine = np.hypot((ROWS - 24) * spacing[0], (COLUMNS - 28) * spacing[1])
    disc = (fine <= 9).astype(np.uint8)
    band = 2 * ((ROWS >= 20) & (ROWS < 24)).astype(np.uint8)
    assert half_thickness_mm(disc[None], 2, spacing)[0] == pytest.approx([9, 0], rel=0.15)
    length, width = 56 * spacing[1], 4 * spacing[0]
    expected = 8 / np.pi * length * width / (2 * (length + width))
    assert half_thickness_mm(band[None], 2, spacing)[0] == pytest.approx([0, expected])


def test_what_looks_like_its_surroundings_is_not_shown():
    for radius in (3, 5, 9):
        truth = np.repeat((radius >= AWAY)[None], 6, axis=0).astype(np.uint8)
        annotation = SparseAnnotation.from_painted_planes(truth, [0, 2, 5])
        assert not is_shown(image_of(truth, 0), annotation, 1)
        assert is_shown(image_of(truth, 100), annotation, 1)
        image = image_agreement(annotation.labels, annotation, image_of(truth, 100))
        assert image.contrast[0] > 0.5
        assert image_agreement(annotation.labels, annotation, image_of(truth, 0)).contrast[0] < 0.2


@pytest.mark.parametrize("brightness", [0, 60, 120])
def test_each_neighbour_is_told_from_a_structure_by_its_own_pixels(brightness):
    """A sheet that runs from an organ of 60 into a background of 0 looks like one, the other, or none of them."""
    truth = np.where(abs(ROWS - 24) <= 1, 2, np.where(COLUMNS < 28, 1, 0)).astype(np.uint8)[None].repeat(6, axis=0)
    image = image_of(np.choose(truth, [0, 60, brightness]), 1, 10)
    annotation = SparseAnnotation.from_painted_planes(truth, [0, 2, 5])
    assert neighbours_told_apart(image, annotation, 2) == {0: brightness != 0, 1: brightness != 60}


def test_a_neighbour_of_too_few_pixels_is_neither_told_nor_hiding():
    truth = np.where((ROWS == 24) & (COLUMNS > 10), 2, np.where(COLUMNS < 11, 1, 0)).astype(np.uint8)[None].repeat(6, 0)
    annotation = SparseAnnotation.from_painted_planes(truth, [0])
    image = image_of(np.choose(truth, [0, 60, 60]), 1, 10)
    assert neighbours_told_apart(image, annotation, 2) == {0: True}


@pytest.mark.parametrize("predictor", ["shape", "nearest", "guided"])
def test_a_shell_promises_less_than_the_ball_it_bounds(predictor):
    reach = np.stack([np.sqrt(np.maximum(0, 20**2 - (k - 20) ** 2)) for k in range(41)])[:, None, None]
    ball = (reach > AWAY).astype(np.uint8)
    inner = (np.maximum(reach - 2.5, 0) > AWAY).astype(np.uint8)
    shell = ball - inner
    planes = range(3, 41, 7)
    assert told(shell, planes, predictor, 0).expected_dice < told(ball, planes, predictor, 0).expected_dice - 0.1


@pytest.mark.parametrize("predictor", ["shape", "nearest"])
@pytest.mark.parametrize("kind", ["stack", "ladder", "two columns"])
def test_what_comes_and_goes_between_planes_that_look_alike_is_named(kind, predictor):
    there = {"stack": lambda k: k % 8 < 4, "ladder": lambda k: k % 8 < 5, "two columns": lambda k: k % 8 < 3}[kind]
    outline = (AWAY <= 12) if kind != "two columns" else (np.abs(COLUMNS - 28) > 8) & (AWAY <= 16)
    truth = np.stack([outline & there(k) for k in range(41)]).astype(np.uint8)
    prediction = told(truth, range(1, 41, 8), predictor)
    named = prediction.details["unlike"]["class 1"]
    assert named
    assert not any(there(k) for k in named)
    whole = np.repeat(outline[None], 41, axis=0).astype(np.uint8)
    steady = told(whole, range(1, 41, 8), predictor)
    assert "unlike" not in steady.details
    assert prediction.expected_dice < steady.expected_dice - 0.1


@pytest.mark.parametrize("pixels", [0, 2, -3, 6, 12])
def test_the_image_tells_how_much_of_a_mask_lies_inside(pixels):
    truth = np.repeat((AWAY <= 4)[None], 7, axis=0)
    annotation = SparseAnnotation.from_painted_planes(truth.astype(np.uint8), [0, 3, 6])
    moved = np.roll(truth, pixels, axis=2)
    share, error = share_inside(image_of(truth), annotation, 1, moved)
    assert share == pytest.approx((moved & truth).sum() / truth.sum(), abs=0.1)
    assert 0 < error < 0.1


def test_nothing_is_told_of_a_mask_where_the_image_shows_nothing():
    truth = np.repeat((AWAY <= 4)[None], 7, axis=0)
    annotation = SparseAnnotation.from_painted_planes(truth.astype(np.uint8), [0, 3, 6])
    assert share_inside(np.zeros(truth.shape, np.float32), annotation, 1, truth) == (0.0, np.inf)
    assert share_inside(image_of(truth), annotation, 1, np.zeros_like(truth)) == (0.0, np.inf)


@pytest.mark.parametrize("seed", range(4))
def test_a_few_pixels_of_chance_do_not_show_a_structure(seed):
    fibre = np.zeros((9, 48, 56), np.uint8)
    fibre[:, 20, 20] = 1
    noise = np.random.default_rng(seed).normal(0, 10, fibre.shape)
    annotation = SparseAnnotation.from_painted_planes(fibre, range(0, 9, 2))
    assert not is_shown(noise, annotation, 1)
    assert is_shown(noise + 100 * fibre, annotation, 1)
