"""The module in a window of the stand-in for Slicer; skipped where Qt or slicer-core cannot be loaded."""

import importlib
import importlib.util
import logging
import sys
import traceback
from pathlib import Path

import pytest

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[2]
for folder in (ROOT / "SparseAnnotate", HERE):
    if str(folder) not in sys.path:
        sys.path.insert(0, str(folder))


def why_not() -> str | None:
    """A sentence if the panel cannot be tested here."""
    if importlib.util.find_spec("slicer") is None:
        return "slicer-core is not installed: pip install 'sparse-annotate[slicer]'"
    try:
        importlib.import_module("PySide6.QtWidgets")
    except ImportError as error:
        return f"Qt cannot be loaded ({error}): pip install PySide6-Essentials; Debian also needs libegl1, libgl1 ..."
    return None


WHY_NOT = why_not()
if WHY_NOT is None:
    from standin.application import prepare

    prepare()


class _Skipped(pytest.Module):
    def collect(self):
        pytest.skip(WHY_NOT, allow_module_level=True)


def pytest_pycollect_makemodule(module_path, parent):
    """Skip every file with the reason: importing it would fail."""
    return _Skipped.from_parent(parent, path=module_path) if WHY_NOT else None


@pytest.fixture(scope="module")
def application():
    """`slicer.app` and `qt` as in Slicer, for the tests of this folder."""
    from standin import application

    yield application.start()
    application.stop()


@pytest.fixture
def scene(application):
    """An empty scene with three slice views."""
    import slicer

    slicer.mrmlScene.Clear(False)
    application.layout_manager.reset(application._headless)
    yield slicer.mrmlScene
    slicer.mrmlScene.Clear(False)


@pytest.fixture
def no_layout(scene, application, monkeypatch):  # noqa: ARG001 - which needs the layout
    """As ``Slicer --no-main-window``."""
    monkeypatch.setattr(application, "layout_manager", None)


@pytest.fixture
def representation(scene):  # noqa: ARG001 - emptied first
    """What Slicer shows as the module, entered, in a window as wide as the module panel."""
    from PySide6 import QtWidgets
    from standin.application import load_module, process_events

    window = QtWidgets.QMainWindow()
    window.setObjectName("qSlicerMainWindow")
    area = QtWidgets.QScrollArea()
    area.setWidgetResizable(True)
    representation = load_module(ROOT / "SparseAnnotate" / "SparseAnnotate.py")
    representation.layout().setContentsMargins(0, 0, 0, 0)
    area.setWidget(representation)
    window.setCentralWidget(area)
    window.resize(475 + 2, 720)
    window.show()
    representation.enter()
    process_events()
    yield representation
    representation.exit()
    representation.widget.cleanup()
    window.close()
    window.deleteLater()
    process_events()


@pytest.fixture
def panel(representation):
    """The module's widget object: `panel.ui.<name>` are the buttons."""
    return representation.widget


@pytest.fixture(autouse=True)
def no_worker_before_a_prediction(request, monkeypatch):
    """A worker for each volume that is chosen, ready for `guided`, costs a test seconds; `worker_at_once` has it."""
    from SparseAnnotateLib.jobs import ResidentRunner

    if "worker_at_once" not in request.fixturenames:
        monkeypatch.setattr(ResidentRunner, "prepare", lambda _runner: None)
        monkeypatch.setitem(ResidentRunner.__init__.__kwdefaults__, "ready_for", "")


@pytest.fixture
def worker_at_once():
    """The worker is started when a volume is chosen, as for a user."""


@pytest.fixture
def choosing(monkeypatch, application):  # noqa: ARG001 - which knows Qt
    """What the dialog for a folder will answer."""
    import qt

    answers = []
    monkeypatch.setattr(qt.QFileDialog, "getExistingDirectory", staticmethod(lambda *_: answers.pop()))
    return answers


@pytest.fixture(autouse=True)
def no_error_in_a_slot(monkeypatch):
    """Qt and VTK only print an exception in a slot or an observer: make it fail the test."""
    seen = []
    monkeypatch.setattr(sys, "excepthook", lambda *error: seen.append(error))
    yield seen
    if seen:
        pytest.fail("exception in a slot:\n" + "".join("".join(traceback.format_exception(*one)) for one in seen))


@pytest.fixture(autouse=True)
def no_button_left_down():
    """A mouse button that a test leaves down is down in all tests after it, where "as I paint" then waits for ever."""
    yield
    application = sys.modules["PySide6.QtWidgets"].QApplication
    if application.instance() is not None:
        assert application.mouseButtons() == application.mouseButtons().NoButton, "a mouse button was left down"


@pytest.fixture(autouse=True)
def no_logged_error(caplog):
    """What the panel did not expect it logs as an error, for the user to report."""
    yield caplog
    errors = [one for one in caplog.get_records("call") if one.levelno >= logging.ERROR]
    if errors and not any(one.name == "expected" for one in errors):
        pytest.fail("logged as an error: " + "\n".join(one.getMessage() + str(one.exc_text or "") for one in errors))
