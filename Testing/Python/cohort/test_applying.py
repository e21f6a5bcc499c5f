"""A cohort network applied to one scan."""

from dataclasses import replace

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from cohort.models import a_ball, a_configuration, bright_model  # noqa: E402
from SparseAnnotateLib import InputError, LabelClass, Volume  # noqa: E402
from SparseAnnotateLib.cohort.applying.heads import (  # noqa: E402
    Applying,
    check_scan,
    class_probabilities,
    plane_heads,
)
from SparseAnnotateLib.cohort.applying.starting_point import StartingPoint  # noqa: E402
from SparseAnnotateLib.cohort.model import save_model  # noqa: E402
from SparseAnnotateLib.cohort.structures import channels_of  # noqa: E402
from SparseAnnotateLib.metrics import dice  # noqa: E402

CPU = Applying(device="cpu")


@pytest.mark.parametrize("network", ["unet3d", "attention-unet3d"])
@pytest.mark.parametrize("known_channel", [False, True])
def test_what_is_bright_is_found_on_the_scans_own_grid(network, known_channel):
    volume, labels = a_ball()
    found = class_probabilities(bright_model(network=network, known_channel=known_channel), volume, CPU)
    assert found.shape == (2, *volume.shape)
    assert found.dtype == np.float32
    np.testing.assert_allclose(found.sum(axis=0), 1, atol=1e-5)
    assert dice(found[1] > 0.5, labels > 0) > 0.95


@pytest.mark.parametrize("spacing_mm", [(1.0, 1.0, 1.0), (3.0, 0.7, 1.6)])
def test_a_scan_of_another_spacing_is_resampled_there_and_back(spacing_mm):
    shape = [round(n * s / t) for n, s, t in zip((20, 28, 32), (2, 1, 1), spacing_mm, strict=True)]
    volume, labels = a_ball(*shape, spacing_mm=spacing_mm)
    found = class_probabilities(bright_model(), volume, CPU)
    assert found.shape[1:] == volume.shape
    assert dice(found[1] > 0.5, labels > 0) > 0.9


def test_a_region_needs_no_more_than_its_windows_and_shows_the_same():
    volume, labels = a_ball()
    region = (slice(6, 14), slice(4, 24), slice(6, 30))
    part = class_probabilities(bright_model(), volume, CPU, region)
    assert part.shape == (2, 8, 20, 24)
    assert dice(part[1] > 0.5, labels[region] > 0) > 0.95


def test_test_time_augmentation_finds_the_same_ball():
    volume, labels = a_ball()
    plain, averaged = (
        class_probabilities(bright_model(), volume, replace(CPU, test_time_augmentation=wanted))[1]
        for wanted in (False, True)
    )
    assert dice(averaged > 0.5, labels > 0) > 0.9
    assert not np.array_equal(plain, averaged)


def test_planes_come_one_by_one_with_every_head():
    volume, _ = a_ball()
    planes = list(plane_heads(bright_model(network="attention-unet3d"), volume, CPU))
    assert len(planes) == volume.planes
    assert {plane.shape for plane in planes} == {(2, 2, 28, 32)}


def test_another_axis_is_told_with_the_way_out():
    volume, _ = a_ball()
    with pytest.raises(InputError, match="read it along i \\(--axis i\\)"):
        check_scan(a_configuration(axis="i"), volume)


def test_a_spacing_far_off_is_told():
    volume = Volume.from_array(np.zeros((4, 8, 8), np.float32), (20.0, 1.0, 1.0))
    with pytest.raises(InputError, match="planes lie 20 mm apart, the cohort model has learnt from 2 mm"):
        class_probabilities(bright_model(), volume, CPU)


def test_scans_that_it_has_learnt_from_at_a_coarser_spacing_are_not_refused():
    volume, labels = a_ball()
    coarse = {"spacing_mm": (8.0, 4.0, 4.0), "block": (8, 8, 8)}
    with pytest.raises(InputError, match="planes lie 2 mm apart"):
        check_scan(a_configuration(**coarse), volume)
    model = bright_model(**coarse, scan_spacing_mm=(2.0, 1.0, 1.0))
    assert dice(class_probabilities(model, volume, CPU)[1] > 0.5, labels > 0) > 0.5


def test_weights_of_another_network_are_told():
    volume, _ = a_ball()
    model = bright_model()
    with pytest.raises(InputError, match="its weights are not those of the network"):
        class_probabilities(replace(model, configuration=a_configuration(base_channels=4)), volume, CPU)


@pytest.mark.parametrize("overlap", [-0.1, 1.0])
def test_an_overlap_that_makes_no_sense_is_refused(overlap):
    with pytest.raises(InputError, match="overlap"):
        Applying(overlap=overlap)


TWO = a_configuration(class_names=("Liver", "tumour"), class_values=(1, 5))


@pytest.mark.parametrize(
    ("classes", "channels"),
    [
        ([LabelClass(9, "tumour"), LabelClass(1, "liver")], [2, 1]),
        ([LabelClass(5, "class 5")], [2]),
        ([LabelClass(1, "class 1"), LabelClass(5, "liver")], [1, 2]),
        ([], []),
    ],
)
def test_structures_are_matched_by_name_else_by_value(classes, channels):
    assert channels_of(TWO, classes) == channels


def test_a_structure_that_the_model_does_not_know_is_told():
    with pytest.raises(InputError, match="has not learnt vessel \\(3\\): it knows Liver \\(1\\), tumour \\(5\\)"):
        channels_of(TWO, [LabelClass(1, "Liver"), LabelClass(3, "vessel")])


def test_a_starting_point_speaks_of_the_scans_own_structures(tmp_path):
    volume, labels = a_ball()
    path = tmp_path / "model.safetensors"
    save_model(bright_model(class_names=("ball", "other"), class_values=(3, 4)), path)
    start = StartingPoint(path, volume, [LabelClass(4, "other"), LabelClass(3, "ball")])
    found = np.stack(list(start.planes("cpu")), axis=1)
    assert found.shape == (3, *volume.shape)
    np.testing.assert_allclose(found.sum(axis=0), 1, atol=1e-5)
    assert dice(found[2] > 0.5, labels > 0) > 0.95
    only = np.stack(list(StartingPoint(path, volume, [LabelClass(4, "other")]).planes("cpu")), axis=1)
    assert only.shape == (2, *volume.shape)
    np.testing.assert_allclose(only.sum(axis=0), 1, atol=1e-5)
