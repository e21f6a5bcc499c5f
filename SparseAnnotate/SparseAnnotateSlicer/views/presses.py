"""Tells when the mouse goes down in a slice view, before the segment editor hears of it."""

from __future__ import annotations

import weakref
from collections.abc import Callable

# The segment editor listens with priority 1 (qMRMLSegmentEditorWidget::setupViewObservations).
_BEFORE_THE_EDITOR = 10.0


class Presses:
    """Watches the slice views of a layout.

    Parameters
    ----------
    action : called with the vtkMRMLSliceNode of the view when the left button goes down without Shift, Ctrl or Alt,
        which are for moving about
    released : called without anything when the button goes up again
    """

    def __init__(self, action: Callable, released: Callable | None = None):
        self._action, self._released = action, released
        self._observed: dict = {}

    def watch(self, layout_manager) -> None:
        """Watch the views of a layout, also those that were added since; None for none."""
        if layout_manager is None:
            return
        for name in layout_manager.sliceViewNames():
            widget = layout_manager.sliceWidget(name)
            interactor = None if widget is None else widget.interactorStyle().GetInteractor()
            if interactor is not None and interactor not in self._observed:
                me = weakref.ref(self)
                self._observed[interactor] = (
                    interactor.AddObserver(
                        "LeftButtonPressEvent", _pressed(me, widget.mrmlSliceNode), _BEFORE_THE_EDITOR
                    ),
                    interactor.AddObserver("LeftButtonReleaseEvent", _went_up(me), _BEFORE_THE_EDITOR),
                )

    def stop(self) -> None:
        """Watch nothing."""
        for interactor, tags in self._observed.items():
            for tag in tags:
                interactor.RemoveObserver(tag)
        self._observed = {}


def _pressed(me, node_of):
    def pressed(interactor, _event):
        moves_about = interactor.GetShiftKey() or interactor.GetControlKey() or interactor.GetAltKey()
        if me() is not None and not moves_about and node_of() is not None:
            me()._action(node_of())

    return pressed


def _went_up(me):
    def went_up(_interactor, _event):
        if me() is not None and me()._released is not None:
            me()._released()

    return went_up
