"""What Slicer packages of this folder, and that nothing but the panel needs Qt."""

import ast
from pathlib import Path

import pytest

MODULE = Path(__file__).resolve().parents[3] / "SparseAnnotate"
FILES = sorted((MODULE / "SparseAnnotateSlicer").glob("*.py"))
QT = [path for path in FILES if path.stem in ("panel", "strip", "strip_painter") or path.stem.startswith("panel_")]


@pytest.mark.parametrize("path", [*FILES, MODULE / "Scripts" / "sparse_annotate_batch.py"], ids=lambda path: path.name)
def test_slicer_packages_it(path):
    listed = (MODULE / "CMakeLists.txt").read_text(encoding="utf-8").split()
    assert path.relative_to(MODULE).as_posix() in listed


def imported_by(path):
    """First names of what a file imports, of its own package second ones, as in ".strip"."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name.split(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield "." * node.level + (node.module or "").split(".")[0]


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_it_imports_no_qt(path):
    imported = set(imported_by(path))
    assert not imported & {"PySide6", "PyQt6", "PythonQt"}
    if path not in QT:
        assert not imported & {"qt", "ctk", *(f".{one.stem}" for one in QT)}


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_it_can_be_read_at_once(path):
    assert len(path.read_text(encoding="utf-8").splitlines()) <= 320
