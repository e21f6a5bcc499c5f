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
PREDICTOR_PAGE = (ROOT / "docs" / "design" / "new_predictor.md").read_text(encoding="utf-8")
PREDICTOR, PREDICTOR_TEST = _CODE.findall(PREDICTOR_PAGE)
LIBRARY = Path("SparseAnnotate") / "SparseAnnotateLib"
PAGES = [*sorted(ROOT.glob("*.md")), *sorted((ROOT / "docs").rglob("*.md"))]


@pytest.fixture
def repository(tmp_path):
    """A copy of the library and of what its tests share, to which a newcomer's files are added where the pages say."""
    no_cache, tests = shutil.ignore_patterns("__pycache__"), Path("Testing") / "Python"
    shutil.copytree(ROOT / "SparseAnnotate" / "SparseAnnotateLib", tmp_path / LIBRARY, ignore=no_cache)
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    for name in ("conftest.py", "selectors", "predictors"):
        (tmp_path / tests).mkdir(parents=True, exist_ok=True)
        copy = shutil.copy if name.endswith(".py") else shutil.copytree
        copy(ROOT / tests / name, tmp_path / tests / name)
    return tmp_path


def python_in(folder: Path, *arguments: str) -> subprocess.CompletedProcess:
    environment = {**os.environ, "PYTHONPATH": str(folder / LIBRARY.parent), "PYTHONDONTWRITEBYTECODE": "1"}
    command = [sys.executable, *arguments]
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)


class TestANewSelector:
    """One file, and three lines of test."""

    def outcome(self, repository: Path, selector: str) -> subprocess.CompletedProcess:
        file = "Testing/Python/selectors/test_middle.py"
        assert "`test_middle.py` in `Testing/Python/selectors`" in TEXT
        (repository / LIBRARY / "selectors" / "middle.py").write_text(selector, encoding="utf-8")
        (repository / file).write_text(TEST, encoding="utf-8")
        return python_in(repository, "-m", "pytest", "-q", "-p", "no:cacheprovider", file)

    def test_keeps_all_rules_with_three_lines(self, repository):
        assert len(TEST.splitlines()) == 3
        done = self.outcome(repository, SELECTOR)
        assert done.returncode == 0, done.stdout
        assert int(re.search(r"(\d+) passed", done.stdout)[1]) > 15

    def test_that_breaks_a_rule_is_told_by_the_same_three_lines(self, repository):
        done = self.outcome(repository, SELECTOR.replace("[:count]", ""))
        assert done.returncode == 1
        assert "as_many_planes_as_asked" in done.stdout

    def test_is_on_the_command_line_at_once(self, repository):
        (repository / LIBRARY / "selectors" / "middle.py").write_text(SELECTOR, encoding="utf-8")
        done = python_in(repository, "-m", "SparseAnnotateLib.cli", "info")
        assert re.search(r"^  middle +the planes nearest to the middle", done.stdout, re.MULTILINE), done.stderr


class TestANewPredictor:
    """The page docs/design/new_predictor.md."""

    def test_keeps_all_rules_with_three_lines_and_is_on_the_command_line(self, repository):
        assert len(PREDICTOR_TEST.splitlines()) == 3
        (file,) = re.findall(r"python -m pytest (\S+)`", PREDICTOR_PAGE)
        (repository / LIBRARY / "predictors" / "between.py").write_text(PREDICTOR, encoding="utf-8")
        (repository / file).write_text(PREDICTOR_TEST, encoding="utf-8")
        done = python_in(repository, "-m", "pytest", "-q", "-p", "no:cacheprovider", file)
        assert done.returncode == 0, done.stdout
        assert int(re.search(r"(\d+) passed", done.stdout)[1]) > 15
        done = python_in(repository, "-m", "SparseAnnotateLib.cli", "info")
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
