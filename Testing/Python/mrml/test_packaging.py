"""What Slicer packages of this folder, and that none of it needs Qt."""

import ast
from pathlib import Path

import pytest

MODULE = Path(__file__).resolve().parents[3] / "SparseAnnotate"
FILES = sorted((MODULE / "SparseAnnotateSlicer").glob("*.py"))


@pytest.mark.parametrize("path", [*FILES, MODULE / "Scripts" / "sparse_annotate_batch.py"], ids=lambda path: path.name)
def test_slicer_packages_it(path):
    listed = (MODULE / "CMakeLists.txt").read_text(encoding="utf-8").split()
    assert path.relative_to(MODULE).as_posix() in listed


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_it_imports_no_qt(path):
    imported = {
        (node.module or "" if isinstance(node, ast.ImportFrom) else node.names[0].name).split(".")[0]
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, (ast.Import, ast.ImportFrom))
    }
    assert not imported & {"qt", "ctk", "PySide6", "PyQt6"}
    assert len(path.read_text(encoding="utf-8").splitlines()) <= 320
