"""Whether the names of Slicer, Qt and CTK that a file uses exist in Slicer 5.12.3, told without running it.

`slicer_api.json` (made by Testing/api_snapshot.py) holds the names. Checked is whatever can be traced to them:
dotted names from `slicer`, `qt`, `ctk` and `vtk`, widgets of the form (`self.ui.name`, `panel.ui.name`) and what is
asked of them, what is asked of objects made by such names and kept under a name, members of classes derived from
Qt's, and names of node classes in strings. Of everything else names like VTK's (`GetSomething`) must exist
somewhere in VTK or MRML.
"""

import ast
import difflib
import json
import xml.etree.ElementTree
from pathlib import Path

API = json.loads((Path(__file__).resolve().parent / "slicer_api.json").read_text(encoding="utf-8"))
ROOTS = ("slicer", "qt", "ctk", "vtk")
# What PythonQt gives every object beside its class's members.
_PYTHONQT = {
    "connect",
    "disconnect",
    "delete",
    "className",
    "inherits",
    "help",
    "name",
    "children",
    "parent",
    "property",
}
_PYTHONQT |= {
    "setProperty",
    "setParent",
    "findChild",
    "findChildren",
    "tr",
    "deleteLater",
    "exec_",
    "metaObject",
    "event",
}
# Set while the application starts.
_OF_SLICER = {"app": "qSlicerApplication", "mrmlScene": "vtkMRMLScene"}
# The parts of the package that are there without anybody importing them.
_PARTS_OF_SLICER = {"slicer", "slicer.util"}
_NAMESPACES = {"modules", "moduleNames", "cli", "parameterNodeWrapper"}
_MAKES_NODES = (
    "AddNewNodeByClass",
    "CreateNodeByClass",
    "GetFirstNodeByClass",
    "GetNthNodeByClass",
    "GetSingletonNode",
)
_MAKES_NODES += ("GetNumberOfNodesByClass", "AddNode")
_VTK_VERBS = ("Get", "Set", "Add", "Remove", "Create", "Is", "Has", "Can", "Jump", "Rotate", "Modify")


def members_of(cls: str) -> dict[str, set[str]] | None:
    """Properties, and all other members, of a class with all that it derives from; None for an unknown class."""
    found = {"properties": set(), "others": set()}
    known = False
    while cls:
        about = API["widgets"].get(cls) or API["qt"].get(cls) or API["vtk"].get(cls)
        if about is None:
            break
        known = True
        properties = {*about.get("properties", ()), *about.get("constants", ())}
        found["properties"] |= properties
        found["others"] |= {
            name for part in ("methods", "signals", "values", "members") for name in about.get(part, ())
        }
        cls = about["base"]
    if cls.startswith("vtk"):
        if _vtk(cls) is None:
            return None
        found["others"] |= set(dir(_vtk(cls)))
    elif not known:
        return None
    else:
        found["others"] |= _PYTHONQT
    return found


def _vtk(name: str):
    """A class of VTK itself; None where VTK is not installed or has none of that name."""
    try:
        import vtk
    except ImportError:
        return object
    return getattr(vtk, name, None)


class FormWidgets:
    """The widgets of a form by name, with their classes; also whether the form's own properties exist."""

    def __init__(self, path: Path):
        self.classes, self.unknown = {}, []
        root = xml.etree.ElementTree.parse(path).getroot()
        # No layouts: slicer.util.childWidgetVariables passes over those without items, which are false in PythonQt.
        for element in root.iter("widget"):
            cls, name = element.get("class"), element.get("name")
            self.classes[name] = cls
            known = members_of(cls)
            if known is None:
                self.unknown.append(f"{path.name}: {name} is of the unknown class {cls}")
                continue
            named = {one.get("name") for one in element.findall("property") if one.get("stdset") != "0"}
            self.unknown += [f"{path.name}: {cls} {name} has no property {one}" for one in named - known["properties"]]


