"""The links of every route, walked hop by hop: X first, then Y, from the source to each packet's core."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from neurocomp.mapping.program import Program

_PACKETS = 50_000  # walked at once


def walked_routes(program: Program) -> Iterator[tuple[str, str]]:
    """(place, finding) where hops or links of the routes differ from a walk."""
    routes, noc = program.routes, program.chip.noc
    source = class_routers(program)
    slots, base = 4 * noc.routers * program.chips[0] * program.chips[1], 0
    while base < routes.classes:
        end = int(np.searchsorted(routes.packet_ptr, routes.packet_ptr[base] + _PACKETS, side="right")) - 1
        end = min(max(end, base + 1), routes.classes)
        first, last = int(routes.packet_ptr[base]), int(routes.packet_ptr[end])
        of_packet = np.repeat(np.arange(base, end), np.diff(routes.packet_ptr[base : end + 1]))
        hops_x, hops_y, walked, links = _walk(program, source[of_packet], routes.packet_core[first:last])
        for name, hops in (("packet_hops_x", hops_x), ("packet_hops_y", hops_y)):
            wrong = int((hops != getattr(routes, name)[first:last]).sum())
            if wrong:
                yield name, f"{wrong} of {last - first} packets have another number of hops than their way has"
        expected = np.sort(of_packet[walked] * slots + links)
        if noc.multicast == "tree":
            expected = expected[np.diff(expected, prepend=-1) > 0]
        stored = np.repeat(np.arange(base, end), np.diff(routes.link_ptr[base : end + 1]))
        given = np.sort(stored * slots + routes.link_id[routes.link_ptr[base] : routes.link_ptr[end]])
        if not np.array_equal(expected, given):
            where = f"classes {base} to {end - 1}"
            yield where, f"{given.size} links do not join packets to their source; a walk takes {expected.size}"
        base = end


def class_routers(program: Program) -> np.ndarray:
    """int64 per class: the router that its spikes leave from."""
    noc, routes = program.chip.noc, program.routes
    port = noc.input_port[1] * noc.width * program.chips[0] + noc.input_port[0]
    of_tile = np.array([t.core // noc.cores_per_router if t.core >= 0 else port for t in program.tiles], np.int64)
    source = np.zeros(routes.classes, np.int64)
    for name, label in routes.route_class.items():
        inside = label >= 0
        source[label[inside]] = of_tile[program.tile_of[name][inside]]
    return source


def _walk(
    program: Program, source: np.ndarray, cores: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """(hops along x, hops along y, packet of each link, link): all packets take one hop at a time."""
    noc = program.chip.noc
    width, height = noc.width * program.chips[0], noc.height * program.chips[1]
    goal = cores.astype(np.int64) // noc.cores_per_router
    at, hops = source.copy(), [np.zeros(source.size, np.int64), np.zeros(source.size, np.int64)]
    packets, links = [np.zeros(0, np.int64)], [np.zeros(0, np.int64)]
    moving = np.flatnonzero(at != goal)
    while moving.size:
        x, y, to_x, to_y = (v for p in (at[moving], goal[moving]) for v in (p % width, p // width))
        along_x = x != to_x
        forward = np.where(
            along_x, _is_forward(x, to_x, width, noc.topology), _is_forward(y, to_y, height, noc.topology)
        )
        direction = np.where(along_x, np.where(forward, 0, 1), np.where(forward, 3, 2))
        packets.append(moving)
        links.append(at[moving] * 4 + direction)
        hops[0][moving] += along_x
        hops[1][moving] += ~along_x
        step = np.where(forward, 1, -1)
        x = np.where(along_x, x + step, x) % width
        y = np.where(along_x, y, y + step) % height
        at[moving] = y * width + x
        moving = moving[at[moving] != goal[moving]]
    return hops[0], hops[1], np.concatenate(packets), np.concatenate(links)


def _is_forward(at: np.ndarray, to: np.ndarray, size: int, topology: str) -> np.ndarray:
    """Whether the next hop goes east or south; round a torus the shorter way, forward if both are equal."""
    if topology == "mesh":
        return to > at
    return ((to - at) % size) * 2 <= size
