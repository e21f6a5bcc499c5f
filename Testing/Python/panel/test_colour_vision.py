"""The strip is read by people who see colours differently: hues stay apart, and shapes differ, too."""

import itertools

import numpy as np
import pytest
import qt
from colour_vision import KINDS, difference, seen
from SparseAnnotateSlicer.session.planes import PlaneState
from SparseAnnotateSlicer.strip.model import StripPlane

GROUNDS = {"light": ("#FFFFFF", "#000000"), "dark": ("#202020", "#F0F0F0")}


def palette(ground):
    made, (base, text) = qt.QPalette(), GROUNDS[ground]
    made.setColor(qt.QPalette.Base, qt.QColor(base))
    made.setColor(qt.QPalette.Text, qt.QColor(text))
    return made


def colors_on(ground):
    from SparseAnnotateSlicer.strip.painter import Colors

    return Colors.of(palette(ground))


def rgb(color):
    return np.array([color.redF(), color.greenF(), color.blueF()])


@pytest.fixture
def strip(application):  # noqa: ARG001 - Qt
    from SparseAnnotateSlicer.strip.widget import SliceStrip

    widget = SliceStrip()
    widget.resize(445, 66)
    yield widget
    widget.deleteLater()


def picture(widget, planes, ground="light"):
    """uint8 (rows, columns, 3)."""
    from PySide6 import QtGui

    widget.setPalette(palette(ground))
    widget.setPlanes(planes)
    image = widget.grab().toImage().convertToFormat(QtGui.QImage.Format.Format_RGB888)
    rows = np.frombuffer(image.constBits(), np.uint8).reshape(image.height(), image.bytesPerLine())
    return rows[:, : 3 * image.width()].reshape(image.height(), image.width(), 3).copy()


@pytest.mark.parametrize("ground", GROUNDS)
@pytest.mark.parametrize("kind", KINDS)
def test_good_and_bad_are_told_apart_and_from_the_ground(application, kind, ground):  # noqa: ARG001 - Qt
    colors = colors_on(ground)
    scale = [seen(rgb(color), kind) for _least, color in colors.dice]
    for good, bad in itertools.product(scale[:3], scale[3:]):
        assert difference(good, bad) > 30
    for one in scale:
        assert difference(one, seen(rgb(colors.ground), kind)) > 20
    for one, other in itertools.pairwise(scale[:3]):
        assert difference(one, other) > 12


@pytest.mark.parametrize("ground", GROUNDS)
@pytest.mark.parametrize("kind", KINDS)
def test_what_is_to_be_painted_stands_out(application, kind, ground):  # noqa: ARG001 - Qt
    colors = colors_on(ground)
    arrow = seen(rgb(colors.to_paint), kind)
    for other in (colors.text, colors.ground, colors.accepted):
        assert difference(arrow, seen(rgb(other), kind)) > 20


def columns_of(image, number, of):
    """The pixels in the middle of one of so many bars."""
    left = 10 + (445 - 20) * (number + 0.5) / of
    return image[12:48, round(left)]


def test_bars_differ_without_any_colour(strip):
    planes = [
        StripPlane(0, 0, 0.0, PlaneState.PREDICTED, expected_dice=0.92),
        StripPlane(1, 1, 1.0, PlaneState.PREDICTED, expected_dice=0.75),
        StripPlane(2, 2, 2.0, PlaneState.PREDICTED, expected_dice=0.65),
        StripPlane(3, 3, 3.0, PlaneState.ACCEPTED, expected_dice=0.92),
    ]
    image = picture(strip, planes)
    marks = [columns_of(image, number, 4) for number in range(4)]
    steps = [int((np.abs(np.diff(one.astype(int), axis=0)).sum(axis=1) > 0).sum()) for one in marks]
    # From the ground into the bar; one notch, two notches; the frame of an accepted one.
    assert steps == [1, 3, 5, 2]
