"""A combo box of registered selectors or predictors, with what each does and when to use it."""

from __future__ import annotations

import inspect

import qt
from slicer.i18n import tr as _

from . import packages


class Choice:
    """Lists the classes of a registry by name.

    Parameters
    ----------
    panel, combo : the panel, and its combo box
    registry : `SELECTORS` or `PREDICTORS`
    first : the name that stands at the top, the default
    """

    def __init__(self, panel, combo, registry, first: str):
        self._combo, self._registry = combo, registry
        names = sorted(registry.names(), key=lambda name: (name != first, name))
        combo.blockSignals(True)
        for number, name in enumerate(names):
            combo.addItem(name, name)
            combo.setItemData(number, self._describe(name), qt.Qt.ToolTipRole)
        combo.blockSignals(False)
        panel.on(combo.currentIndexChanged, lambda: None)

    def _describe(self, name: str) -> str:
        """What it does, more about it, and what it needs."""
        cls = self._registry.get(name)
        about = inspect.getdoc(cls).split("\n\n")[0].replace("\n", " ")
        parts = [f"<b>{name}</b>: {cls.summary}", about]
        needs = packages.missing(cls)
        if needs:
            names = ", ".join(one.name for one in needs)
            parts.append(_("Asks at first use to install {packages}.").format(packages=names))
        return "<p>" + "</p><p>".join(parts) + "</p>"

    @property
    def name(self) -> str:
        """The one that is chosen."""
        return self._combo.itemData(self._combo.currentIndex)

    @property
    def cls(self) -> type:
        """Its class."""
        return self._registry.get(self.name)

    @property
    def tooltip(self) -> str:
        """What it does and when to use it."""
        return self._combo.itemData(self._combo.currentIndex, qt.Qt.ToolTipRole)

    def choose(self, name: str) -> None:
        """Choose it; an unknown one, as of a newer version, leaves things as they are."""
        index = self._combo.findData(name)
        if index >= 0:
            self._combo.setCurrentIndex(index)
