"""The results, their means and the tests as tables for other programs."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterable, Sequence
from typing import Any

from . import costs
from .comparisons import Comparison
from .results import Results, Spread

MEASURES = ("dice_all", "dice_unpainted", "average_hausdorff_mm", "hausdorff95_mm", "hausdorff_mm", "assd_mm")
_COLUMNS = (
    *("case_name", "selector", "predictor", "fraction", "fraction_of", "seed", "axis", "state"),
    *MEASURES,
    *(
        "dice_per_class",
        "expected_dice",
        "expected_dice_interval",
        "warnings",
        "seconds_select",
        "seconds_predict",
        "processor_s_select",
        "processor_s_predict",
        "peak_memory_mb",
        "device",
        *costs.MEASURES,
    ),
    *("range", "planes_painted", "view", "shape", "spacing_mm", "crop", "selector_options", "predictor_options"),
    *("message", "versions", "case_hash", "image", "key"),
)


def csv_of_results(results: Results) -> str:
    """A line a result, the failed ones too."""
    return _csv(_COLUMNS, ([_text(row.get(name)) for name in _COLUMNS] for row in [*results.done, *results.failed]))


def csv_of_means(results: Results) -> str:
    """A line for each method, fraction and setting: mean, standard deviation and number of cases of each measure."""
    times = ("seconds_select", "seconds_predict", "processor_s_select", "processor_s_predict")
    measures = (*MEASURES, *times, *costs.MEASURES)
    header = ["setting", "predictor", "selector", "fraction"]
    header += [f"{name} {what}" for name in measures for what in ("mean", "sd", "cases")]
    lines = []
    for setting in results.settings:
        part = results.of_setting(setting)
        for method in part.methods:
            for fraction in part.fractions:
                spreads = [Spread.of(part.per_case(method, fraction, name).values()) for name in measures]
                if any(spreads):
                    numbers = [number for spread in spreads for number in (spread or ("", "", 0))]
                    lines.append([setting.title, *method, fraction, *numbers])
    return _csv(header, lines)


def csv_of_comparisons(comparisons: Iterable[tuple[str, Comparison]]) -> str:
    """A line a test; the first of each pair names the setting."""
    header = ["setting", "with the same", "first", "second", "fraction", "cases", "mean difference", "better", "worse"]
    lines = ([setting, *_columns_of(one)] for setting, one in comparisons)
    return _csv([*header, "p", "p, Holm"], lines)


def _columns_of(one: Comparison) -> tuple:
    methods = one.fixed, " / ".join(one.first), " / ".join(one.second)
    return (*methods, one.fraction, one.cases, one.difference, one.wins, one.losses, one.p, one.p_corrected)


def _csv(header: Sequence[str], lines: Iterable[Sequence[Any]]) -> str:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(header)
    writer.writerows(lines)
    return text.getvalue()


def _text(value: Any) -> Any:
    return json.dumps(value) if isinstance(value, (dict, list, tuple)) else value
