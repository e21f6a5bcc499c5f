"""Slicer's scene for every test here, on the slicer-core wheel; skipped where it is not installed."""

import importlib.util
import sys
import traceback
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]
sys.path.insert(0, str(ROOT / "SparseAnnotate"))
sys.path.insert(0, str(Path(__file__).resolve().parent))

# Without slicer-core (pip install 'sparse-annotate[slicer]') there is nothing to test here.
collect_ignore_glob = [] if importlib.util.find_spec("slicer") else ["test_*.py"]


@pytest.fixture(scope="session")
def headless():
    """The scene and its logics, as the application would have set them up."""
    from SparseAnnotateSlicer.scene.headless import headless_scene

    return headless_scene()


@pytest.fixture
def scene(headless):
    """An empty scene."""
    headless.scene.Clear(False)
    yield headless.scene
    headless.scene.Clear(False)


@pytest.fixture(autouse=True)
def no_error_in_an_observer(monkeypatch):
    """VTK only prints an exception in an observer: make it fail the test."""
    seen = []
    monkeypatch.setattr(sys, "excepthook", lambda *error: seen.append(error))
    yield
    if seen:
        pytest.fail("exception in an observer:\n" + "".join("".join(traceback.format_exception(*one)) for one in seen))
