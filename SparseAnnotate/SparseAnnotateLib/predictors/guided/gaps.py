"""The walk through a volume, gap by gap between painted planes."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Container, Iterator, Sequence
from concurrent.futures import Executor, Future
from dataclasses import dataclass

from .carry import Carried
from .planes import PlaneResult, PlaneWorker
from .priors import Bracket
from .threads import worker_count

# Flows that are found before the planes are carried along them, at most.
STEPS_BYTES = 128 << 20

# Of what is carried, two flows a plane and way, at most, unless one gap alone takes more: gaps are begun ahead of time
# as far as that goes. (Of large planes with few painted ones two gaps would take 4 GB.)
CARRIED_BYTES = 1 << 30


@dataclass(frozen=True)
class Gap:
    """The planes between two painted planes; one of these is None before the first and after the last."""

    below: int | None
    above: int | None
    first: int
    last: int

    @property
    def inside(self) -> bool:
        return self.below is not None and self.above is not None

    def upward(self) -> range:
        """Planes that receive the painted plane below, the painted one above included."""
        return range(self.first, self.last + 1 + self.inside)

    def downward(self) -> range:
        """Planes that receive the painted plane above, the painted one below included."""
        return range(self.last, self.first - 1 - self.inside, -1)


def gaps_of(sources: list[int], plane_range: tuple[int, int]) -> list[Gap]:
    """All gaps in ascending order; the one between two painted planes next to each other is empty but counts."""
    first, last = plane_range
    gaps = [Gap(a, b, a + 1, b - 1) for a, b in itertools.pairwise(sources)]
    if sources[0] > first:
        gaps.insert(0, Gap(None, sources[0], first, sources[0] - 1))
    if sources[-1] < last:
        gaps.append(Gap(sources[-1], None, sources[-1] + 1, last))
    return gaps


def walk(
    worker: PlaneWorker, gaps: list[Gap], executor: Executor, planes: Container[int], learning: bool
) -> Iterator[PlaneResult]:
    """The results of `planes`, and with `learning` of all painted planes that can be left out, gap by gap.

    Gaps come in the order given; `in_order` puts results into that of the planes. What is carried through a gap is
    released with it: memory holds as many gaps as keep the cores busy. Results of a gap are waited for when the planes
    of the next one are under way, so that no core is idle at its end.
    """
    ahead = 1 + worker_count() // 2
    before: list[Future] = []
    recalled = _Recalled(worker, gaps, planes, learning)
    steps = _StepsAhead(worker, recalled.lacking, executor)
    carried: dict[int, tuple[Future | None, Future | None]] = {}
    arrivals = _Arrivals(worker.sources)
    for number, gap in enumerate(gaps):
        for later in _begun_with(gaps[number : number + ahead], number, worker.flow_bytes):
            if later not in carried:
                carried[later] = _start_carrying(worker, gaps[later], steps.of(gaps[later]), executor)
        upward, downward = ({} if future is None else future.result() for future in carried[number])
        started = [
            executor.submit(worker.predict, bracket, upward.get(z), downward.get(z), recalled.unpainted[z])
            for z, bracket in brackets_of(gap).items()
            if z in planes
        ]
        if gap.inside and learning:
            started += [
                executor.submit(worker.learn, bracket, *arrived, recalled.painted[bracket.plane])
                for bracket, arrived in arrivals.of(gap, downward.get(gap.below), upward.get(gap.above))
            ]
        carried[number] = (None, None)
        for future in before:
            yield future.result()
        before = started
    for future in before:
        yield future.result()


def _begun_with(gaps: Sequence[Gap], number: int, flow_bytes: int) -> Iterator[int]:
    """The numbers of the gaps that are begun with the first of them, which is `number`."""
    planes = 0
    for later, gap in enumerate(gaps, start=number):
        planes += len(gap.upward()) + len(gap.downward())
        if later > number and 2 * planes * flow_bytes > CARRIED_BYTES:
            return
        yield later


def brackets_of(gap: Gap) -> dict[int, Bracket]:
    """Of each plane in a gap."""
    return {z: Bracket(z, gap.below, gap.above) for z in range(gap.first, gap.last + 1)}


def left_out_brackets(sources: Sequence[int]) -> dict[int, Bracket]:
    """Of each painted plane between, or beyond, the other ones."""
    if len(sources) == 1:
        return {}
    beside = zip(sources, [None, *sources[:-1]], [*sources[1:], None], strict=True)
    return {z: Bracket(z, below, above) for z, below, above in beside}


class _Recalled:
    """What is remembered of the planes, and the gaps through which labels must be carried for what is not.

    Attributes
    ----------
    unpainted, painted : plane -> what is remembered of it, painted planes left out; None where nothing is
    lacking : the gaps
    """

    def __init__(self, worker: PlaneWorker, gaps: list[Gap], planes: Container[int], learning: bool):
        brackets = {z: b for gap in gaps for z, b in brackets_of(gap).items() if z in planes}
        self.unpainted = {z: worker.recalled(bracket) for z, bracket in brackets.items()}
        left_out = left_out_brackets(worker.sources) if learning else {}
        self.painted = {z: worker.recalled_left_out(bracket) for z, bracket in left_out.items()}
        self.lacking = [gap for gap in gaps if self._lacks(gap)]

    def _lacks(self, gap: Gap) -> bool:
        ends = [z for z in (gap.below, gap.above) if z in self.painted and gap.inside]
        return any(self.painted[z] is None for z in ends) or any(
            self.unpainted.get(z, self) is None for z in range(gap.first, gap.last + 1)
        )


class _StepsAhead:
    """The flows of gaps, begun as long before they are needed as memory allows.

    They are single calls of ten milliseconds that let go of the interpreter: while that is busy importing the trees,
    they go on, and patches hardly do.
    """

    def __init__(self, worker: PlaneWorker, gaps: list[Gap], executor: Executor):
        self._worker, self._gaps, self._executor = worker, gaps, executor
        self._planes_ahead = STEPS_BYTES // worker.flow_bytes
        self._begun: list[tuple[Future | None, Future | None]] = []

    def of(self, gap: Gap) -> tuple[Future | None, Future | None]:
        """Those of one gap, upward and downward, or None where none are needed; then they are no longer kept here."""
        if gap not in self._gaps:
            return None, None
        number = self._gaps.index(gap)
        planes = 0
        for later, gap in enumerate(self._gaps[number:], start=number):
            planes += len(gap.upward()) + len(gap.downward())
            if later > number and planes > self._planes_ahead:
                break
            if later == len(self._begun):
                self._begun.append(_both_ways(gap, self._executor, self._worker.steps))
        found, self._begun[number] = self._begun[number], (None, None)
        return found


def _both_ways(gap: Gap, executor: Executor, function: Callable) -> tuple[Future | None, Future | None]:
    """`function` of the painted plane below and the planes that receive it, and of the one above, where they are."""
    sides = (gap.below, gap.upward()), (gap.above, gap.downward())
    return tuple(None if source is None else executor.submit(function, source, targets) for source, targets in sides)


def _start_carrying(
    worker: PlaneWorker, gap: Gap, steps: tuple[Future | None, Future | None], executor: Executor
) -> tuple[Future | None, Future | None]:
    """Carrying both ways; executors begin what they were given first, so the steps are there or under way by then."""
    upward, downward = steps
    if upward is downward is None:
        return None, None

    def carry(source: int, targets: Sequence[int]) -> dict[int, Carried]:
        return worker.carry(source, targets, (upward if source == gap.below else downward).result())

    return _both_ways(gap, executor, carry)


class _Arrivals:
    """What is carried to painted planes from the painted ones before and after them, as it comes."""

    def __init__(self, sources: Sequence[int]):
        self._brackets = left_out_brackets(sources)
        self._before: dict[int, Carried | None] = {}
        self._after: dict[int, Carried | None] = {}

    def of(
        self, gap: Gap, from_above: Carried | None, from_below: Carried | None
    ) -> Iterator[tuple[Bracket, tuple[Carried | None, Carried | None]]]:
        """A gap between two painted planes was gone through: the painted planes that can now be left out."""
        self._after[gap.below], self._before[gap.above] = from_above, from_below
        for plane in (gap.below, gap.above):
            bracket = self._brackets[plane]
            if (bracket.below is None or plane in self._before) and (bracket.above is None or plane in self._after):
                yield bracket, (self._before.pop(plane, None), self._after.pop(plane, None))


def in_order(results: Sequence[PlaneResult], gaps: Sequence[Gap]) -> list[PlaneResult]:
    """As a walk through ascending gaps gives them, whatever the order in which they were gone through."""
    order: list[tuple[int, bool]] = []
    for gap in sorted(gaps, key=lambda gap: gap.first):
        order += [(plane, False) for plane in range(gap.first, gap.last + 1)]
        # Of a painted plane that is left out what comes from both sides is there after the gap above it.
        order += [(plane, True) for plane in (gap.below, gap.above) if gap.inside]
    places = {one: place for place, one in enumerate(order)}
    return sorted(results, key=lambda result: places[result.plane, result.labels is None])
