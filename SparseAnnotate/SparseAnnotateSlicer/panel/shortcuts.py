"""Keys that work while the mouse is over a slice view, and the list of all keys.

N and Shift+N go to the next and the previous suggested slice, K and L say first and last slice of the selected segment.
Slicer 5.12 leaves these letters free: its slice views take b f g r t v and the arrows, the segment editor i q w y z,
its tools a x + and -, and all letters of its main window come with Ctrl.
"""

from __future__ import annotations

import qt
import slicer
from slicer.i18n import tr as _

_SETTING = "SparseAnnotate/Shortcuts"
# What takes letters while it has the focus.
_TYPED_INTO = ("QLineEdit", "QTextEdit", "QPlainTextEdit", "QAbstractSpinBox")


class Shortcuts:
    """Installs the keys on the main window and takes them away again; remembers the user's choice for all scenes."""

    def __init__(self, panel):
        self._panel, self._check = panel, panel.ui.shortcutsCheck
        self._installed, self._shown = [], False
        self._check.setChecked(slicer.util.settingsValue(_SETTING, True, converter=slicer.util.toBool))
        panel.on(self._check.toggled, self._switch)
        panel.ui.keysLabel.setText(keys())
        panel.ui.keysLabel.setVisible(False)
        panel.ui.keysButton.toggled.connect(lambda: panel.ui.keysLabel.setVisible(panel.ui.keysButton.checked))

    @property
    def installed(self) -> bool:
        """Whether the keys work now."""
        return bool(self._installed)

    def _switch(self) -> None:
        qt.QSettings().setValue(_SETTING, self._check.checked)
        self._update()

    def enter(self) -> None:
        """The module is shown."""
        self._shown = True
        self._update()

    def exit(self) -> None:
        """Another module is shown."""
        self._shown = False
        self._update()

    def _update(self) -> None:
        wanted = self._shown and self._check.checked and slicer.util.mainWindow() is not None
        if wanted and not self._installed:
            suggest, ends = self._panel.suggest, self._panel.range
            self._install("N", "SparseAnnotate_NextSuggestedSlice", suggest.next)
            self._install("Shift+N", "SparseAnnotate_PreviousSuggestedSlice", suggest.previous)
            self._install("K", "SparseAnnotate_FirstSliceHere", ends.first_here)
            self._install("L", "SparseAnnotate_LastSliceHere", ends.last_here)
        elif not wanted:
            for shortcut in self._installed:
                shortcut.setEnabled(False)
                shortcut.deleteLater()
            self._installed = []

    def _install(self, keys: str, name: str, action) -> None:
        shortcut = qt.QShortcut(qt.QKeySequence(keys), slicer.util.mainWindow())
        shortcut.setObjectName(name)
        shortcut.activated.connect(lambda: self._pressed(action))
        self._installed.append(shortcut)

    def _pressed(self, action) -> None:
        if is_over_a_slice_view() and not is_typed():
            self._panel.attempt(action)


def is_over_a_slice_view() -> bool:
    """Whether the mouse is."""
    manager = slicer.app.layoutManager()
    widgets = [] if manager is None else [manager.sliceWidget(name) for name in manager.sliceViewNames()]
    return any(one is not None and one.underMouse() for one in widgets)


def is_typed() -> bool:
    """Whether what has the focus takes letters."""
    focused = qt.QApplication.focusWidget()
    return focused is not None and any(focused.inherits(name) for name in _TYPED_INTO)


def keys() -> str:
    """All keys, in a few lines."""
    lines = (
        _("<b>Over a slice view:</b> N next, Shift+N previous suggested slice; K first, L last slice of the selected"),
        _("segment; Shift+wheel size of the brush;"),
        _("1 to 9 tools, Space the last one, Q and W segments; Ctrl+Z undo, Ctrl+Shift+Z redo, also of Accept."),
        _("<b>In the strip:</b> arrows one slice, Page up and down ten, Home and End the range's ends."),
    )
    return "<br>".join(lines)
