"""Scans of a cohort: the same structures and the same grid in all of them."""

from dataclasses import replace

import numpy as np
import pytest
from cohort.scans import a_scan, some_scans, tiny_settings
from SparseAnnotateLib.annotation import LabelClass, SparseAnnotation
from SparseAnnotateLib.cohort.scans import CohortScan, plane_sources, resampled_annotation
from SparseAnnotateLib.cohort.structures import ScanFacts, Structures, orientation_of
from SparseAnnotateLib.cohort.training.cohort import prepare
from SparseAnnotateLib.errors import InputError
from SparseAnnotateLib.volume import ImageGeometry, Volume


def scan_of(name, classes, labels, axis="k"):
    image = np.random.default_rng(0).normal(size=labels.shape)
    volume = replace(Volume.from_array(image), axis=axis)
    return CohortScan(name, volume, SparseAnnotation.from_painted_planes(labels, classes=classes))


def unified(scans):
    structures = Structures.of([ScanFacts.of(scan) for scan in scans])
    return [structures.renumbered(scan) for scan in scans], structures.classes


def plane_with(*values):
    labels = np.zeros((2, 1, len(values)), np.uint8)
    labels[0, 0] = values
    return labels


def test_structures_of_the_same_name_are_the_same_whatever_their_values():
    first = scan_of("a", [LabelClass(1, "atrium"), LabelClass(2, "wall")], plane_with(1, 2, 0))
    second = scan_of("b", [LabelClass(7, "wall"), LabelClass(9, "atrium")], plane_with(7, 9, 0))
    scans, classes = unified([first, second])
    assert [(one.value, one.name) for one in classes] == [(1, "atrium"), (2, "wall")]
    assert scans[0].annotation.labels[0, 0].tolist() == [1, 2, 0]
    assert scans[1].annotation.labels[0, 0].tolist() == [2, 1, 0]


def test_a_label_map_without_names_takes_those_of_the_same_values():
    named = scan_of("a", [LabelClass(3, "atrium")], plane_with(3, 0))
    nameless = scan_of("b", [LabelClass(3, "class 3"), LabelClass(5, "class 5")], plane_with(3, 5))
    _, classes = unified([nameless, named])
    assert [(one.value, one.name) for one in classes] == [(3, "atrium"), (5, "class 5")]


def test_different_structures_with_the_same_value_get_values_of_their_own():
    first = scan_of("a", [LabelClass(1, "atrium")], plane_with(1))
    second = scan_of("b", [LabelClass(1, "ventricle")], plane_with(1))
    scans, classes = unified([first, second])
    assert [(one.value, one.name) for one in classes] == [(1, "atrium"), (2, "ventricle")]
    assert [scan.annotation.labels[0, 0, 0] for scan in scans] == [1, 2]


@pytest.mark.parametrize(
    ("scans", "sentence"),
    [
        ([], "no scan is given"),
        ([a_scan("a"), a_scan("a")], "two scans are called a"),
        ([a_scan("a"), scan_of("b", [LabelClass(1, "ball")], plane_with(1), axis="i")], "--axis"),
        ([a_scan("a"), scan_of("b", [LabelClass(1, "ball")], plane_with(0))], "nothing is painted in b"),
    ],
)
def test_scans_that_do_not_belong_together_are_refused(scans, sentence):
    with pytest.raises(InputError, match=sentence):
        unified(scans)


def test_a_grid_that_fits_is_not_touched():
    annotation = a_scan().annotation
    labels, known = resampled_annotation(annotation, annotation.labels.shape)
    np.testing.assert_array_equal(labels, annotation.labels)
    np.testing.assert_array_equal(known, annotation.known)


def test_painted_planes_survive_where_planes_become_fewer():
    annotation = SparseAnnotation.from_painted_planes(np.ones((12, 2, 2), np.uint8), [0, 5, 10])
    sources = plane_sources(annotation, 4)
    assert sources.tolist() == [0, 5, 7, 10]


def test_where_planes_become_more_each_takes_the_nearest():
    annotation = SparseAnnotation.from_painted_planes(np.ones((3, 2, 2), np.uint8), [1])
    assert plane_sources(annotation, 6).tolist() == [0, 0, 1, 1, 2, 2]


def test_the_common_spacing_is_the_median_and_blocks_are_no_larger_than_scans():
    spacings = [(2.0, 1.0, 1.0), (2.0, 0.5, 0.5), (4.0, 0.5, 0.5)]
    scans = [a_scan(name, spacing_mm=spacing) for name, spacing in zip("abc", spacings, strict=True)]
    cohort = prepare(scans, tiny_settings(block=(48, 128, 128)))
    assert cohort.configuration.spacing_mm == (2.0, 0.5, 0.5)
    shapes = {scan.name: scan.image.shape for scan in (*cohort.training, *cohort.validation)}
    assert shapes == {"a": (12, 40, 40), "b": (12, 20, 20), "c": (24, 20, 20)}
    assert cohort.configuration.block == (24, 40, 40)


def test_scans_are_kept_out_by_the_seed_or_by_name():
    scans = some_scans(5)
    assert [scan.name for scan in prepare(scans, tiny_settings(validation_scans=("d", "b"))).validation] == ["b", "d"]
    drawn = {tuple(scan.name for scan in prepare(scans, tiny_settings(seed=seed)).validation) for seed in range(6)}
    assert len(drawn) > 1
    assert all(len(names) == 1 for names in drawn)
    assert not prepare(scans[:2], tiny_settings()).validation


@pytest.mark.parametrize(("names", "sentence"), [(("x",), "no scan 'x'"), (("a", "b", "c"), "every scan")])
def test_validation_scans_must_be_there_and_leave_some(names, sentence):
    with pytest.raises(InputError, match=sentence):
        prepare(some_scans(3), tiny_settings(validation_scans=names))


def test_orientations_are_read_and_a_mixture_is_noted():
    turned = ImageGeometry((20, 20, 12), (1.0,) * 3, direction=(-1, 0, 0, 0, 0, -1, 0, 1, 0))
    assert orientation_of(turned) == "RSA"
    scans = some_scans(2)
    assert not prepare(scans, tiny_settings()).notes
    mixed = [scans[0], replace(scans[1], volume=replace(scans[1].volume, geometry=turned))]
    (note,) = prepare(mixed, tiny_settings()).notes
    assert "LPS: 1, a for one; RSA: 1, b for one" in note


def test_a_fingerprint_changes_with_a_single_known_voxel():
    scan = prepare([a_scan()], tiny_settings()).training[0]
    before = scan.fingerprint
    scan.known[0, 0, 0] ^= True
    assert scan.fingerprint != before
