"""Packages are installed for real, by Slicer's own packaging.py, into an empty folder; from a wheel made here."""

import importlib.util
import os
import sys
import zipfile
from pathlib import Path

import pytest
import slicer
from SparseAnnotateLib.errors import MissingPackageError
from SparseAnnotateSlicer.panel import packages

NAME = "sparse_annotate_installed_by_a_test"


class Needs:
    """What a predictor is to the panel, as far as packages go."""

    name, needs = "trial", (NAME,)


def slicers_packaging() -> Path | None:
    """Slicer's own file: of the checkout that SLICER_PYTHON names, or of the wheel if it should bring it one day."""
    folders = [os.environ.get("SLICER_PYTHON", ""), *slicer.__path__]
    return next((path for one in folders if one and (path := Path(one) / "packaging.py").is_file()), None)


def make_wheel(folder: Path) -> None:
    """A package of one line."""
    about = f"{NAME}-1.0.dist-info"
    files = {
        f"{NAME}.py": "value = 7\n",
        f"{about}/METADATA": f"Metadata-Version: 2.1\nName: {NAME.replace('_', '-')}\nVersion: 1.0\n",
        f"{about}/WHEEL": "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    }
    record = "".join(f"{name},,\n" for name in (*files, f"{about}/RECORD"))
    with zipfile.ZipFile(folder / f"{NAME}-1.0-py3-none-any.whl", "w") as wheel:
        for name, text in (*files.items(), (f"{about}/RECORD", record)):
            wheel.writestr(name, text)


@pytest.fixture
def pip(application, tmp_path, monkeypatch):
    """Slicer's own packaging, a pip that looks into a folder only, and an empty target; returns the target."""
    path = slicers_packaging()
    if path is None:
        pytest.skip("Slicer's packaging.py is not here: set SLICER_PYTHON to Base/Python/slicer of a checkout")
    if importlib.util.find_spec("pip") is None or sys.platform == "win32":
        pytest.skip("pip, or a shell for PythonSlicer, is not here")
    spec = importlib.util.spec_from_file_location("slicer.packaging", path)
    module = importlib.util.module_from_spec(spec)
    monkeypatch.setitem(sys.modules, "slicer.packaging", module)
    spec.loader.exec_module(module)
    # Its window is Slicer's own matter.
    monkeypatch.setattr(module, "_isMainQtThread", lambda: False)
    monkeypatch.setattr(application, "testingEnabled", lambda: False)
    for folder in ("bin", "wheels", "target"):
        (tmp_path / folder).mkdir()
    launcher = tmp_path / "bin" / "PythonSlicer"
    launcher.write_text(f'#!/bin/sh\nexec "{sys.executable}" "$@"\n', encoding="utf-8")
    launcher.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path / "bin"), prepend=os.pathsep)
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(tmp_path / "wheels"))
    monkeypatch.setenv("PIP_TARGET", str(tmp_path / "target"))
    monkeypatch.syspath_prepend(str(tmp_path / "target"))
    wanted = packages.Package("the trial package", NAME.replace("_", "-"), (1, 1))
    monkeypatch.setitem(packages.PACKAGES, NAME, wanted)
    monkeypatch.setattr(slicer.util, "confirmOkCancelDisplay", lambda *_, **__: True)
    return tmp_path


def test_the_first_use_installs_what_is_missing(pip):
    make_wheel(pip / "wheels")
    assert [one.name for one in packages.missing(Needs)] == ["the trial package"]
    packages.ensure(Needs)
    assert (pip / "target" / f"{NAME}.py").read_text(encoding="utf-8") == "value = 7\n"
    assert packages.missing(Needs) == []


def test_what_pip_cannot_find_is_said_in_a_sentence(pip):
    with pytest.raises(MissingPackageError, match="could not be installed"):
        packages.ensure(Needs)
    assert list((pip / "target").iterdir()) == []


def test_nothing_of_slicer_is_there_that_nobody_imported(application):  # noqa: ARG001 - prepared
    import subprocess

    here = Path(__file__).resolve().parent
    code = (
        f"import sys; sys.path[:0] = [{str(here)!r}, {str(here.parents[2] / 'SparseAnnotate')!r}]\n"
        "from standin import application; application.prepare(); application.start(); import slicer\n"
        "print(hasattr(slicer, 'packaging')); import slicer.packaging; print(hasattr(slicer, 'packaging'))"
    )
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    assert said[-2:] == ["False", "True"]
