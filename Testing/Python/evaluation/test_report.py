"""The report: what stands in its tables, and that the page needs nothing but itself."""

import csv
import html.parser
import re

import numpy as np
import pytest
from evaluation.examples import done, failed, predictors, selectors, tasks
from SparseAnnotateLib import InputError, Volume
from SparseAnnotateLib.evaluation.grid.planner import View
from SparseAnnotateLib.evaluation.grid.store import ResultStore
from SparseAnnotateLib.evaluation.report import write_report
from SparseAnnotateLib.evaluation.report.as_csv import csv_of_results
from SparseAnnotateLib.evaluation.report.as_html import html_of
from SparseAnnotateLib.evaluation.report.as_markdown import markdown_of
from SparseAnnotateLib.evaluation.report.costs import table_of_costs
from SparseAnnotateLib.evaluation.report.document import Cell, Document, Section, Table
from SparseAnnotateLib.evaluation.report.expected import table_of_warnings
from SparseAnnotateLib.evaluation.report.results import Results
from SparseAnnotateLib.evaluation.report.tables import table_of_failures, table_of_methods, table_of_selector_times
from SparseAnnotateLib.evaluation.simulation.expert import SimulatedExpert
from SparseAnnotateLib.evaluation.simulation.loading import LoadedCase
from SparseAnnotateLib.evaluation.tasks.shown import pack_planes

DICE = {"keep-n": 0.8, "random": 0.7, "nearest": 0.0, "shape": 0.1}


def shown_planes() -> bytes:
    reference = np.zeros((12, 16, 18), np.uint8)
    reference[1:11, 3:12, 4:11] = 1
    case = LoadedCase(Volume.from_array(reference.astype(np.float32)), SimulatedExpert(reference))
    return pack_planes(case, np.roll(reference, 1, axis=1), [2, 5])


def fill(store, some, **more):
    for task in some:
        dice = (
            DICE[task.selector.name] + DICE[task.predictor.name] + task.fraction / 10 + 0.01 * int(task.case.name[4:])
        )
        extra = {"expected_dice": dice - 0.05} if task.predictor.name == "shape" else {}
        result = done(task, min(dice, 1.0), **extra, **more)
        object.__setattr__(result, "shown", shown_planes())
        store.add(task, result)


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    filled = ResultStore(tmp_path_factory.mktemp("evaluation") / "results.sqlite")
    fill(filled, tasks(8))
    yield filled
    filled.close()


@pytest.fixture(scope="module")
def results(store):
    return Results.from_rows(store.rows())


@pytest.fixture(scope="module")
def written(store):
    """The report, written once, and its folder."""
    return write_report(store, store.path.parent), store.path.parent


class Page(html.parser.HTMLParser):
    """Checks that every element is closed, and keeps what would be fetched from elsewhere."""

    EMPTY = {"meta", "img", "br", "hr", "link", "path", "use", "rect", "circle", "line"}  # noqa: RUF012

    def __init__(self):
        super().__init__()
        self.open, self.references, self.identifiers = [], [], []

    def handle_starttag(self, tag, attributes):
        if tag not in self.EMPTY:
            self.open.append(tag)
        for name, value in attributes:
            if name in ("src", "href", "xlink:href"):
                self.references.append(value)
            if name == "id":
                self.identifiers.append(value)

    def handle_startendtag(self, tag, attributes):
        self.handle_starttag(tag, attributes)
        if tag not in self.EMPTY:
            self.open.pop()

    def handle_endtag(self, tag):
        if tag not in self.EMPTY:
            assert self.open.pop() == tag