class Checker(ast.NodeVisitor):
    """Collects sentences about names of one file that do not exist.

    Parameters
    ----------
    source : the file's text
    form : class of each widget of the module's form, by name
    own : names of functions and attributes that the module's own files define
    """

    def __init__(self, source: str, form: dict[str, str] | None = None, own: set[str] = frozenset()):
        self.unknown: list[str] = []
        self._form, self._own = form or {}, set(own) | defined_in(source)
        self._aliases: dict[str, str] = {}
        self._imported = set(_PARTS_OF_SLICER)
        self._types: list[dict[str, str]] = [{}]
        self._class: list[str] = []
        tree = ast.parse(source)
        self._import(tree)
        self.visit(tree)

    def _say(self, node: ast.AST, sentence: str, name: str, near=()) -> None:
        alike = difflib.get_close_matches(name, list(near), 1)
        hint = f", did you mean {alike[0]}" if alike else ""
        found = f"line {getattr(node, 'lineno', 0)}: {sentence}{hint}"
        if found not in self.unknown:
            self.unknown.append(found)

    # What names stand for

    def _import(self, tree: ast.AST) -> None:
        for node in ast.walk(tree):
            if isinstance(node, ast.Import):
                self._imported |= {one.name for one in node.names}
                for one in node.names:
                    if one.name.split(".")[0] in ROOTS:
                        self._aliases[one.asname or one.name.split(".")[0]] = (
                            one.name if one.asname else one.name.split(".")[0]
                        )
            elif isinstance(node, ast.ImportFrom) and not node.level and (node.module or "").split(".")[0] in ROOTS:
                self._imported.add(node.module)
                for one in node.names:
                    self._aliases[one.asname or one.name] = f"{node.module}.{one.name}"
                    self._check_dotted(node, f"{node.module}.{one.name}".split("."))

    def _dotted(self, node: ast.AST) -> str | None:
        """The full name that an expression spells, such as slicer.util.array; None for any other expression."""
        if isinstance(node, ast.Name):
            return self._aliases.get(node.id, node.id)
        if isinstance(node, ast.Attribute):
            before = self._dotted(node.value)
            return None if before is None else f"{before}.{node.attr}"
        return None

    def _type_of(self, node: ast.AST) -> str | None:
        """The class that an expression is an object of, where that can be told."""
        dotted = self._dotted(node)
        if dotted is not None:
            for types in reversed(self._types):
                if dotted in types:
                    return types[dotted]
            parts = dotted.split(".")
            if parts[0] == "slicer" and len(parts) == 2:
                return _OF_SLICER.get(parts[1])
            if len(parts) >= 2 and parts[-2] == "ui":
                return self._form.get(parts[-1])
            if dotted == "self" and self._class:
                return self._class[-1]
        return self._made_by(node) if isinstance(node, ast.Call) else None

    def _made_by(self, call: ast.Call) -> str | None:
        parts = (self._dotted(call.func) or "").split(".")
        if parts[0] in ROOTS and len(parts) == 2 and members_of(parts[1]) is not None:
            return parts[1]
        if parts[-1] in _MAKES_NODES:
            return next((one for one in _strings(call) if one in API["vtk"]), None)
        return {"GetSegmentation": "vtkSegmentation", "layoutManager": "qSlicerLayoutManager"}.get(parts[-1])

    # Going through the file

    def visit_ClassDef(self, node: ast.ClassDef) -> None:
        """A class of the module that derives from Qt's is checked like Qt's, beside what it defines itself."""
        bases = [(self._dotted(base) or "").split(".") for base in node.bases]
        base = next((parts[1] for parts in bases if parts[0] in ("qt", "ctk", "slicer") and len(parts) == 2), None)
        self._class.append(base if base is not None and members_of(base) is not None else "")
        self._types.append({})
        self._learn(node)
        self.generic_visit(node)
        self._types.pop()
        self._class.pop()

    def visit_FunctionDef(self, node: ast.FunctionDef) -> None:
        """Names mean what they were given last in this function."""
        self._types.append({})
        self._learn(node)
        self.generic_visit(node)
        self._types.pop()

    def _learn(self, scope: ast.AST) -> None:
        """Which names are objects of which class: those that are never anything else."""
        given: dict[str, set] = {}
        for node in ast.walk(scope):
            targets = node.targets if isinstance(node, ast.Assign) else ()
            for target in targets:
                name = self._dotted(target)
                if name is not None and (isinstance(scope, ast.FunctionDef) or name.startswith("self.")):
                    given.setdefault(name, set()).add(
                        self._made_by(node.value) if isinstance(node.value, ast.Call) else None
                    )
        self._types[-1].update({name: one.pop() for name, one in given.items() if len(one) == 1 and None not in one})

    def visit_Call(self, node: ast.Call) -> None:
        """Keywords of Slicer's functions, properties that are called, node classes and signals in strings."""
        dotted = self._dotted(node.func)
        parts = dotted.split(".") if dotted else []
        if len(parts) == 3 and parts[0] == "slicer":
            self._check_keywords(node, parts)
        if isinstance(node.func, ast.Attribute):
            known = members_of(self._type_of(node.func.value) or "")
            name = node.func.attr
            if known and name in known["properties"] - known["others"]:
                self._say(node, f"{name} is a property: read it without ()", name)
            for text in _strings(node) if name in _MAKES_NODES else ():
                if text.startswith("vtkMRML") and text not in API["vtk"]:
                    self._say(node, f"there is no node class {text}", text, API["vtk"])
            if known and name == "connect":
                for text in _strings(node)[:1]:
                    if text.split("(")[0] not in known["others"]:
                        self._say(node, f"there is no signal {text}", text.split("(")[0], known["others"])
        self.generic_visit(node)

    def _check_keywords(self, node: ast.Call, parts: list[str]) -> None:
        about = API["python"].get(".".join(parts[:2]), {}).get(parts[2], {})
        if "arguments" in about and not about["any"]:
            for one in node.keywords:
                if one.arg is not None and one.arg not in about["arguments"]:
                    self._say(node, f"{'.'.join(parts)} takes no {one.arg}", one.arg, about["arguments"])

    def visit_Attribute(self, node: ast.Attribute) -> None:
        """Every name after a dot."""
        dotted, cls = self._dotted(node), self._type_of(node.value)
        if dotted is not None and dotted.split(".")[0] in ROOTS and self._dotted(node.value).split(".")[0] in ROOTS:
            self._check_dotted(node, dotted.split("."))
        elif cls:
            self._check_member(node, cls)
        elif _is_form(node.value) and self._form:
            if node.attr not in self._form:
                self._say(node, f"the form has no {node.attr}", node.attr, self._form)
        elif _looks_like_vtk(node.attr) and node.attr not in self._own and node.attr not in _all_vtk_names():
            self._say(node, f"nothing in VTK or MRML has a {node.attr}", node.attr, _all_vtk_names())
        self.generic_visit(node)

    def _check_member(self, node: ast.Attribute, cls: str) -> None:
        known = members_of(cls)
        if known is None:
            return
        names = known["properties"] | known["others"]
        own = self._own if self._dotted(node.value) == "self" else ()
        if node.attr not in names and node.attr not in own and node.attr != "__init__":
            self._say(node, f"{cls} has no {node.attr}", node.attr, names)

    def _check_dotted(self, node: ast.AST, parts: list[str]) -> None:
        if len(parts) < 2:
            return
        root, name, *more = parts
        if root == "slicer" and f"slicer.{name}" in API["python"]:
            self._check_python(node, name, more)
        elif root == "slicer" and name in _OF_SLICER:
            self._check_static(node, _OF_SLICER[name], more)
        elif root == "slicer" and name == "modules":
            known = {one.lower() for one in API["modules"]} | {one.lower() for one in self._own}
            if more and more[0].lower() not in known and not more[0].endswith(("Widget", "Instance")):
                self._say(node, f"there is no module {more[0]}", more[0], known)
        elif root == "slicer" and name in _NAMESPACES:
            return
        elif root == "vtk":
            if _vtk(name) is None and name != "util":
                self._say(node, f"vtk has no {name}", name)
        elif members_of(name) is None or (root == "qt") != (name in API["qt"]):
            near = API["qt"] if root == "qt" else [*API["widgets"], *API["vtk"]]
            self._say(node, f"{root} has no {name}", name, near)
        else:
            self._check_static(node, name, more)

    def _check_python(self, node: ast.AST, module: str, more: list[str]) -> None:
        known = API["python"][f"slicer.{module}"]
        if f"slicer.{module}" not in self._imported:
            self._say(node, f"slicer.{module} is not there before it is imported", module)
        if more and more[0] not in known:
            self._say(node, f"slicer.{module} has no {more[0]}", more[0], known)

    def _check_static(self, node: ast.AST, cls: str, more: list[str]) -> None:
        known = members_of(cls)
        names = known["properties"] | known["others"]
        if more and more[0] not in names and more[0] != "__init__":
            self._say(node, f"{cls} has no {more[0]}", more[0], names)


