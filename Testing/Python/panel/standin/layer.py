"""Stands in for the pure-Python layer of Slicer that the wheel lacks: no more of it than the module uses."""

import importlib.machinery
import sys
import typing
from dataclasses import dataclass
from pathlib import Path

import slicer
import slicer.util
import vtk

_PROPERTY = "SlicerParameterName"


class ScriptedLoadableModule:
    def __init__(self, parent):
        self.parent, self.moduleName = parent, type(self).__name__


class ScriptedLoadableModuleWidget:
    def __init__(self, parent=None):
        self.moduleName = type(self).__name__.removesuffix("Widget")
        self.parent, self.layout = parent, parent.layout()

    def resourcePath(self, name):
        return str(Path(slicer.util.modulePath(self.moduleName)).parent / "Resources" / name)

    def setup(self):
        pass

    def cleanup(self):
        pass

    def _onModuleAboutToBeUnloaded(self, name):
        pass

    def onReload(self):
        slicer.util.reloadScriptedModule(self.moduleName)


class ScriptedLoadableModuleLogic:
    def __init__(self, parent=None):
        self.moduleName = type(self).__name__.removesuffix("Logic")

    def getParameterNode(self):
        node = slicer.mrmlScene.GetSingletonNode(self.moduleName, "vtkMRMLScriptedModuleNode")
        if node is None:
            node = slicer.mrmlScene.CreateNodeByClass("vtkMRMLScriptedModuleNode")
            node.UnRegister(None)
            node.SetSingletonTag(self.moduleName)
            node.SetAttribute("ModuleName", self.moduleName)
            node = slicer.mrmlScene.AddNode(node)
        return node


class ScriptedLoadableModuleTest:
    """Run by Slicer only."""


@dataclass
class WithinRange:
    minimum: float
    maximum: float


@dataclass
class Default:
    value: object


def _parameter(name, kind):
    """A parameter as a property of the wrapper: a node as a reference, anything else as text."""

    def get(self):
        if isinstance(kind, type) and issubclass(kind, slicer.vtkMRMLNode):
            return self.parameterNode.GetNodeReference(name)
        text = self.parameterNode.GetParameter(name)
        return text == "True" if kind is bool else kind(text)

    def set_(self, value):
        if isinstance(kind, type) and issubclass(kind, slicer.vtkMRMLNode):
            self.parameterNode.SetNodeReferenceID(name, value.GetID() if value is not None else None)
        else:
            self.parameterNode.SetParameter(name, str(value))

    return property(get, set_)


def parameterNodeWrapper(cls):
    """As Slicer's, for nodes, text and numbers, bound to node selectors, spin boxes, sliders and check boxes."""
    kinds = typing.get_type_hints(cls)
    annotations = typing.get_type_hints(cls, include_extras=True)
    defaults = {}
    for name, kind in kinds.items():
        given = [one.value for one in typing.get_args(annotations[name])[1:] if isinstance(one, Default)]
        given += [cls.__dict__[name]] if name in cls.__dict__ else []
        defaults[name] = given[0] if given else None if issubclass(kind, slicer.vtkMRMLNode) else kind()
        setattr(cls, name, _parameter(name, kind))

    def __init__(self, node):
        self.parameterNode, self._connected = node, {}
        for name, value in defaults.items():
            if value is not None and not node.GetParameter(name):
                setattr(self, name, value)

    def connectGui(self, ui):
        binding = _Binding(self, {one.property(_PROPERTY): one for one in vars(ui).values() if one.property(_PROPERTY)})
        self._connected[id(binding)] = binding
        return id(binding)

    cls.__init__, cls.connectGui = __init__, connectGui
    cls.disconnectGui = lambda self, tag: self._connected.pop(tag).close()
    cls.AddObserver = lambda self, *given: self.parameterNode.AddObserver(*given)
    cls.RemoveObserver = lambda self, tag: self.parameterNode.RemoveObserver(tag)
    cls.ranges = {
        name: next((one for one in typing.get_args(annotations[name])[1:] if isinstance(one, WithinRange)), None)
        for name in kinds
    }
    return cls


class _Binding:
    """Widgets that show parameters and set them."""

    def __init__(self, parameters, widgets):
        self._parameters, self._widgets, self._busy = parameters, widgets, False
        self._slots = []
        for name, widget in widgets.items():
            limits = parameters.ranges[name]
            if limits is not None:
                widget.setRange(limits.minimum, limits.maximum)
            signal = getattr(widget, self._attributes(widget)[1])
            self._slots.append((signal, signal.connect(lambda *_, name=name: self._from_widget(name))))
        self._tag = parameters.AddObserver(vtk.vtkCommand.ModifiedEvent, self._to_widgets)
        self._to_widgets()

    @staticmethod
    def _attributes(widget):
        if widget.inherits("qMRMLNodeComboBox"):
            return "currentNode", "currentNodeChanged"
        return ("checked", "toggled") if widget.inherits("QAbstractButton") else ("value", "valueChanged")

    def _from_widget(self, name):
        value = getattr(self._widgets[name], self._attributes(self._widgets[name])[0])
        if not self._busy:
            setattr(self._parameters, name, value() if callable(value) else value)

    def _to_widgets(self, *_):
        self._busy = True
        for name, widget in self._widgets.items():
            value = getattr(self._parameters, name)
            if widget.inherits("qMRMLNodeComboBox"):
                widget.setCurrentNode(value)
            else:
                setattr(widget, self._attributes(widget)[0], value)
        self._busy = False

    def close(self):
        self._parameters.RemoveObserver(self._tag)
        for signal, connection in self._slots:
            signal.disconnect(connection)


def _translated(text):
    return text


def _pip_check(requirements):
    from importlib.metadata import PackageNotFoundError, version

    from packaging.requirements import Requirement

    for one in map(Requirement, requirements):
        try:
            if version(one.name) not in one.specifier:
                return False
        except PackageNotFoundError:
            return False
    return True


def _pip_ensure(requirements, **_):
    raise RuntimeError(f"the stand-in installs nothing: {requirements}")


_MODULES = {
    "ScriptedLoadableModule": (
        ScriptedLoadableModule,
        ScriptedLoadableModuleWidget,
        ScriptedLoadableModuleLogic,
        ScriptedLoadableModuleTest,
    ),
    "parameterNodeWrapper": (parameterNodeWrapper, WithinRange, Default),
}


class _Layer:
    """Finds the layer's modules when they are imported: as in Slicer, `slicer` has none of them before."""

    def __init__(self):
        contents = {name: {one.__name__: one for one in found} for name, found in _MODULES.items()}
        contents["i18n"] = {"tr": _translated, "translate": lambda _, text: text}
        contents["packaging"] = {"pip_check": _pip_check, "pip_ensure": _pip_ensure}
        self._contents = {f"slicer.{name}": values for name, values in contents.items()}

    def find_spec(self, name, path=None, target=None):
        return importlib.machinery.ModuleSpec(name, self) if name in self._contents else None

    def create_module(self, spec):
        return None

    def exec_module(self, module):
        vars(module).update(self._contents[module.__name__])


def install() -> None:
    """Make the layer importable."""
    if not any(isinstance(one, _Layer) for one in sys.meta_path):
        sys.meta_path.insert(0, _Layer())