class TestThePage:
    @pytest.fixture
    def page(self, written):
        return (written[1] / "report.html").read_text(encoding="utf-8")

    def test_it_is_whole_and_needs_nothing_else(self, page):
        parsed = Page()
        parsed.feed(page)
        assert parsed.open == []
        assert all(reference.startswith(("#", "data:image/png;base64,")) for reference in parsed.references)
        assert not re.search(r"@import|url\((?!#)|<script|<link", page)
        assert len(set(parsed.identifiers)) == len(parsed.identifiers)
        assert {one[1:] for one in parsed.references if one.startswith("#")} <= set(parsed.identifiers)

    def test_everything_that_was_asked_for_stands_in_it(self, page):
        headings = re.findall(r"<h2>(.*?)</h2>", page)
        assert headings == [
            "Overview",
            "Dice",
            "Learning curves",
            "Distances and unpainted planes",
            "Times",
            "Do predictors differ?",
            "Do selectors differ?",
            "Classes and cases",
            "Expected Dice",
            "Worst cases",
        ]
        assert page.count("<svg") == 2
        assert page.count("data:image/png") == 4

    def test_the_list_of_sections_is_broken_into_lines_where_it_is_too_long(self, page):
        # Without white space between the links a browser breaks none of them: the page was wider than the window.
        assert re.search(r"nav \{[^}]*flex-wrap: wrap", page) or re.search(r"<nav>.*</a>\s+<a", page)

    def test_names_cannot_break_it(self):
        evil = "<script>alert(1)</script>"
        page = html_of(Document(evil, [Section(evil, [evil, [evil], Table(evil, [evil], [[Cell(evil)]], evil)])]))
        assert "<script>" not in page


class TestTables:
    def test_means_deviations_and_the_best(self, results):
        table = table_of_methods(results, "dice_all", "Dice")
        assert table.header == ["predictor", "selector", "10 %", "20 %"]
        texts = [[cell.text for cell in row] for row in table.rows]
        spread = np.std(0.01 * np.arange(8), ddof=1)
        assert texts[0] == [
            "nearest",
            "keep-n",
            f"{0.81 + 0.035:.3f} ± {spread:.3f}",
            f"{0.82 + 0.035:.3f} ± {spread:.3f}",
        ]
        assert [row[2].strong for row in table.rows] == [True, False, True, False]
        assert [row[2].marked for row in table.rows] == [False, False, True, False]

    def test_a_method_without_all_cases_says_so_and_is_never_the_best(self, results):
        rows = [row for row in results.done if row["predictor"] == "nearest" or row["case_name"] < "case5"]
        table = table_of_methods(Results(rows, []), "dice_all", "Dice")
        assert [(row[2].text.endswith(" (5)"), row[2].strong) for row in table.rows] == [
            (False, True),
            (False, False),
            (True, False),
            (True, False),
        ]

    def test_methods_are_set_side_by_side_on_the_cases_that_all_have(self, results):
        assert results.on_common_cases() is None
        rows = [
            row
            for row in results.done
            if row["predictor"] == "nearest" or (row["case_name"] < "case5" and row["selector"] == "keep-n")
        ]
        rows = [row for row in rows if (row["selector"], row["case_name"]) != ("random", "case0")]
        common = Results(rows, []).on_common_cases()
        assert common.cases == ["case1", "case2", "case3", "case4"]
        assert len(common.methods) == 3
        few = [row for row in rows if row["predictor"] == "nearest" or row["case_name"] < "case3"]
        assert {method.predictor for method in Results(few, []).on_common_cases().methods} == {"nearest"}

    def test_of_distances_the_smallest_is_the_best(self, results):
        table = table_of_methods(results, "average_hausdorff_mm", "mm", best=min)
        assert [row[2].marked for row in table.rows] == [False, False, True, False]

    def test_a_selection_counts_once_whatever_predictors_use_it(self, results):
        table = table_of_selector_times(results, "seconds", "Seconds")
        assert [cell.text for cell in table.rows[0]] == ["keep-n", "0.50 ± 0.00", "0.50 ± 0.00"]

    def test_failures_are_put_together_by_reason(self, tmp_path):
        failing = ResultStore(tmp_path / "results.sqlite")
        for task in tasks(3, predictors=predictors("morphology"), selectors=selectors("keep-n")):
            failing.add(task, failed(task, "no memory"))
        table = table_of_failures(Results.from_rows(failing.rows()).failed)
        failing.close()
        assert [[cell.text for cell in row] for row in table.rows] == [
            ["morphology, keep-n", "no memory", "case0, case1, case2", "6"]
        ]


def test_a_table_in_markdown():
    table = Table("", ["name", "Dice"], [[Cell("a|b"), Cell("0.9", strong=True)]])
    lines = markdown_of(Document("Title", [Section("Part", [table])])).splitlines()
    assert lines[-3:] == ["| name | Dice |", "|---|---:|", "| a\\|b | **0.9** |"]


