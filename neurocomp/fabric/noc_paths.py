"""Dual-path multicast (Lin and Ni, Multicast communication in multicomputer networks, IEEE TPDS 4(10), 1993).

The routers of a mesh lie on a snake: along the first row, back along the second, and so on. A sender divides its
destinations into those further along the snake and those behind it; each part is visited by one packet, in order of
the snake, which leaves a copy at each. From one destination to the next it takes the shortest way that never goes past
the next one on the snake, so that each part uses links of its own and packets cannot block each other. Packets with one
destination, and parts with one, go along x and then y as always; half the VCs are for them and half for the others.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from neurocomp.fabric.burst import Burst, BurstResult
from neurocomp.fabric.noc_routes import Routes
from neurocomp.fabric.topology import DIRECTIONS, EAST, NORTH, SOUTH, WEST, Mesh


@dataclass(frozen=True, eq=False)
class PathBurst:
    """A burst of one packet per path. packet, delivery: of the original burst, for each packet and delivery here."""

    burst: Burst
    routes: Routes
    packet: np.ndarray
    delivery: np.ndarray

    def restore(self, result: BurstResult, original: Burst) -> BurstResult:
        """The result in terms of the original burst; a packet is injected when the first of its parts is."""
        arrival = np.empty_like(result.arrival)
        arrival[self.delivery] = result.arrival
        return result.with_times(arrival, first_injection(original.packets, self.packet, result.inject))


def first_injection(packets: int, of: np.ndarray, inject: np.ndarray) -> np.ndarray:
    """int64 (packets): the first of the injections of several parts each; -1 if there was none."""
    first = np.full(packets, np.iinfo(np.int64).max)
    np.minimum.at(first, of[inject >= 0], inject[inject >= 0])
    return np.where(first == np.iinfo(np.int64).max, -1, first)


def place_on_snake(mesh: Mesh, router: np.ndarray) -> np.ndarray:
    """int64: the place of each router on the snake."""
    x, y = np.asarray(router, np.int64) % mesh.width, np.asarray(router, np.int64) // mesh.width
    return y * mesh.width + np.where(y % 2 == 0, x, mesh.width - 1 - x)


def dual_paths(mesh: Mesh, burst: Burst) -> PathBurst:
    """Divide a burst's packets into paths, and find the routes."""
    of = burst.packet_of_delivery
    here = place_on_snake(mesh, mesh.router_of(burst.source))[of]
    there = place_on_snake(mesh, mesh.router_of(burst.destination))
    goes_on = np.zeros(burst.packets, np.bool_)
    np.logical_or.at(goes_on, of, there > here)
    behind = (there < here) | ((there == here) & ~goes_on[of])  # the sender's own router is served on either way
    key = 2 * of + behind
    delivery = np.argsort(key, kind="stable")
    keys, starts = np.unique(key[delivery], return_index=True)
    packet = keys // 2
    parts = Burst(
        burst.release[packet], burst.source[packet], burst.flits[packet],
        np.append(starts, key.size), burst.destination[delivery],
        None if burst.traffic_class is None else burst.traffic_class[packet],
    )  # fmt: skip
    return PathBurst(parts, _routes(mesh, parts), packet, delivery)


def _routes(mesh: Mesh, parts: Burst) -> Routes:
    """The way to each delivery: along the path where its packet has several, else along x and then y."""
    of = parts.packet_of_delivery
    source, to = mesh.router_of(parts.source)[of].astype(np.int64), mesh.router_of(parts.destination).astype(np.int64)
    distance = np.abs(place_on_snake(mesh, to) - place_on_snake(mesh, source))
    order = np.lexsort((distance, of))  # as they are visited; still packet by packet
    is_first = np.diff(of, prepend=-1) > 0
    before = np.where(is_first, source, np.roll(to[order], 1))
    segment_pointer, links = _segments(mesh, before, to[order])
    start = segment_pointer[:-1][is_first][np.cumsum(is_first) - 1]
    begin, end = np.empty_like(start), np.empty_like(start)
    begin[order], end[order] = start, segment_pointer[1:]
    single = np.diff(parts.pointer)[of] == 1
    xy_pointer, xy_links = mesh.paths(source[single], to[single])
    begin[single], end[single] = links.size + xy_pointer[:-1], links.size + xy_pointer[1:]
    pointer = np.concatenate([[0], np.cumsum(end - begin)])
    at = np.arange(pointer[-1]) + np.repeat(begin - pointer[:-1], end - begin)
    return Routes(pointer, np.concatenate([links, xy_links])[at], at < links.size)


def _segments(mesh: Mesh, source: np.ndarray, to: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """(pointer, links) from each router to one that comes later on its packet's path.

    Along the column as far as the row of the next one, or, if its own column meets that row beyond it, to the row
    before, then along the row, then the last step.
    """
    x, y, to_x, to_y = source % mesh.width, source // mesh.width, to % mesh.width, to // mesh.width
    dx, dy = to_x - x, to_y - y
    eastward = (to_y % 2 == 0) == (dy >= 0)  # the direction in which the last row is walked
    late = (dy != 0) & np.where(eastward, dx < 0, dx > 0)
    first = np.abs(dy) - late
    length = np.abs(dx) + np.abs(dy)
    pointer = np.concatenate([[0], np.cumsum(length)])
    of = np.repeat(np.arange(length.size), length)
    step = np.arange(pointer[-1]) - pointer[of]
    along = np.clip(step - first[of], 0, np.abs(dx)[of])  # steps along the row before this one
    up_to_now = step - along
    in_row = (step >= first[of]) & (step < (first + np.abs(dx))[of])
    at_x, at_y = x[of] + np.sign(dx)[of] * along, y[of] + np.sign(dy)[of] * up_to_now
    direction = np.where(in_row, np.where(dx[of] > 0, EAST, WEST), np.where(dy[of] > 0, SOUTH, NORTH))
    return pointer, (at_y * mesh.width + at_x) * DIRECTIONS + direction
