"""What selectors and predictors need beyond Slicer's own packages is what the panel asks for: no less, no more."""

import subprocess
import sys

import pytest
from hands import ROOT
from SparseAnnotateLib.predictors import PREDICTORS
from SparseAnnotateLib.selectors import SELECTORS
from SparseAnnotateSlicer.panel import packages

# Runs one of them where nothing can be imported that Slicer does not bring, but what the panel would have installed.
CODE = """
import importlib.util, sys
kind, name, allowed = sys.argv[1], sys.argv[2], set(sys.argv[3].split(","))
BLOCKED = {"cv2", "sklearn", "skimage", "itk", "torch", "torchvision", "lpips", "segmentation_models_pytorch"}
BLOCKED |= {"matplotlib", "pandas", "rich", "distributed", "nilearn"}
BLOCKED -= allowed
class Blocker:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in BLOCKED:
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)
sys.meta_path.insert(0, Blocker())
find = importlib.util.find_spec
importlib.util.find_spec = lambda name, package=None: None if name in BLOCKED else find(name, package)
import numpy as np
from SparseAnnotateLib.annotation import SparseAnnotation
from SparseAnnotateLib.predictors import PREDICTORS, run
from SparseAnnotateLib.selectors import SELECTORS
from SparseAnnotateLib.volume import Volume
rng = np.random.default_rng(0)
labels = np.zeros((12, 24, 24), np.uint8)
labels[2:10, 6:18, 6:18] = 1
volume = Volume.from_array((labels * 50 + rng.normal(0, 5, labels.shape)).astype(np.float32), (3.0, 1.0, 1.0))
annotation = SparseAnnotation.from_painted_planes(labels, [3, 8]).with_range(1, 10)
if kind == "selector":
    assert SELECTORS.create(name).select(volume, annotation, 3, rng)
else:
    assert run(PREDICTORS.create(name), volume, annotation).labels.any()
"""
# Other tests register predictors of their own, named test-something.
CASES = [("selector", name) for name in SELECTORS.names()]
CASES += [("predictor", name) for name in PREDICTORS.names() if not name.startswith("test-")]


def modules_of(kind, name):
    registry = SELECTORS if kind == "selector" else PREDICTORS
    return packages.modules_of(registry.get(name))


LIGHT = [case for case in CASES if "torch" not in modules_of(*case) and case[1] != "morphology"]


def runs_with(kind, name, modules):
    command = [sys.executable, "-c", CODE, kind, name, ",".join(modules)]
    environment = {"PYTHONPATH": str(ROOT / "SparseAnnotate"), "OMP_NUM_THREADS": "1", "PATH": ""}
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=environment)
    assert done.returncode == 0 or "ModuleNotFoundError" in done.stderr or "Missing" in done.stderr, done.stderr
    return done.returncode == 0


@pytest.mark.slow
@pytest.mark.parametrize(("kind", "name"), LIGHT)
def test_it_runs_with_what_the_panel_would_install(kind, name):
    assert runs_with(kind, name, modules_of(kind, name))


@pytest.mark.slow
@pytest.mark.parametrize(("kind", "name"), [case for case in LIGHT if modules_of(*case)])
def test_nothing_is_installed_that_it_could_do_without(kind, name):
    modules = modules_of(kind, name)
    for one in modules:
        assert not runs_with(kind, name, [other for other in modules if other != one])


def test_the_requirements_file_names_what_the_default_predictor_needs():
    text = (ROOT / "SparseAnnotate" / "Resources" / "requirements.txt").read_text(encoding="utf-8")
    named = sorted(line for line in text.splitlines() if line and not line.startswith("#"))
    assert named == sorted(one.requirement for one in map(packages.PACKAGES.get, modules_of("predictor", "guided")))


def test_weights_are_asked_for_with_their_size_where_they_are_not_here_yet(monkeypatch, tmp_path):
    from SparseAnnotateLib.learning.pretrained import weights

    monkeypatch.setattr(weights, "locate", lambda _: None)
    missing = packages.missing_weights(SELECTORS.get("perceptual"))
    text = packages.question("perceptual", [], missing)
    assert "weights of AlexNet  (244 MB, from download.pytorch.org, once)" in text
    monkeypatch.setattr(weights, "locate", lambda _: tmp_path)
    assert packages.missing_weights(SELECTORS.get("perceptual")) == []
    assert packages.missing_weights(SELECTORS.get("keep-n")) == []


def test_the_question_names_no_server_that_a_clinician_does_not_know():
    text = packages.question("guided", [packages.PACKAGES["cv2"]])
    assert "from the Python Package Index" in text
    assert "pypi.org" not in text


def test_the_question_names_every_package_with_its_size_and_the_sum():
    wanted = [packages.PACKAGES[name] for name in ("cv2", "sklearn", "torch")]
    text = packages.question("some predictor", wanted)
    for part in ("some predictor", "opencv-python-headless  (35 to 62 MB)", "scikit-learn  (10 MB)", "245 to 3072 MB"):
        assert part in text
    assert "extension PyTorch" in text