def test_the_csv_files_hold_every_result_mean_and_test(written):
    summary, folder = written
    assert summary.lines[0].startswith("64 results, 0 failed")
    lines = {
        name: list(csv.DictReader((folder / f"{name}.csv").open(encoding="utf-8")))
        for name in ("results", "means", "tests")
    }
    assert {name: len(found) for name, found in lines.items()} == {"results": 64, "means": 8, "tests": 8}
    assert float(lines["means"][0]["dice_all mean"]) == pytest.approx(0.845)
    assert float(lines["tests"][0]["mean difference"]) == pytest.approx(0.1)
    assert {row["case_name"] for row in lines["results"]} == {f"case{number}" for number in range(8)}


def test_settings_are_never_mixed(tmp_path):
    store = ResultStore(tmp_path / "results.sqlite")
    fill(store, tasks(6, views=(View("i"), View("k"))))
    write_report(store, tmp_path)
    text = (tmp_path / "report.md").read_text(encoding="utf-8")
    assert "## Settings side by side" in text
    assert "## Dice (fractions of the range, axis i)" in text
    assert "## Dice (fractions of the range, axis k)" in text
    assert "over 6 cases" in text
    store.close()


def test_what_painting_costs_is_told_once_for_each_selection(tmp_path):
    store = ResultStore(tmp_path / "results.sqlite")
    for task in tasks(2, fractions=(0.1,)):
        more = task.case.name == "case1"
        fill(store, [task], clicks=6, planes=5 + 2 * more, outlines=12 + more, contour_mm=2500.0 + 1000 * more)
    table = table_of_costs(Results.from_rows(store.rows()))
    assert table.header == ["selector", "painted", "clicks", "planes", "outlines", "contour (m)"]
    assert [[cell.text for cell in row] for row in table.rows] == [
        ["keep-n", "10 %", "6.0", "6.0", "12.5", "3.00"],
        ["random", "10 %", "6.0", "6.0", "12.5", "3.00"],
    ]
    write_report(store, tmp_path)
    for name in ("report.md", "report.html"):
        assert "What painting costs" in (tmp_path / name).read_text(encoding="utf-8")
    with (tmp_path / "means.csv").open(encoding="utf-8", newline="") as lines:
        assert float(next(csv.DictReader(lines))["outlines mean"]) == 12.5
    store.close()


def test_warnings_are_listed_where_the_dice_is_lowest_first(tmp_path, store):
    warned = ResultStore(tmp_path / "results.sqlite")
    some = tasks(20)
    for number, task in enumerate(some):
        sentences = [f"bone {number} vanishes"] if number % 2 else []
        warned.add(task, done(task, 0.9 - number / 1000, expected_dice=0.9, warnings=sentences))
    results = Results.from_rows(warned.rows())
    warned.close()
    table = table_of_warnings(results)
    assert len(some) == 160
    assert len(table.rows) == 30
    assert "80 of 160 results have a warning" in table.note
    assert "of 80; results.csv" in table.note
    texts = [cell.text for cell in table.rows[0]]
    assert texts[4:] == ["bone 159 vanishes", "0.900", "0.741"]
    assert "bone 1 vanishes" in csv_of_results(results)
    assert table_of_warnings(Results.from_rows(store.rows())) is None


def test_a_report_of_one_result_has_no_empty_parts(tmp_path):
    store = ResultStore(tmp_path / "results.sqlite")
    fill(store, tasks(1)[:1])
    write_report(store, tmp_path)
    text = (tmp_path / "report.md").read_text(encoding="utf-8")
    assert re.findall(r"^## (.*)$", text, re.MULTILINE) == [
        "Overview",
        "Dice",
        "Distances and unpainted planes",
        "Times",
        "Classes and cases",
    ]
    store.close()


def test_a_store_without_results_makes_no_report(tmp_path):
    store = ResultStore(tmp_path / "results.sqlite")
    with pytest.raises(InputError, match="holds no result yet"):
        write_report(store, tmp_path)
    assert not (tmp_path / "report.html").exists()
    store.close()
