"""The tables of a report."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence

from ..grid.methods import FULL
from .comparisons import SIGNIFICANT, Comparison
from .document import Cell, Table
from .results import Method, Results, Spread, percent

Format = Callable[[Spread], str]
NOTHING = Cell("\N{EN DASH}")
_MINUS = "\N{MINUS SIGN}"
_FEWER = "; in brackets their number, where there are fewer"


def as_dice(spread: Spread) -> str:
    """0.788 ± 0.120."""
    return f"{spread.mean:.3f} ± {spread.deviation:.3f}"


def as_mm(spread: Spread) -> str:
    """1.14 ± 0.76."""
    return f"{spread.mean:.2f} ± {spread.deviation:.2f}"


def as_seconds(spread: Spread) -> str:
    """As many digits as mean something."""
    digits = 3 if spread.mean < 0.1 else 2 if spread.mean < 1 else 1 if spread.mean < 100 else 0
    return f"{spread.mean:.{digits}f} ± {spread.deviation:.{digits}f}"


def table_of_methods(
    results: Results, measure: str, title: str, form: Format = as_dice, *, best: Callable = max, note: str = ""
) -> Table:
    """Predictors with selectors against fractions: mean ± standard deviation over the cases.

    The best selector of each predictor is strong, the best of a column marked; methods that lack cases which others
    have are neither, and say how many they have.
    """
    spreads = {
        (method, fraction): Spread.of(results.per_case(method, fraction, measure).values())
        for method in results.methods
        for fraction in results.fractions
    }
    most = max((spread.count for spread in spreads.values() if spread), default=0)
    complete = {key: spread for key, spread in spreads.items() if spread and spread.count == most}
    top: dict[tuple, float] = {}
    for (method, fraction), spread in complete.items():
        for group in ((fraction,), (method.predictor, fraction)):
            top[group] = best(top.get(group, spread.mean), spread.mean)

    def cell(method: Method, fraction: float) -> Cell:
        spread = spreads[method, fraction]
        if spread is None:
            return NOTHING
        if spread.count < most:
            return Cell(f"{form(spread)} ({spread.count})")
        strong = top[method.predictor, fraction] == spread.mean
        return Cell(form(spread), strong, top[(fraction,)] == spread.mean)

    rows = [
        [Cell(method.predictor), Cell(method.selector), *(cell(method, one) for one in results.fractions)]
        for method in results.methods
    ]
    header = ["predictor", "selector", *map(percent, results.fractions)]
    cases = f"Mean ± standard deviation over {most} cases{_FEWER if len(complete) < len(spreads) else ''}."
    return Table(title, header, rows, f"{cases} {note}".strip(), labels=2)


def table_of_selector_times(results: Results, measure: str, title: str) -> Table:
    """What a selection takes; each counted once, whatever predictors use it."""
    values: dict[tuple[str, float], dict[tuple, float]] = defaultdict(dict)
    for row in results.done:
        if row["selector"] != FULL:
            values[row["selector"], row["fraction"]][row["case_name"], row["seed"]] = row[f"{measure}_select"]
    rows = [
        [Cell(selector), *(_cell(values[selector, one].values(), as_seconds) for one in results.fractions)]
        for selector in results.selectors
    ]
    return Table(title, ["selector", *map(percent, results.fractions)], rows)


def table_of_predictor_times(results: Results, measure: str, title: str) -> Table:
    """What a prediction takes, whatever selector chose the planes."""
    values: dict[tuple[str, float], list[float]] = defaultdict(list)
    for row in results.done:
        if row["selector"] != FULL:
            values[row["predictor"], row["fraction"]].append(row[f"{measure}_predict"])
    rows = [
        [Cell(predictor), *(_cell(values[predictor, one], as_seconds) for one in results.fractions)]
        for predictor in results.predictors
    ]
    return Table(title, ["predictor", *map(percent, results.fractions)], rows)


def table_of_baseline(results: Results) -> Table | None:
    """What predictors that are given all planes make of them; None if that was not evaluated."""
    rows = []
    for predictor in results.predictors:
        method = Method(predictor, FULL)
        if results.rows_of(method, 1.0):
            dice, distance = (
                _cell(results.per_case(method, 1.0, measure).values(), form)
                for measure, form in (("dice_all", as_dice), ("average_hausdorff_mm", as_mm))
            )
            rows.append([Cell(predictor), dice, distance, Cell(str(len(results.per_case(method, 1.0, "dice_all"))))])
    if not rows:
        return None
    header = ["predictor", "Dice", "average Hausdorff (mm)", "cases"]
    return Table(
        "Given all planes", header, rows, "An upper bound for networks; interpolation copies what it is given."
    )


def table_of_settings(all_results: Results) -> Table:
    """Axes, crops and the like side by side, for the usual selector at the usual fraction."""
    parts = {setting: all_results.of_setting(setting) for setting in all_results.settings}
    rows = []
    for method in all_results.methods:
        cells = [
            _cell(part.per_case(method, all_results.usual_fraction, "dice_all").values(), as_dice)
            for part in parts.values()
        ]
        rows.append([Cell(method.predictor), Cell(method.selector), *cells])
    header = ["predictor", "selector", *(setting.title for setting in parts)]
    return Table(f"Dice at {percent(all_results.usual_fraction)}", header, rows, labels=2)


def table_of_comparisons(title: str, comparisons: Sequence[Comparison], fractions: Iterable[float], name) -> Table:
    """Mean differences with corrected p, a row a pair; `name` says what of a method to show."""
    pairs: dict[tuple, dict[float, Comparison]] = defaultdict(dict)
    for one in comparisons:
        pairs[one.first, one.second][one.fraction] = one
    fractions = list(fractions)
    rows = [
        [Cell(f"{name(first)} {_MINUS} {name(second)}"), *(_difference(found.get(fraction)) for fraction in fractions)]
        for (first, second), found in pairs.items()
    ]
    return Table(title, ["difference", *map(percent, fractions)], rows)


def _difference(comparison: Comparison | None) -> Cell:
    if comparison is None:
        return NOTHING
    p = comparison.p_corrected
    shown = "p < .001" if p < 0.001 else f"p = {p:.3f}".replace("0.", ".", 1) if p < 1 else "p = 1"
    return Cell(f"{comparison.difference:+.3f} ({shown})", strong=p < SIGNIFICANT)


def table_of_classes(results: Results, selector: str, fraction: float) -> Table:
    """Dice of every class with every predictor; classes are told apart by their names."""
    values: dict[tuple[str, str], dict[str, list[float]]] = defaultdict(lambda: defaultdict(list))
    for predictor in results.predictors:
        for row in results.rows_of(Method(predictor, selector), fraction):
            for value, dice in row["dice_per_class"].items():
                if dice is not None:
                    values[row["class_names"][value], predictor][row["case_name"]].append(dice)
    classes = list(dict.fromkeys(name for name, _ in values))
    rows = []
    for name in classes:
        per_predictor = [
            Spread.of(sum(found) / len(found) for found in values.get((name, predictor), {}).values())
            for predictor in results.predictors
        ]
        cases = max((spread.count for spread in per_predictor if spread), default=0)
        rows.append([Cell(name), Cell(str(cases)), *_row_of_best(per_predictor, cases)])
    title = f"Dice of every class, {selector}, {percent(fraction)}"
    return Table(title, ["class", "cases", *results.predictors], rows)


def table_of_cases(results: Results, selector: str, fraction: float) -> Table:
    """Dice of every case with every predictor."""
    columns = [results.per_case(Method(predictor, selector), fraction, "dice_all") for predictor in results.predictors]
    rows = []
    for case in results.cases:
        found = [column.get(case) for column in columns]
        top = max((value for value in found if value is not None), default=None)
        cells = [NOTHING if value is None else Cell(f"{value:.3f}", strong=value == top) for value in found]
        if top is not None:
            rows.append([Cell(case), *cells])
    return Table(f"Dice of every case, {selector}, {percent(fraction)}", ["case", *results.predictors], rows)


def _row_of_best(spreads: Sequence[Spread | None], cases: int) -> list[Cell]:
    top = max((spread.mean for spread in spreads if spread and spread.count == cases), default=None)
    cells = []
    for spread in spreads:
        if spread is None:
            cells.append(NOTHING)
        else:
            text = as_dice(spread) if spread.count == cases else f"{as_dice(spread)} ({spread.count})"
            cells.append(Cell(text, strong=spread.count == cases and spread.mean == top))
    return cells


def table_of_failures(failed: Sequence[dict]) -> Table:
    """What failed, put together by its reason."""
    groups: dict[tuple[str, str], list[dict]] = defaultdict(list)
    for row in failed:
        groups[f"{row['predictor']}, {row['selector']}", row["message"]].append(row)
    rows = [
        [
            Cell(method),
            Cell(message),
            Cell(", ".join(sorted({row["case_name"] for row in found}))),
            Cell(str(len(found))),
        ]
        for (method, message), found in sorted(groups.items())
    ]
    return Table("What failed", ["method", "reason", "cases", "results"], rows, labels=3)


def _cell(values: Iterable[float], form: Format) -> Cell:
    spread = Spread.of(values)
    return NOTHING if spread is None else Cell(form(spread))
