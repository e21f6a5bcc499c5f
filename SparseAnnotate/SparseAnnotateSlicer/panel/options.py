"""The options of a predictor as a form, made from its dataclass."""

from __future__ import annotations

import dataclasses
import inspect
import re
import typing

import qt
from slicer.i18n import tr as _


def main_options() -> dict[str, str]:
    """The options that the panel offers, with their labels; all others keep their defaults here."""
    return {
        "fill_holes": _("Fill holes"),
        "main_component": _("Largest part only"),
        "ends": _("Beyond the ends"),
        "encoder": _("Encoder"),
        "encoder_weights": _("Pretrained weights"),
        "budget_s": _("Time to train, s"),
        "test_time_augmentation": _("Average mirrored planes"),
        "device": _("Device"),
        "seed": _("Seed"),
    }


def descriptions(options: type) -> dict[str, str]:
    """What the docstrings of a class and its bases say about each attribute."""
    found: dict[str, str] = {}
    for cls in options.__mro__:
        for match in re.finditer(r"^(\w[\w, ]*) : (.+(?:\n    .+)*)", inspect.getdoc(cls) or "", re.MULTILINE):
            text = re.sub(r"\s+", " ", match[2]).replace("``", "")
            for name in match[1].split(", "):
                found.setdefault(name, text)
    return found


class OptionsForm:
    """Fills a form layout with the main options of one class at a time."""

    def __init__(self, layout):
        self._layout, self._cls, self._editors = layout, None, {}

    def show(self, cls: type, values: dict) -> None:
        """Offer the options of a class, set to some values."""
        self._clear()
        self._cls = cls
        hints, about = typing.get_type_hints(cls), descriptions(cls)
        defaults = {field.name: field.default for field in dataclasses.fields(cls)}
        for name, label in main_options().items():
            if name in defaults:
                editor = _editor_for(hints[name])
                if editor is not None:
                    editor.set(values.get(name, defaults[name]))
                    editor.widget.setToolTip(about.get(name, ""))
                    self._editors[name] = editor
                    self._layout.addRow(label, editor.widget)

    def _clear(self) -> None:
        self._editors = {}
        while self._layout.rowCount():
            self._layout.removeRow(0)

    @property
    def cls(self) -> type | None:
        """The class whose options are shown."""
        return self._cls

    def values(self) -> dict:
        """The options that differ from their defaults.

        Raises
        ------
        InputError
            For values that make no sense.
        """
        given = self._cls.from_dict({name: editor.get() for name, editor in self._editors.items()})
        defaults = self._cls()
        return {name: getattr(given, name) for name in self._editors if getattr(given, name) != getattr(defaults, name)}


class _Choices:
    def __init__(self, choices):
        self.widget = qt.QComboBox()
        for one in choices:
            self.widget.addItem(str(one), one)

    def set(self, value) -> None:
        self.widget.setCurrentIndex(max(0, self.widget.findData(value)))

    def get(self):
        return self.widget.itemData(self.widget.currentIndex)


class _Switch:
    def __init__(self):
        self.widget = qt.QCheckBox()

    def set(self, value) -> None:
        self.widget.setChecked(bool(value))

    def get(self) -> bool:
        return bool(self.widget.checked)


class _Text:
    """Numbers too: `Options.from_dict` reads them, and says what is wrong with them."""

    def __init__(self, optional):
        self.widget = qt.QLineEdit()
        if optional:
            self.widget.setPlaceholderText(_("automatic"))

    def set(self, value) -> None:
        self.widget.setText("" if value is None else str(value))

    def get(self) -> str:
        return self.widget.text


def _editor_for(hint):
    """A widget for a type; None for one that the panel cannot show."""
    if hint is bool:
        return _Switch()
    if typing.get_origin(hint) is typing.Literal:
        return _Choices(typing.get_args(hint))
    optional = type(None) in typing.get_args(hint)
    kinds = [one for one in typing.get_args(hint) or (hint,) if one is not type(None)]
    return _Text(optional) if set(kinds) <= {int, float, str} else None
