"""The links of every route, walked hop by hop: X first, then Y, from the source to each packet's core.

All packets of a few classes take one hop at a time, those with the longest way first in line, so that the ones still
under way are always the first ones. How often each class uses each link is then compared with what its route lists.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from neurocomp.mapping.check.classes import ClassHomes, class_homes
from neurocomp.mapping.program import Program

_PACKETS = 20_000  # walked at once
_SPARSE = 4  # numbers are sorted, not counted, if there are more (class, link) pairs than this for each link in use,
_SPREAD = 64  # and not marked if there are more than this


def walked_routes(program: Program, homes: ClassHomes | None = None) -> Iterator[tuple[str, str]]:
    """(place, finding) where hops or links of the routes differ from a walk. homes: ``class_homes``, if known."""
    routes, noc = program.routes, program.chip.noc
    source = _routers(program, class_homes(program) if homes is None else homes)
    slots, base = 4 * noc.routers * program.chips[0] * program.chips[1], 0
    while base < routes.classes:
        end = int(np.searchsorted(routes.packet_ptr, routes.packet_ptr[base] + _PACKETS, side="right")) - 1
        end = min(max(end, base + 1), routes.classes)
        first, last = int(routes.packet_ptr[base]), int(routes.packet_ptr[end])
        of_packet = np.repeat(np.arange(end - base), np.diff(routes.packet_ptr[base : end + 1]))
        hops_x, hops_y, walked = _walk(program, source[base:end][of_packet], routes.packet_core[first:last], of_packet)
        for name, hops in (("packet_hops_x", hops_x), ("packet_hops_y", hops_y)):
            wrong = int((hops != getattr(routes, name)[first:last]).sum())
            if wrong:
                yield name, f"{wrong} of {last - first} packets have another number of hops than their way has"
        stored = np.repeat(np.arange(end - base) * slots, np.diff(routes.link_ptr[base : end + 1]))
        stored += routes.link_id[routes.link_ptr[base] : routes.link_ptr[end]]
        found = _differing(walked, stored, (end - base) * slots, noc.multicast == "tree")
        if found is not None:
            where = f"classes {base} to {end - 1}"
            yield where, f"{stored.size} links do not join packets to their source; a walk takes {found}"
        base = end


def _differing(walked: np.ndarray, stored: np.ndarray, end: int, once: bool) -> int | None:
    """How many numbers should be stored, if they are not those walked, in any order; None if they are. once: a number
    that is walked several times is stored once. All are below ``end``."""
    if once and end <= _SPREAD * stored.size:
        expected, given = np.zeros(end, bool), np.zeros(end, bool)
        expected[walked] = given[stored] = True
        count = int(np.count_nonzero(expected))
        return None if stored.size == count and np.array_equal(expected, given) else count
    if end <= _SPARSE * stored.size:
        expected, given = np.bincount(walked, minlength=end), np.bincount(stored, minlength=end)
        return None if np.array_equal(expected, given) else int(expected.sum())
    walked = np.sort(walked)
    walked = walked[np.diff(walked, prepend=-1) > 0] if once else walked
    return None if np.array_equal(walked, np.sort(stored)) else walked.size


def _routers(program: Program, homes: ClassHomes) -> np.ndarray:
    """int64 per class: the router that its spikes leave from."""
    noc, core = program.chip.noc, homes.cores(program)
    port = noc.input_port[1] * noc.width * program.chips[0] + noc.input_port[0]
    return np.where(core >= 0, core // noc.cores_per_router, port)


def _walk(
    program: Program, source: np.ndarray, cores: np.ndarray, number: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """(hops along x, hops along y, every use of a link as number of the packet's class * links + link)."""
    noc = program.chip.noc
    width, height = noc.width * program.chips[0], noc.height * program.chips[1]
    goal, torus = cores.astype(np.int64) // noc.cores_per_router, noc.topology != "mesh"
    y, x, to_y, to_x = source // width, source % width, goal // width, goal % width
    number = number * (4 * width * height)
    along_x = _Axis(x, to_x, width, torus).hops(number + y * (4 * width), 4, (0, 1))
    along_y = _Axis(y, to_y, height, torus).hops(number + to_x * 4, 4 * width, (3, 2))
    return along_x[0], along_y[0], np.concatenate([number[:0], *along_x[1], *along_y[1]])


@dataclass(frozen=True, eq=False)
class _Axis:
    """Packets on their way along a row or a column of ``size`` routers."""

    at: np.ndarray
    to: np.ndarray
    size: int
    torus: bool

    def hops(self, base: np.ndarray, stride: int, directions: tuple[int, int]) -> tuple[np.ndarray, list[np.ndarray]]:
        """(hops of each packet, base + stride * place + direction of every hop). directions: forward and backward;
        round a torus the shorter way, forward if both are equal."""
        ahead = (self.to - self.at) % self.size
        forward = ahead * 2 <= self.size if self.torus else self.to > self.at
        left = np.where(forward, ahead, (self.at - self.to) % self.size)
        line = np.argsort((-left).astype(np.int16 if self.size < 1 << 15 else np.int64), kind="stable")
        line = line[: np.count_nonzero(left)]
        at, step = self.at[line], np.where(forward, 1, -1)[line]
        link, found = (base + np.where(forward, *directions))[line], []
        moving = line.size - np.searchsorted(left[line][::-1], np.arange(left.max(initial=0)), side="right")
        for count in moving.tolist():
            found.append(link[:count] + at[:count] * stride)
            at[:count] += step[:count]
            if self.torus:
                at[:count] %= self.size
        return left, found