def _strings(call: ast.Call) -> list[str]:
    return [one.value for one in call.args if isinstance(one, ast.Constant) and isinstance(one.value, str)]


def _is_form(node: ast.AST) -> bool:
    """Whether an expression is the module's form: self.ui, panel.ui or ui."""
    return (isinstance(node, ast.Attribute) and node.attr == "ui") or (isinstance(node, ast.Name) and node.id == "ui")


def _looks_like_vtk(name: str) -> bool:
    return any(name.startswith(verb) and name[len(verb) : len(verb) + 1].isupper() for verb in _VTK_VERBS)


_names_of_vtk: set[str] = set()


def _all_vtk_names() -> set[str]:
    """All members of all classes of MRML, and of VTK where it is installed."""
    if not _names_of_vtk:
        _names_of_vtk.update(name for about in API["vtk"].values() for name in about.get("members", ()))
        try:
            import vtk
        except ImportError:
            return _names_of_vtk
        for name in dir(vtk):
            if name.startswith("vtk"):
                _names_of_vtk.update(dir(getattr(vtk, name)))
    return _names_of_vtk


def defined_in(source: str) -> set[str]:
    """Functions, classes and attributes that a file defines itself."""
    names = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, (ast.FunctionDef, ast.ClassDef)):
            names.add(node.name)
        elif isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Store):
            names.add(node.attr)
        elif isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
            names.add(node.target.id)
        elif isinstance(node, ast.Assign):
            names.update(one.id for one in node.targets if isinstance(one, ast.Name))
    return names
