"""`qt` and `ctk` on PySide6, as strict as PythonQt where code written on one breaks on the other.

A property is an attribute (``button.text``, ``button.checked = True``), its setter is there too, enumerators are ints,
and a misspelt attribute of a C++ object is an error instead of a new attribute.
"""

import functools
import os
import sys
import types
import xml.etree.ElementTree

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
# Enumerators that are ints, as in PythonQt; read when PySide6 is imported.
os.environ["PYSIDE6_OPTION_PYTHON_ENUM"] = "0x2"

from PySide6 import QtCore, QtGui, QtUiTools, QtWidgets

_MODULES = (QtCore, QtGui, QtWidgets)
# Virtual functions as well as properties: PySide calls the class attribute, so it has to stay a function.
_VIRTUAL = {"sizeHint", "minimumSizeHint"}


class _Property:
    """A Qt property as an attribute; on the class what was there before (``qt.QTimer.singleShot``)."""

    def __init__(self, name, before):
        self._name, self._before = name, before

    def __get__(self, owner, cls=None):
        return self._before if owner is None else QtCore.QObject.property(owner, self._name)

    def __set__(self, owner, value):
        about = owner.metaObject().property(owner.metaObject().indexOfProperty(self._name))
        if not about.isWritable():
            raise AttributeError(f"property {self._name} of {type(owner).__name__} cannot be written")
        # PythonQt turns a float into an int and a Path into nothing; it never turns text into a number.
        value = int(value) if about.typeName() == "int" and isinstance(value, float) else value
        if value is None or not about.write(owner, value):
            raise AttributeError(f"property {self._name} of {type(owner).__name__} does not take {value!r}")


def _give_properties() -> None:
    for module in _MODULES:
        for name in dir(module):
            cls = getattr(module, name)
            if isinstance(cls, type) and issubclass(cls, QtCore.QObject):
                about = cls.staticMetaObject
                for number in range(about.propertyOffset(), about.propertyCount()):
                    own = about.property(number).name()
                    if own not in _VIRTUAL:
                        setattr(cls, own, _Property(own, cls.__dict__.get(own)))
    QtCore.QObject.name = _Property("objectName", None)
    QtCore.QObject.className = lambda self: self.metaObject().className()
    # Slicer's search for children passes over what is false.
    QtWidgets.QLayout.__bool__ = lambda self: not self.isEmpty()


_loading = []


@functools.cache
def strict(cls: type) -> type:
    """A class for `qt` whose objects take no attributes that are not there already; subclasses in Python may."""

    def set_attribute(self, name, value):
        if _loading and isinstance(value, QtCore.QObject):
            return  # PySide's form loader makes children attributes of the form; PythonQt's does not.
        if type(self) is wrapper and not hasattr(cls, name):
            raise AttributeError(f"{cls.__name__} has no attribute {name}, and PythonQt makes none")
        cls.__setattr__(self, name, value)

    wrapper = type(cls)(cls.__name__, (cls,), {"__setattr__": set_attribute, "__module__": cls.__module__})
    return wrapper


class UiLoader(QtUiTools.QUiLoader):
    """Loads a form with the classes of `qt` and with Slicer's widgets."""

    def createWidget(self, class_name, parent=None, name=""):
        from . import widgets

        cls = widgets.SLICER.get(class_name) or getattr(sys.modules["qt"], class_name)
        widget = cls(parent)
        widget.setObjectName(name)
        self._made.append(widget)
        return widget

    def load(self, file, parent=None):
        """As Slicer's; a misspelt property is an error, where Qt makes a dynamic one of it."""
        self._made = []
        data = bytes(file.readAll())
        buffer = QtCore.QBuffer()
        buffer.setData(data)
        buffer.open(QtCore.QIODevice.OpenModeFlag.ReadOnly)
        _loading.append(True)
        try:
            form = super().load(buffer, parent)
        finally:
            _loading.clear()
        form._made = self._made
        _check_properties(data, {one.objectName: one for one in self._made})
        return form


def _check_properties(data: bytes, widgets: dict) -> None:
    for element in xml.etree.ElementTree.fromstring(data).iter("widget"):
        about = widgets[element.get("name")].metaObject()
        for one in element.findall("property"):
            if one.get("stdset") != "0" and about.indexOfProperty(one.get("name")) < 0:
                raise AttributeError(f"{element.get('class')} {element.get('name')} has no property {one.get('name')}")


class _Names(types.ModuleType):
    """A module whose names are looked up when they are asked for."""

    def __init__(self, name, find):
        super().__init__(name)
        self.__dict__["_find"] = find

    def __getattr__(self, name):
        if name.startswith("__"):
            raise AttributeError(name)
        value = self._find(name)
        if value is None:
            raise AttributeError(f"module {self.__name__} has no {name}")
        setattr(self, name, value)
        return value


def _find_in_qt(name):
    if name == "QUiLoader":
        return UiLoader
    for module in _MODULES:
        if hasattr(module, name):
            value = getattr(module, name)
            # Made by Qt itself, or never given attributes: they stay as they are.
            plain = not isinstance(value, type) or not issubclass(value, QtWidgets.QWidget)
            return value if plain else strict(value)
    return None


def _find_in_ctk(name):
    from . import widgets

    return widgets.named(name) if name.startswith("ctk") else None


def install() -> QtWidgets.QApplication:
    """Put `qt` and `ctk` among the modules and start Qt, once a process."""
    if "qt" not in sys.modules:
        _give_properties()
        for cls in (QtWidgets.QDialog, QtWidgets.QMenu):
            cls.exec_ = cls.exec
        sys.modules["qt"], sys.modules["ctk"] = _Names("qt", _find_in_qt), _Names("ctk", _find_in_ctk)
    return QtWidgets.QApplication.instance() or QtWidgets.QApplication(["Slicer"])
