"""N and Shift+N for the next and the previous suggested slice: only if switched on, and while the module is shown."""

from __future__ import annotations

import qt
import slicer

_SETTING = "SparseAnnotate/Shortcuts"


class Shortcuts:
    """Installs the keys on the main window and takes them away again; remembers the user's choice for all scenes."""

    def __init__(self, panel):
        self._panel, self._check = panel, panel.ui.shortcutsCheck
        self._installed, self._shown = [], False
        self._check.setChecked(slicer.util.settingsValue(_SETTING, False, converter=slicer.util.toBool))
        panel.on(self._check.toggled, self._switch)

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
            suggest = self._panel.suggest
            self._install("N", "SparseAnnotate_NextSuggestedSlice", suggest.next)
            self._install("Shift+N", "SparseAnnotate_PreviousSuggestedSlice", suggest.previous)
        elif not wanted:
            for shortcut in self._installed:
                shortcut.setEnabled(False)
                shortcut.deleteLater()
            self._installed = []

    def _install(self, keys: str, name: str, action) -> None:
        shortcut = qt.QShortcut(qt.QKeySequence(keys), slicer.util.mainWindow())
        shortcut.setObjectName(name)
        self._panel.on(shortcut.activated, action)
        self._installed.append(shortcut)
