"""The floors of SparseAnnotateSlicer, as its __init__ tells them: imports go down, no circles, Qt above only."""

import ast
from pathlib import Path

import floors
import pytest
from floors import circle_in

MODULE = Path(__file__).resolve().parents[2] / "SparseAnnotate"
PACKAGE = MODULE / "SparseAnnotateSlicer"
FILES = [MODULE / "SparseAnnotate.py", *sorted(PACKAGE.rglob("*.py"))]
# What each floor may import beside itself. The module's file and its self test stand above all.
BELOW = {
    "scene": set(),
    "session": {"scene"},
    "views": {"scene"},
    "strip": {"session"},
    "batch": {"scene", "session"},
    "panel": {"scene", "session", "views", "strip"},
    "selftest": {"scene", "session", "views", "strip", "panel"},
    "SparseAnnotate": {"scene", "session", "views", "strip", "panel", "selftest"},
}
QT = {"qt", "ctk", "PySide6", "PyQt6", "PythonQt"}
WITHOUT_QT = ("scene", "session", "views", "batch", "selftest")


def name_of(path: Path) -> str:
    """As it is imported, with a dot at the end for the __init__ of a package."""
    parts = path.relative_to(MODULE).with_suffix("").parts
    return ".".join(parts[:-1]) + "." if parts[-1] == "__init__" else ".".join(parts)


NAMES = {name_of(path): path for path in FILES}


def floor_of(name: str) -> str:
    parts = name.strip(".").split(".")
    return parts[1] if len(parts) > 1 else parts[0]


def imports_of(source: str, name: str):
    """Absolute names of all that a file imports: at its top, inside functions, and for types only."""
    return floors.imports_of(source, name.rstrip(".") if name.endswith(".") else name.rpartition(".")[0])


def own_imports(source: str, name: str) -> set[str]:
    """The files of ours that a file imports."""
    return {one for one in imports_of(source, name) if one in NAMES and one != name}


def arrows_up(name: str, imported: set[str]) -> list[str]:
    allowed = {*BELOW[floor_of(name)], floor_of(name)}
    return sorted(one for one in imported if floor_of(one) not in allowed)


@pytest.mark.parametrize("name", NAMES)
class TestEveryFile:
    def test_imports_go_down_only(self, name):
        if name != "SparseAnnotateSlicer.":
            assert arrows_up(name, own_imports(NAMES[name].read_text(encoding="utf-8"), name)) == []

    def test_qt_is_imported_by_the_strip_and_the_panel_only(self, name):
        if floor_of(name) in WITHOUT_QT or name == "SparseAnnotateSlicer.strip.model":
            imported = {one.split(".")[0] for one in imports_of(NAMES[name].read_text(encoding="utf-8"), name)}
            assert not imported & QT

    def test_slicer_packages_it(self, name):
        listed = (MODULE / "CMakeLists.txt").read_text(encoding="utf-8").split()
        path = NAMES[name].relative_to(MODULE).as_posix()
        assert (path if "/" in path else "${MODULE_NAME}.py") in listed

    def test_it_can_be_read_at_once(self, name):
        assert len(NAMES[name].read_text(encoding="utf-8").splitlines()) <= 320

    def test_it_is_not_named_by_a_prefix(self, name):
        floor, stem = floor_of(name), name.strip(".").split(".")[-1]
        assert not any(stem.startswith(f"{one}_") for one in BELOW if one == floor or one in ("panel", "batch"))


def test_no_file_lies_beside_the_floors():
    assert {floor_of(name) for name in NAMES} == {*BELOW, "SparseAnnotateSlicer"}


def test_every_floor_says_who_lives_there_and_what_may_be_imported():
    for floor in ("scene", "session", "views", "strip", "panel", "batch"):
        text = ast.get_docstring(ast.parse((PACKAGE / floor / "__init__.py").read_text(encoding="utf-8")))
        assert "Who lives here" in text
        assert "What may be imported" in text
        absent = [path.stem for path in (PACKAGE / floor).glob("[a-z]*.py") if path.stem not in text]
        assert absent == []


def test_there_is_no_circle_of_files():
    graph = {name: own_imports(path.read_text(encoding="utf-8"), name) for name, path in NAMES.items()}
    assert sum(map(len, graph.values())) > 80
    assert circle_in(graph) == []


def test_the_batch_script_starts_what_is_there():
    source = (MODULE / "Scripts" / "sparse_annotate_batch.py").read_text(encoding="utf-8")
    assert "SparseAnnotateSlicer.batch.command" in set(imports_of(source, "sparse_annotate_batch"))


class TestTheRulesThemselves:
    def test_an_arrow_up_is_seen_also_inside_a_function(self):
        source = "def later():\n    from ..panel import packages\n"
        name = "SparseAnnotateSlicer.scene.files"
        assert arrows_up(name, own_imports(source, name)) == ["SparseAnnotateSlicer.panel.packages"]

    def test_an_import_for_types_counts(self):
        source = "if TYPE_CHECKING:\n    from .session import AnnotationSession\n"
        assert own_imports(source, "SparseAnnotateSlicer.session.given") == {"SparseAnnotateSlicer.session.session"}

    def test_neighbours_on_one_floor_do_not_know_each_other(self):
        name = "SparseAnnotateSlicer.views.slice_views"
        imported = own_imports("from ..strip.model import StripModel", name)
        assert arrows_up(name, imported) == ["SparseAnnotateSlicer.strip.model"]
