"""Writing the report of what a store holds."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from ...errors import InputError
from ...io import write_text
from ..grid.store import ResultStore
from .as_csv import csv_of_comparisons, csv_of_means, csv_of_results
from .as_html import html_of
from .as_markdown import markdown_of
from .content import document_of, tests_of
from .results import Results

FILES = ("results.csv", "means.csv", "tests.csv", "report.md", "report.html")


@dataclass(frozen=True)
class Written:
    """What to tell about a report: a few lines, and how many results failed."""

    lines: list[str]
    failed: int


def write_report(store: ResultStore, folder: Path, keys: set[str] | None = None) -> Written:
    """Write report.html, report.md, results.csv, means.csv and tests.csv into a folder, each whole or not at all.

    Parameters
    ----------
    keys : of the results that are wanted; by default all cells, the newest result of each

    Raises
    ------
    InputError
        Where there is no result, or the folder cannot be written to.
    """
    results = Results.from_rows(store.rows(), keys)
    if not results.done and not results.failed:
        raise InputError(f"{store.path} holds no result yet: run the evaluation first")
    tests = tests_of(results)
    document = document_of(results, tests, store.shown)
    named = [(setting.title, one) for setting, found in tests.items() for part in found for one in part]
    write_text(folder / "results.csv", csv_of_results(results), ".csv")
    write_text(folder / "means.csv", csv_of_means(results), ".csv")
    write_text(folder / "tests.csv", csv_of_comparisons(named), ".csv")
    write_text(folder / "report.md", markdown_of(document), ".md")
    write_text(folder / "report.html", html_of(document), ".html")
    lines = [f"{len(results.done)} results, {len(results.failed)} failed: {folder / 'report.html'}"]
    return Written(lines, len(results.failed))
