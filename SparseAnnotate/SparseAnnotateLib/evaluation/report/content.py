"""What stands in a report, in its order."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator

from ...environment import versions
from ..grid.remaining import spoken
from . import tables
from .comparisons import Comparison, compare_predictors, compare_selectors
from .costs import table_of_costs
from .document import Document, Section, Table
from .expected import table_of_expected_dice, table_of_warnings
from .figures import expected_against_true, learning_curves
from .pictures import worst_cases
from .results import Results, Setting, Spread, percent

_ALL_PLANES = "All planes are counted, painted ones too."
_UNPAINTED = "Only the planes inside the range that were predicted."
_MARKS = "Bold: the best selector of a predictor; green: the best of a column."
_TIMES = (
    "Mean ± standard deviation over cases and seeds. By the clock other programs count too, those of the evaluation "
    "among them; the processor's seconds, of all threads together, hardly depend on them."
)
_HOLM = (
    "Mean difference of Dice over the cases that both were run on, with the p of Wilcoxon's signed rank test after "
    "Holm's correction for all tests with the same {} (tests.csv has every one of them). Bold: p < .05."
)


def document_of(
    results: Results,
    tests: dict[Setting, tuple[list[Comparison], list[Comparison]]],
    shown: Callable[[str], bytes | None],
) -> Document:
    """The report; `shown` gives the packed planes of a result."""
    sections = [_overview(results)]
    several = len(results.settings) > 1
    if several:
        sections.append(Section("Settings side by side", [tables.table_of_settings(results)]))
    for setting in results.settings:
        part = results.of_setting(setting)
        for section in _of_setting(part, *tests[setting], shown):
            title = f"{section.title} ({setting.title})" if several else section.title
            sections.append(Section(title, section.parts))
    if results.failed:
        sections.append(Section("Failures", [tables.table_of_failures(results.failed)]))
    return Document("Evaluation of sparse annotation", [one for one in sections if one.parts])


def tests_of(results: Results) -> dict[Setting, tuple[list[Comparison], list[Comparison]]]:
    """All tests between selectors, and between predictors, by setting."""
    parts = {setting: results.of_setting(setting) for setting in results.settings}
    return {setting: (compare_selectors(part), compare_predictors(part)) for setting, part in parts.items()}


def _overview(results: Results) -> Section:
    newest = max((row["finished_at"] for row in results.done), default=time.time())
    seconds = sum(row["seconds"] for row in [*results.done, *results.failed])
    devices = sorted({row["device"] for row in results.done})
    facts = [
        f"{len(results.cases)} cases, {len(results.done)} results, {len(results.failed)} failed.",
        f"The newest result is of {time.strftime('%d %B %Y, %H:%M', time.localtime(newest))}; computed for "
        f"{spoken(seconds)} on {', '.join(devices) or 'nothing'}.",
        f"Written by sparse-annotate {versions()['sparse-annotate']}; results.csv has the versions behind each result.",
    ]
    if len(results.settings) == 1:
        facts.insert(1, f"Setting: {results.settings[0].title}.")
    return Section("Overview", [facts, *([winners] if (winners := list(_winners(results))) else [])])


def _winners(results: Results) -> Iterator[str]:
    """The best method at each fraction, among those that were run on the most cases."""
    for setting in results.settings:
        part = results.of_setting(setting)
        for fraction in part.fractions:
            found = {one: Spread.of(part.per_case(one, fraction, "dice_all").values()) for one in part.methods}
            most = max(spread.count for spread in found.values() if spread)
            complete = {one: spread for one, spread in found.items() if spread and spread.count == most}
            best = max(complete, key=lambda one: complete[one].mean)
            where = f" ({setting.title})" if len(results.settings) > 1 else ""
            yield (
                f"{percent(fraction)}{where}: {best.predictor} on the planes of {best.selector}, Dice "
                f"{tables.as_dice(complete[best])}, is the best of the {len(complete)} methods that have {most} cases."
            )


def _of_setting(results: Results, selectors, predictors, shown) -> Iterator[Section]:
    if results.fractions:
        yield from _quality(results)
        yield from _tests(results, selectors, predictors)
        selector, fraction = results.selectors[0], results.usual_fraction
        classes = tables.table_of_classes(results, selector, fraction)
        yield Section("Classes and cases", [classes, tables.table_of_cases(results, selector, fraction)])
        told = table_of_expected_dice(results), expected_against_true(results), table_of_warnings(results)
        yield Section("Expected Dice", list(filter(None, told)))
        yield Section("Worst cases", worst_cases(results, shown))
    baseline = tables.table_of_baseline(results)
    if baseline:
        yield Section("Upper bound", [baseline])


def _quality(results: Results) -> Iterator[Section]:
    dice = tables.table_of_methods(results, "dice_all", "All planes", note=f"{_ALL_PLANES} {_MARKS}")
    unpainted = tables.table_of_methods(results, "dice_unpainted", "Dice of the unpainted planes", note=_UNPAINTED)
    distance = tables.table_of_methods(
        results, "average_hausdorff_mm", "Average Hausdorff distance (mm)", tables.as_mm, best=min, note=_ALL_PLANES
    )
    comparable = results.on_common_cases()
    parts = [dice] if comparable is None else [dice, _table_of_common_cases(comparable)]
    yield Section("Dice", parts)
    yield Section("Learning curves", list(filter(None, [learning_curves(results)])))
    yield Section("Distances and unpainted planes", [distance, unpainted])
    times = [
        table(results, measure, f"{unit} to {what}")
        for measure, unit in (("seconds", "Seconds"), ("processor_s", "Processor seconds"))
        for table, what in ((tables.table_of_selector_times, "select"), (tables.table_of_predictor_times, "predict"))
    ]
    yield Section("What painting costs", list(filter(None, [table_of_costs(results)])))
    yield Section("Times", [_TIMES, *times])


def _table_of_common_cases(results: Results) -> Table:
    title = f"The {len(results.cases)} cases that all of these methods have"
    return tables.table_of_methods(results, "dice_all", title, note=_ALL_PLANES)


def _tests(results: Results, selectors: list[Comparison], predictors: list[Comparison]) -> Iterator[Section]:
    usual = results.selectors[0]
    against_usual = [one for one in selectors if one.first.selector == usual]
    between = [one for one in predictors if one.fixed == usual]
    if between:
        title = f"On the planes of {usual}"
        table = tables.table_of_comparisons(title, between, results.fractions, lambda method: method.predictor)
        yield Section("Do predictors differ?", [_HOLM.format("selector"), table])
    if against_usual:
        parts = [
            tables.table_of_comparisons(
                f"With {predictor}",
                [one for one in against_usual if one.fixed == predictor],
                results.fractions,
                lambda method: method.selector,
            )
            for predictor in results.predictors
            if any(one.fixed == predictor for one in against_usual)
        ]
        yield Section("Do selectors differ?", [_HOLM.format("predictor"), *parts])
