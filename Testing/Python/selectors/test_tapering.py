"""The first planes, from nothing but where structures begin and end."""

from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import beta
from SparseAnnotateLib.selectors.tapering import tapered_planes

MIDDLES = (0.1, 0.3, 0.5, 0.7, 0.9)


def test_planes_are_closer_together_in_the_middle_than_evenly_spaced_ones():
    assert tapered_planes((10, 109), 120, 5) == [23, 42, 60, 77, 96]
    assert tapered_planes((10, 109), 120, 5) == [int(10 + 100 * beta.ppf(m, 4 / 3, 4 / 3)) for m in MIDDLES]
    assert tapered_planes((0, 99), 100, 5) == [10, 30, 50, 70, 90]


def test_they_keep_away_from_the_end_that_tapers_only():
    assert tapered_planes((0, 99), 120, 5) == [int(100 * (1 - (1 - m) ** 0.75)) for m in MIDDLES]
    assert tapered_planes((20, 119), 120, 5) == [int(20 + 100 * m**0.75) for m in MIDDLES]


def test_where_nearly_all_planes_are_asked_for_those_near_an_end_are_left_out():
    assert tapered_planes((1, 10), 12, 9) == [1, 2, 4, 5, 6, 7, 8, 9, 10]
    assert tapered_planes((1, 10), 12, 10) == list(range(1, 11))


@given(st.data())
def test_as_many_planes_as_asked_each_once_inside_the_range(data):
    planes = data.draw(st.integers(1, 300))
    first = data.draw(st.integers(0, planes - 1))
    last = data.draw(st.integers(first, planes - 1))
    count = data.draw(st.integers(1, last - first + 1))
    chosen = tapered_planes((first, last), planes, count)
    assert len(set(chosen)) == count
    assert chosen == sorted(chosen)
    assert first <= chosen[0] <= chosen[-1] <= last
