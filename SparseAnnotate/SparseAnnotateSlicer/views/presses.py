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
    """

    def __init__(self, action: Callable):
        self._action = action
        self._observed: dict = {}

    def watch(self, layout_manager) -> None:
        """Watch the views of a layout, also those that were added since; None for none."""
        if layout_manager is None:
            return
        for name in layout_manager.sliceViewNames():
            widget = layout_manager.sliceWidget(name)
            interactor = None if widget is None else widget.interactorStyle().GetInteractor()
            if interactor is not None and interactor not in self._observed:
                self._observed[interactor] = interactor.AddObserver(
                    "LeftButtonPressEvent", _pressed(weakref.ref(self), widget.mrmlSliceNode), _BEFORE_THE_EDITOR
                )

    def stop(self) -> None:
        """Watch nothing."""
        for interactor, tag in self._observed.items():
            interactor.RemoveObserver(tag)
        self._observed = {}


def _pressed(me, node_of):
    def pressed(interactor, _event):
        moves_about = interactor.GetShiftKey() or interactor.GetControlKey() or interactor.GetAltKey()
        if me() is not None and not moves_about and node_of() is not None:
            me()._action(node_of())

    return pressed
