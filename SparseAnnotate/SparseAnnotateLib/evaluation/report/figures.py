"""The curves of a report, as SVG."""

from __future__ import annotations

import io
import re
from collections.abc import Sequence

import numpy as np

from .document import Figure
from .expected import expected_and_true
from .results import Method, Results, Spread

# Okabe and Ito's palette, which stays apart for colour-blind readers, without its yellow; then markers tell.
_COLORS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#56b4e9", "#e69f00", "#000000", "#7f7f7f", "#a6761d", "#7570b3")
_MARKERS = "osD^vPX*<>"
_COLUMNS = 3
# So many points of a cloud are drawn as a picture: as shapes they would be half of the page.
_MANY = 1000


def learning_curves(results: Results) -> Figure | None:
    """Mean Dice over the fraction: a panel a predictor with its selectors, and one with all predictors."""
    if len(results.fractions) < 2:
        return None
    panels = [(f"{one}, by selector", [m for m in results.methods if m.predictor == one]) for one in results.predictors]
    usual = [method for method in results.methods if method.selector == results.selectors[0]]
    if len(usual) > 1:
        panels.append((f"{results.selectors[0]}, by predictor", usual))
    panels = [(title, methods) for title, methods in panels if len(methods) > 1] or panels[:1]
    figure, axes = _panels(len(panels))
    for number, (title, methods) in enumerate(panels):
        by_predictor = title.endswith("by predictor")
        _curves(axes[number], results, methods, by_predictor)
        axes[number].set_title(title, fontsize=10)
    return Figure(
        "Mean Dice of all planes over the share of painted planes",
        _svg(figure, "curves"),
        "Dashed: not all cases were run.",
    )


def expected_against_true(results: Results) -> Figure | None:
    """A cloud of points a predictor, one a result; None where none of them expects anything."""
    clouds = {one: expected_and_true(results, one) for one in results.predictors}
    clouds = {predictor: pairs for predictor, pairs in clouds.items() if len(pairs)}
    if not clouds:
        return None
    figure, axes = _panels(len(clouds), square=True)
    for ax, (predictor, pairs) in zip(axes, clouds.items(), strict=False):
        low = max(0.0, float(pairs.min()) - 0.03)
        ax.plot([low, 1], [low, 1], color="#888888", linewidth=1)
        ax.plot(
            pairs[:, 1],
            pairs[:, 0],
            "o",
            color=_COLORS[0],
            markersize=3,
            alpha=0.5,
            markeredgewidth=0,
            rasterized=len(pairs) > _MANY,
        )
        ax.set(xlabel="true Dice", ylabel="expected Dice", xlim=(low, 1.005), ylim=(low, 1.005), aspect="equal")
        ax.set_title(predictor, fontsize=10)
        ax.grid(alpha=0.3)
    return Figure("By predictor", _svg(figure, "expected"), "A point a result; on the line it was right.")


def _curves(ax, results: Results, methods: Sequence[Method], by_predictor: bool) -> None:
    most = len(results.cases)
    order = results.predictors if by_predictor else results.selectors
    for method in methods:
        points = [
            (100 * fraction, spread)
            for fraction in results.fractions
            if (spread := Spread.of(results.per_case(method, fraction, "dice_all").values()))
        ]
        number = order.index(method.predictor if by_predictor else method.selector)
        complete = all(spread.count == most for _, spread in points)
        ax.plot(
            [fraction for fraction, _ in points],
            [spread.mean for _, spread in points],
            color=_COLORS[number % len(_COLORS)],
            marker=_MARKERS[number % len(_MARKERS)],
            linestyle="-" if complete else "--",
            markersize=4,
            linewidth=1.3,
            label=method.predictor if by_predictor else method.selector,
        )
    ax.set(xlabel="planes painted (%)", ylabel="Dice")
    ax.grid(alpha=0.3)
    ax.legend(fontsize=7.5, loc="best")


def _panels(count: int, *, square: bool = False):
    # Made without pyplot, which would take over the program's display.
    from matplotlib.figure import Figure as Canvas

    columns = min(count, _COLUMNS)
    rows = -(-count // columns)
    figure = Canvas(figsize=(3.4 * columns, (3.2 if square else 2.7) * rows), layout="constrained")
    axes = np.ravel(figure.subplots(rows, columns, squeeze=False)).tolist()
    for unused in axes[count:]:
        unused.set_axis_off()
    return figure, axes


def _svg(figure, name: str) -> str:
    """The SVG element alone; its identifiers begin with `name`, since a page holds several."""
    import matplotlib as mpl
    from matplotlib.backends.backend_svg import FigureCanvasSVG

    text = io.StringIO()
    with mpl.rc_context({"svg.fonttype": "none", "svg.hashsalt": name, "font.family": "sans-serif"}):
        FigureCanvasSVG(figure).print_svg(text, metadata={"Date": None, "Creator": None})
    svg = text.getvalue()
    svg = re.sub(r"<metadata>.*?</metadata>", "", svg[svg.index("<svg") :], flags=re.DOTALL)
    return re.sub(r'(id="|url\(#|href="#)', rf"\g<1>{name}-", svg)
