"""The pages of docs/: the site lists each, anchors lead somewhere, every command is one, and the guide's run."""

import contextlib
import functools
import io
import re
import shlex
import shutil
from pathlib import Path

import numpy as np
import pytest
import SimpleITK as sitk  # noqa: N813
from SparseAnnotateLib.cli import build_parser, main

ROOT = Path(__file__).resolve().parents[2]
DOCS = ROOT / "docs"
PAGES = sorted(DOCS.rglob("*.md"))
_FENCES = re.compile(r"^ *```(\w*)\n(.*?)^ *```$", re.MULTILINE | re.DOTALL)
_INDENTED = re.compile(r"(?:^ {4}.*\n)+", re.MULTILINE)


def name_of(page: Path) -> str:
    return page.relative_to(ROOT).as_posix()


def commands_of(page: Path) -> list[list[str]]:
    """The words of every `sparse-annotate ...` in a block of code, in their order."""
    text = page.read_text(encoding="utf-8")
    blocks = [body for language, body in _FENCES.findall(text) if language in ("", "text", "bash")]
    blocks += _INDENTED.findall(_FENCES.sub("", text))
    lines = re.sub(r"\\\n\s*", " ", "\n".join(blocks)).splitlines()
    return [shlex.split(line, comments=True)[1:] for line in lines if re.match(r"\s*sparse-annotate [a-z]", line)]


@functools.cache
def parser():
    return build_parser()


def anchors_of(page: Path) -> set[str]:
    """As GitHub and the site make them of headings."""
    text = _FENCES.sub("", page.read_text(encoding="utf-8"))
    titles = re.findall(r"^#+ (.+)$", text, re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", title.lower()).strip().replace(" ", "-") for title in titles}


def test_the_site_lists_every_page_once():
    listed = re.findall(r"^ +- (?:.+: )?(\S+\.md)$", (ROOT / "mkdocs.yml").read_text(encoding="utf-8"), re.MULTILINE)
    assert sorted(listed) == sorted(page.relative_to(DOCS).as_posix() for page in PAGES)


def test_the_first_page_links_to_every_other():
    linked = set(re.findall(r"\]\((\S+\.md)\)", (DOCS / "README.md").read_text(encoding="utf-8")))
    assert linked == {page.relative_to(DOCS).as_posix() for page in PAGES} - {"README.md"}


def test_every_picture_and_every_figure_s_script_is_used():
    text = "".join(page.read_text(encoding="utf-8") for page in [*PAGES, ROOT / "README.md", ROOT / "Makefile"])
    files = [*DOCS.glob("pictures/**/*.png"), *DOCS.glob("figures/*.py")]
    assert [file.name for file in files if file.name not in text] == []


def test_the_site_needs_no_network():
    """Mermaid's script would come from elsewhere, and so would the frame by which the search works from the disk."""
    assert [name_of(page) for page in PAGES if "```mermaid" in page.read_text(encoding="utf-8")] == []
    (polyfill,) = re.findall(
        r"^  polyfills: \[(.+)\]$", (ROOT / "mkdocs.yml").read_text(encoding="utf-8"), re.MULTILINE
    )
    assert "iframe-worker" in polyfill
    assert (DOCS / polyfill).is_file()


@pytest.mark.parametrize("page", [*PAGES, *sorted(ROOT.glob("*.md"))], ids=name_of)
def test_anchors_are_headings(page):
    links = re.findall(r"\]\(([^)#\s:]*)#([^)]+)\)", page.read_text(encoding="utf-8"))
    missing = [
        f"{link}#{anchor}" for link, anchor in links if anchor not in anchors_of(page.parent / link if link else page)
    ]
    assert missing == []


@pytest.mark.parametrize("page", [*PAGES, ROOT / "README.md"], ids=name_of)
def test_every_command_has_options_that_exist(page):
    refused = []
    for words in commands_of(page):
        said = io.StringIO()
        with contextlib.redirect_stderr(said), contextlib.redirect_stdout(said):
            try:
                # The predictor that a page adds is not there.
                parser().parse_args(["nearest" if word == "between" else word for word in words])
            except SystemExit as stop:
                refused += [said.getvalue()] if stop.code else []
    assert refused == []


@pytest.mark.parametrize("page", [*PAGES, *sorted(ROOT.glob("*.md"))], ids=name_of)
def test_every_script_is_there_and_knows_its_options(page):
    text = re.sub(r"\\\n\s*", " ", page.read_text(encoding="utf-8"))
    wrong = []
    for script, words in re.findall(r"(?:python|--python-script) ((?:Testing|Resources|docs)/\S+\.py)([^\n`]*)", text):
        if not (ROOT / script).is_file():
            wrong.append(script)
            continue
        # Some options are those of a file beside it.
        sources = [(ROOT / script).read_text(encoding="utf-8")]
        sources += [
            file.read_text(encoding="utf-8") for file in (ROOT / script).parent.glob("*.py") if file.stem in sources[0]
        ]
        wrong += [
            f"{script} {one}"
            for one in re.findall(r"(?<!\S)--[a-z-]+", words)
            if not any(f'"{one}"' in source for source in sources)
        ]
    assert wrong == []


class TestTheGuidesCommands:
    """They run, in their order, on files of the names that they use: a leaning cylinder and a ball, rough and true."""

    @pytest.fixture
    def folder(self, tmp_path, monkeypatch):
        truth = np.zeros((60, 20, 24), np.uint8)
        plane, row, column = np.indices(truth.shape)
        truth[(np.hypot(row - 9, column - 6 - plane / 8) < 5) & (plane > 5) & (plane < 55)] = 1
        truth[((plane - 30) / 2) ** 2 + (row - 10) ** 2 + (column - 18) ** 2 < 25] = 2
        painted = np.where(np.isin(np.arange(60), (8, 20, 27, 33, 46, 52))[:, None, None], truth, 0).astype(np.uint8)
        noise = np.random.default_rng(0).normal(0, 5, truth.shape)
        folder = tmp_path / "demo"
        folder.mkdir()
        for name, array in {
            "scan.nii.gz": (60.0 * truth + noise).astype(np.float32),
            "painted.seg.nrrd": painted,
            "truth.seg.nrrd": truth,
            "rough.seg.nrrd": np.roll(truth, 1, axis=2),
        }.items():
            sitk.WriteImage(sitk.GetImageFromArray(array), str(folder / name))
        for number in (1, 2):
            case = tmp_path / "cases" / f"case{number}"
            case.mkdir(parents=True)
            shutil.copy(folder / "scan.nii.gz", case / "image.nii.gz")
            sitk.WriteImage(sitk.GetImageFromArray(painted), str(case / "labels.nii.gz"))
        monkeypatch.chdir(tmp_path)
        return tmp_path

    @pytest.mark.parametrize(
        ("page", "count", "written"),
        [
            ("first_prediction.md", 4, ["demo/all.seg.nrrd", "demo/quality.csv"]),
            ("correcting.md", 2, ["demo/corrected.seg.nrrd"]),
            ("batch.md", 1, ["results/cases.csv", "results/case1.nii.gz", "results/case2.nii.gz"]),
        ],
    )
    def test_run_as_they_stand(self, folder, page, count, written, capsys):
        run = [
            words
            for words in commands_of(DOCS / "guide" / page)
            if any(word.startswith(("demo/", "cases/")) for word in words)
            and not {"--workers", "--scheduler"} & {*words}
        ]
        assert len(run) == count
        for words in run:
            assert main(words) == 0, capsys.readouterr().err
        assert [name for name in written if not (folder / name).is_file()] == []
