"""The floors of the library and of the Slicer module, from the imports, and their picture on docs/design/design.md.

python Testing/Python/floors.py        draws the picture anew; test_architecture.py fails where it is out of date
"""

import ast
from collections.abc import Iterator, Mapping
from pathlib import Path

from layered import svg

ROOT = Path(__file__).resolve().parents[2]
MODULE = ROOT / "SparseAnnotate"
LIBRARY, SLICER = "SparseAnnotateLib", "SparseAnnotateSlicer"
PICTURE = ROOT / "docs" / "pictures" / "floors.svg"

# From the ground up. A file may import what stands on its own floor or below, wherever in the file it does so.
FLOORS = (
    (
        *(
            "errors",
            "options",
            "registry",
            "device",
            "environment",
            "volume",
            "label_map",
            "known_voxels",
            "annotation",
        ),
        *("structures", "cut_ends", "same_grid", "prediction", "initial"),
    ),
    (
        "distances",
        "interpolation",
        "residuals",
        "corrections",
        "several_models",
        "metrics",
        "postprocess",
        "io",
        "completeness",
    ),
    ("learning", "quality"),
    ("cohort",),
    ("predictors",),
    ("selectors",),
    ("jobs",),
    ("evaluation",),
    ("commands", "cli"),
)
FLOOR = {unit: number for number, floor in enumerate(FLOORS) for unit in floor}
# Floors whose many small files are one box of the picture.
_TOGETHER = {0: "ground", 1: "measures"}


def name_of(path: Path) -> str:
    """A file as it is imported; a package by its folder."""
    parts = path.relative_to(MODULE).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def files_of(package: str) -> dict[str, Path]:
    return {name_of(path): path for path in sorted((MODULE / package).rglob("*.py"))}


def unit_of(name: str) -> str:
    """The floor's member that a file belongs to; empty for what shows the whole package to users."""
    return [*name.split("."), ""][1]


def imports_of(source: str, package: str) -> Iterator[str]:
    """Absolute names of all that a file imports: at its top, inside functions, and for types only."""
    within = package.split(".")
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = within[: len(within) - node.level + 1] if node.level else []
            module = ".".join([*base, *filter(None, [node.module])])
            yield module
            yield from (f"{module}.{alias.name}" for alias in node.names)


def graph_of(files: Mapping[str, Path]) -> dict[str, set[str]]:
    """For each file the files that it imports; a package counts where a name is taken from it, not on the way."""
    graph = {}
    for name, path in files.items():
        package = name if path.name == "__init__.py" else name.rpartition(".")[0]
        found = [one for one in imports_of(path.read_text(encoding="utf-8"), package) if one in files]
        graph[name] = {one for one in found if one != name and not _on_the_way(one, found, name)}
    return graph


def _on_the_way(package: str, found: list[str], name: str) -> bool:
    """`from .package import file` names the package too, and the file's own packages are loaded before it anyway."""
    return name.startswith(f"{package}.") or any(one.startswith(f"{package}.") for one in found)


def arrows_up(graph: Mapping[str, set[str]]) -> list[str]:
    """What imports what stands above it."""
    pairs = [(one, other) for one, others in graph.items() for other in sorted(others)]
    known = [(one, other) for one, other in pairs if unit_of(one) and unit_of(other)]
    return [f"{one} -> {other}" for one, other in known if FLOOR[unit_of(one)] < FLOOR[unit_of(other)]]


def circle_in(graph: Mapping[str, set[str]]) -> list[str]:
    """The members of a circle, in order; empty without."""
    done: set[str] = set()

    def walk(name: str, way: list[str]) -> list[str]:
        if name in way:
            return [*way[way.index(name) :], name]
        if name in done:
            return []
        found = next((circle for one in sorted(graph.get(name, ())) if (circle := walk(one, [*way, name]))), [])
        done.add(name)
        return found

    return next((circle for name in sorted(graph) if (circle := walk(name, []))), [])


def packages_of(graph: Mapping[str, set[str]]) -> dict[str, set[str]]:
    """For each package the packages that its files import, but for those that it is in and those inside it."""
    files = files_of(LIBRARY)
    package = {name: name if files[name].name == "__init__.py" else name.rpartition(".")[0] for name in graph}
    found: dict[str, set[str]] = {}
    for name, others in graph.items():
        mine = package[name]
        theirs = {package[one] for one in others} - {mine}
        found.setdefault(mine, set()).update(
            one for one in theirs if not one.startswith(f"{mine}.") and not mine.startswith(f"{one}.")
        )
    return found


def picture() -> str:
    """The floors as SVG; an arrow is an import that no other way stands for."""
    library, slicer = graph_of(files_of(LIBRARY)), graph_of(files_of(SLICER))
    boxes = {_box(unit): _text(number, floor, unit) for number, floor in enumerate(FLOORS) for unit in floor}
    arrows = {(_box(unit_of(one)), _box(unit_of(other))) for one, others in library.items() for other in others}
    for name, path in files_of(SLICER).items():
        mine = unit_of(name)
        if not mine:
            continue
        boxes.setdefault(f"slicer_{mine}", ["Slicer:", mine])
        arrows |= {(f"slicer_{mine}", f"slicer_{unit_of(other)}") for other in slicer[name]}
        for one in imports_of(path.read_text(encoding="utf-8"), name):
            if one.startswith(f"{LIBRARY}.") and unit_of(one) in FLOOR:
                arrows.add((f"slicer_{mine}", _box(unit_of(one))))
    arrows = {(one, other) for one, other in arrows if one != other and one in boxes and other in boxes}
    return svg(boxes, _needed(arrows))


def _box(unit: str) -> str:
    return _TOGETHER.get(FLOOR.get(unit, -1), unit)


def _text(number: int, floor: tuple[str, ...], unit: str) -> list[str]:
    if number not in _TOGETHER:
        return [unit]
    middle = -(-len(floor) // 2)
    return [", ".join(part) for part in (floor[:middle], floor[middle:])]


def _needed(arrows: set[tuple[str, str]]) -> set[tuple[str, str]]:
    """The arrows without those that a longer way stands for."""
    graph: dict[str, set[str]] = {}
    for one, other in arrows:
        graph.setdefault(one, set()).add(other)

    def reached(name: str) -> set[str]:
        return set().union(*({one} | reached(one) for one in graph.get(name, ())))

    return {(one, other) for one, other in arrows if not any(other in reached(way) for way in graph[one] - {other})}


if __name__ == "__main__":
    PICTURE.write_text(picture(), encoding="utf-8")
