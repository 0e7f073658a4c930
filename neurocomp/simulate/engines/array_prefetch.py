"""The time until results are back in DRAM: SCALE-Sim 3.0's double-buffered scratchpads in its free-bandwidth mode.

That mode lets the array run without stalls and asks how early the first operands must be fetched and how long the last
results take to drain; both bring ``Total Cycles (incl. prefetch)``. Half of each buffer works while the other half is
filled or emptied. Operands are fetched in hundredths of a buffer. Results are written as lines of one value per
column; when half of the buffer is full it is emptied at a line per cycle, and the line at which that happens is
closed early.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from itertools import accumulate

from neurocomp.errors import bad_input
from neurocomp.simulate.engines.array import SystolicWork

SETS = 100  # a buffer is fetched in so many parts
WORKING_SETS = 50  # half of them at a time


@dataclass(frozen=True)
class Scratchpads:
    """Sizes in values (SCALE-Sim's words of one byte). fetch_per_cycle: values per cycle and operand from DRAM."""

    input_values: int = 64 * 1024
    weight_values: int = 64 * 1024
    output_values: int = 64 * 1024
    fetch_per_cycle: int = 10


def cycles_with_prefetch(work: SystolicWork, pads: Scratchpads | None = None) -> int:
    """From the first fetch to the last result in DRAM. Raises InputError for buffers that cannot be divided."""
    pads = pads or Scratchpads()
    if min(pads.input_values, pads.weight_values) < SETS or pads.output_values < 2 or pads.fetch_per_cycle < 1:
        raise bad_input("array", f"{pads}", f"operands come in {SETS} parts, results leave in two halves")
    first_input, first_weight = _first_requests(work)
    start = max(
        _fetch_cycles(work.product.inputs, pads.input_values, pads.fetch_per_cycle, first_input),
        _fetch_cycles(work.product.weights, pads.weight_values, pads.fetch_per_cycle, first_weight),
    )
    return start + _drained(work, pads.output_values)


def _first_requests(work: SystolicWork) -> tuple[int, int]:
    """Cycles in which the array first asks for an input and for a weight. A stationary operand is loaded from the
    bottom row upwards, so that empty rows come first; the moving one follows it."""
    array, product = work.array, work.product
    empty_rows = max(0, array.rows - product.k)
    if array.dataflow == "weight_stationary":
        return array.rows, empty_rows
    if array.dataflow == "input_stationary":
        return empty_rows, array.rows
    return 0, 0


def _fetch_cycles(values: int, buffer: int, per_cycle: int, first_request: int) -> int:
    """How many cycles before cycle 0 the first fetch starts. An operand of less than half a buffer is there at cycle
    0; of a larger one, half a buffer is there just before the array asks for it."""
    part = buffer // SETS
    if values >= WORKING_SETS * part:
        return -(-WORKING_SETS * part // per_cycle) - first_request
    return -(-(-(-values // part) * part) // per_cycle)


def _drained(work: SystolicWork, buffer: int) -> int:
    """Cycle in which the last line leaves for DRAM."""
    schedule = _Schedule(work)
    lines = _Lines(work.array.columns)
    drain_size = buffer // 2
    free, busy_until, written = buffer, 0, 0
    while True:
        # the next value that finds the drain idle and half of the buffer full, after it is stored
        at = max(written + max(0, free - (buffer - drain_size)), schedule.first_at(busy_until))
        if at >= schedule.values:
            break
        lines.add(at + 1 - written)
        free -= at + 1 - written
        written = at + 1
        moved, cycles = lines.take(-(-drain_size // work.array.columns))
        free += moved
        busy_until = schedule.cycle_of(at) + cycles - 1
    lines.add(schedule.values - written)
    left = lines.take(len(lines))[1]
    return max(busy_until, work.last_cycle + left - 1)


class _Lines:
    """Lines that wait in the buffer; a line that was closed early holds fewer values than there are columns."""

    def __init__(self, columns: int) -> None:
        self.columns = columns
        self.runs: deque[list[int]] = deque()  # [full lines, values of the line closed after them]

    def __len__(self) -> int:
        return sum(full + (part > 0) for full, part in self.runs)

    def add(self, values: int) -> None:
        """Write so many values and close the line."""
        if values:
            self.runs.append(list(divmod(values, self.columns)))

    def take(self, most: int) -> tuple[int, int]:
        """(values, lines) that leave. Values are counted as SCALE-Sim counts them: only the last line of a drain may
        be short, a short line before it counts as full."""
        taken = last = 0
        while self.runs and taken < most:
            run = self.runs[0]
            full = min(run[0], most - taken)
            taken, run[0], last = taken + full, run[0] - full, self.columns
            if run[0]:
                break
            if run[1]:
                if taken == most:
                    break
                taken, last = taken + 1, run[1]
            self.runs.popleft()
        return (taken - 1) * self.columns + last if taken else 0, taken


class _Schedule:
    """When each value is written. Those of one fold leave along diagonals: value (i, j) in cycle ``start + i + j``."""

    def __init__(self, work: SystolicWork) -> None:
        array, product = work.array, work.product
        self.work = work
        across = product.m if array.dataflow == "input_stationary" else product.n
        columns = [min(array.columns, across - c) for c in range(0, across, array.columns)]
        self.shapes = [(self._length(row), used) for used in columns for row in range(work.row_folds)]
        self.ends = list(accumulate(length * used for length, used in self.shapes))
        self.values = self.ends[-1]

    def _length(self, row_fold: int) -> int:
        """Values that one column writes in a fold."""
        product, rows = self.work.product, self.work.array.rows
        if self.work.array.dataflow == "output_stationary":
            return min(rows, product.m - row_fold * rows)
        return product.m if self.work.array.dataflow == "weight_stationary" else product.n

    def _start(self, length: int) -> int:
        array = self.work.array
        if array.dataflow == "output_stationary":  # rows that are not in use leave first, empty
            return self.work.product.k - 1 + array.rows - length
        return 2 * array.rows - 1

    def cycle_of(self, value: int) -> int:
        fold = bisect_right(self.ends, value)
        length, used = self.shapes[fold]
        within = value - (self.ends[fold - 1] if fold else 0)
        diagonal = _first(lambda d: _up_to(length, used, d) > within, length + used - 1)
        return fold * self.work.fold_cycles + self._start(length) + diagonal

    def first_at(self, cycle: int) -> int:
        """The first value that is written in this cycle or later."""
        fold = cycle // self.work.fold_cycles
        if fold >= len(self.shapes):
            return self.values
        length, used = self.shapes[fold]
        diagonal = cycle - fold * self.work.fold_cycles - self._start(length)
        before = _up_to(length, used, min(diagonal - 1, length + used - 2)) if diagonal > 0 else 0
        return (self.ends[fold - 1] if fold else 0) + before


def _up_to(length: int, used: int, diagonal: int) -> int:
    """Pairs (i < length, j < used) with i + j <= diagonal."""
    d = diagonal + 1
    beyond = [max(0, d - length), max(0, d - used), max(0, d - length - used)]
    triangle = [x * (x + 1) // 2 for x in (d, *beyond)]
    return triangle[0] - triangle[1] - triangle[2] + triangle[3]


def _first(holds: Callable[[int], bool], count: int) -> int:
    """The first of 0..count-1 for which ``holds``, which is false, then true."""
    return bisect_left(range(count), True, key=holds)
