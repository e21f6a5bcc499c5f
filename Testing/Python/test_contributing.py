"""What a newcomer is told is so: CONTRIBUTING.md, its selector, and the predictor of docs/design/new_predictor.md."""

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
TEXT = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
_CODE = re.compile(r"^```python\n(.*?)^```", re.MULTILINE | re.DOTALL)
SELECTOR, TEST = _CODE.findall(TEXT)
PREDICTOR, PREDICTOR_TEST = _CODE.findall((ROOT / "docs" / "design" / "new_predictor.md").read_text(encoding="utf-8"))
PAGES = [*sorted(ROOT.glob("*.md")), *sorted((ROOT / "docs").rglob("*.md"))]


@pytest.fixture
def library(tmp_path):
    """A copy of the library, which a file can be added to."""
    source = ROOT / "SparseAnnotate" / "SparseAnnotateLib"
    return shutil.copytree(source, tmp_path / source.name, ignore=shutil.ignore_patterns("__pycache__"))


def python_in(folder: Path, *arguments: str) -> subprocess.CompletedProcess:
    paths = [str(folder), *(str(ROOT / "Testing" / "Python" / name) for name in ("selectors", "predictors"))]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(paths), "PYTHONDONTWRITEBYTECODE": "1"}
    command = [sys.executable, *arguments]
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)


class TestANewSelector:
    """One file, and three lines of test."""

    def outcome(self, library: Path, selector: str) -> subprocess.CompletedProcess:
        folder = library.parent
        (library / "selectors" / "middle.py").write_text(selector, encoding="utf-8")
        (folder / "test_middle.py").write_text(TEST, encoding="utf-8")
        return python_in(folder, "-m", "pytest", "-q", "-p", "no:cacheprovider", "test_middle.py")

    def test_keeps_all_rules_with_three_lines(self, library):
        assert len(TEST.splitlines()) == 3
        done = self.outcome(library, SELECTOR)
        assert done.returncode == 0, done.stdout
        assert int(re.search(r"(\d+) passed", done.stdout)[1]) > 15

    def test_that_breaks_a_rule_is_told_by_the_same_three_lines(self, library):
        done = self.outcome(library, SELECTOR.replace("[:count]", ""))
        assert done.returncode == 1
        assert "as_many_planes_as_asked" in done.stdout

    def test_is_on_the_command_line_at_once(self, library):
        (library / "selectors" / "middle.py").write_text(SELECTOR, encoding="utf-8")
        done = python_in(library.parent, "-m", "SparseAnnotateLib.cli", "info")
        assert re.search(r"^  middle +the planes nearest to the middle", done.stdout, re.MULTILINE), done.stderr


class TestANewPredictor:
    """The page docs/design/new_predictor.md."""

    def test_keeps_all_rules_with_three_lines_and_is_on_the_command_line(self, library):
        assert len(PREDICTOR_TEST.splitlines()) == 3
        (library / "predictors" / "between.py").write_text(PREDICTOR, encoding="utf-8")
        (library.parent / "test_between.py").write_text(PREDICTOR_TEST, encoding="utf-8")
        done = python_in(library.parent, "-m", "pytest", "-q", "-p", "no:cacheprovider", "test_between.py")
        assert done.returncode == 0, done.stdout
        assert int(re.search(r"(\d+) passed", done.stdout)[1]) > 15
        done = python_in(library.parent, "-m", "SparseAnnotateLib.cli", "info")
        assert "options: grow_px=0.0" in done.stdout, done.stderr


def test_ten_questions_have_one_place_each():
    rows = re.findall(r"^\| (.+\?) \| (.+) \|$", TEXT, re.MULTILINE)
    assert len(rows) == 10


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_links_lead_somewhere(page):
    links = re.findall(r"\]\(([^)#\s:]+)(?:#[^)]*)?\)", page.read_text(encoding="utf-8"))
    assert [link for link in links if not (page.parent / link).exists()] == []


def test_the_places_exist():
    places = re.findall(r"`((?:SparseAnnotate|Testing|docs)/[\w./]+)`", TEXT)
    assert len(places) > 10
    assert [place for place in places if not (ROOT / place).exists()] == []
    names = re.findall(r"`(\w+)` in `([\w/]+\.py)`", TEXT)
    assert [name for name, place in names if not re.search(rf"(def|class) {name}\b", (ROOT / place).read_text())] == []


class TestWhatOthersRead:
    """The catalogue of Slicer's extensions, and whoever cites, read files that repeat facts of other files."""

    def test_the_citation_names_this_version(self):
        from SparseAnnotateLib import __version__

        assert f"\nversion: {__version__}\n" in (ROOT / "CITATION.cff").read_text(encoding="utf-8")

    def test_the_catalogue_entry_leads_to_the_extension_s_home(self):
        entry = json.loads((ROOT / "SparseAnnotate.json").read_text(encoding="utf-8"))
        cmake = (ROOT / "CMakeLists.txt").read_text(encoding="utf-8")
        assert f'set(EXTENSION_HOMEPAGE "{entry["scm_url"]}")' in cmake
        assert ('set(EXTENSION_DEPENDS "NA")' in cmake) == (entry["build_dependencies"] == [])
