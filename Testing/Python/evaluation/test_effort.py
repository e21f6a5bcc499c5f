"""What painting costs: clicks, planes, outlines and their length."""

import numpy as np
import pytest
from SparseAnnotateLib.evaluation.simulation.effort import Effort, contour_length_mm, effort_of
from SparseAnnotateLib.evaluation.simulation.expert import SimulatedExpert


def test_each_structure_on_a_plane_is_an_outline():
    painted = np.zeros((3, 6, 6), np.uint8)
    painted[0, 1:3, 1:3] = 1
    painted[1, 1:3, 1:3] = 1
    painted[1, 4:, 4:] = 2
    effort = effort_of(painted, 2, 4, (3.0, 1.0, 1.0))
    assert (effort.clicks, effort.planes, effort.outlines) == (4, 3, 3)
    assert effort.contour_mm == pytest.approx(3 * 8 * np.pi / 4)


def test_a_large_disc_has_the_outline_of_a_circle():
    row, column = np.ogrid[:200, :200]
    disc = ((row - 99.5) ** 2 + (column - 99.5) ** 2 < 80**2)[None]
    assert contour_length_mm(disc, (1.0, 0.5, 0.5)) == pytest.approx(2 * np.pi * 40, rel=0.02)


def test_the_expert_counts_what_it_clicked_and_painted():
    reference = np.zeros((8, 4, 4), np.uint8)
    reference[1:5, 1, 1] = 1
    reference[4:7, 2, 2] = 2
    for clicks, count in (("none", 0), ("all", 2), ("structures", 4)):
        expert = SimulatedExpert(reference, clicks=clicks)
        effort = expert.effort_of(expert.paint([2, 4]), (1.0, 1.0, 1.0))
        assert effort == Effort(count, 2, 3, pytest.approx(3 * np.pi))


def test_an_expert_who_clicks_each_structure_says_where_each_ends():
    reference = np.zeros((8, 4, 4), np.uint8)
    reference[1:5, 1, 1] = 1
    reference[4:7, 2, 2] = 2
    annotation = SimulatedExpert(reference, clicks="structures").paint([4])
    assert (annotation.plane_range, annotation.class_ranges) == ((1, 6), {1: (1, 4), 2: (4, 6)})
    assert SimulatedExpert(reference, clicks="none").paint([0]).plane_range == (0, 7)
