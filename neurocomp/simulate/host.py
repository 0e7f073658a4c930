"""Functions that the host computes: the values that cross to it and back, and how many elements it works on.

A value that is not zero leaves its core as one packet and goes to the input port; what the host gives enters there like
an input. The time that the host takes is not modelled, nor waits packets on their way to it.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from neurocomp.activity.trace import SpikeTrace
from neurocomp.mapping.program import Program
from neurocomp.mapping.stations import is_hosted
from neurocomp.mapping.stations.wires import wires_into
from neurocomp.network.mixtures import elements_of
from neurocomp.network.ops import Mixture, Op


@dataclass(frozen=True, eq=False)
class HostWork:
    """Totals of a run. sent, hops_x, hops_y, between_chips: int64 (tiles), packets to the input port and their links;
    where the profile does not describe links between chips, these are in hops_x and hops_y. crossings: links between
    chips, described or not. operations: elements computed, by hosted population; arriving: values that are not zero
    which reach each."""

    sent: np.ndarray
    hops_x: np.ndarray
    hops_y: np.ndarray
    between_chips: np.ndarray
    crossings: int
    operations: dict[str, int]
    arriving: dict[str, int]


def host_work(program: Program, trace: SpikeTrace) -> HostWork:
    """What the host does and what reaches it, on a trace of the program's own network."""
    network, stations = program.network, frozenset(program.network.stations)
    tiles = len(program.tiles)
    sent, operations, arriving = np.zeros(tiles, np.int64), {}, {}
    for name in network.stations:
        if not is_hosted(network, name):
            continue
        read = network.incoming[name]
        operations[name] = _elements(read[0].op, network.by_name[name].size, trace)
        arriving[name] = 0
        for wire in (wire for p in read for wire in wires_into(network, p.source, stations) or ()):
            population = trace.populations[wire.source]
            if wire.source in network.inputs:  # the host has it
                continue
            counts = population.element_counts.reshape(-1)
            some = np.unique(wire.index[wire.index >= 0])  # a value that several elements repeat is sent once
            arriving[name] += int(counts[some].sum())
            tile = _tile_by_element(program, wire.source)
            np.add.at(sent, tile[some], counts[some])
    along_x, along_y, across, down = _links_to_port(program)
    on_core = np.array([tile.core >= 0 for tile in program.tiles], np.bool_)
    sent = np.where(on_core, sent, 0)
    crossings = int((sent * (across + down)).sum())
    if program.chip.noc.chip_link is None:
        across, down = np.zeros_like(across), np.zeros_like(down)
    return HostWork(
        sent,
        sent * (along_x - across),
        sent * (along_y - down),
        sent * (across + down),
        crossings,
        operations,
        arriving,
    )


def _elements(op: Op, size: int, trace: SpikeTrace) -> int:
    if isinstance(op, Mixture):
        return elements_of(op, size) * trace.samples
    return size * trace.samples * trace.steps


def _tile_by_element(program: Program, name: str) -> np.ndarray:
    """int64, flat channel-first."""
    channels, height, width = program.shape(name)
    return np.moveaxis(program.tile_of[name].reshape(height, width, channels), -1, 0).reshape(-1).astype(np.int64)


def _links_to_port(program: Program) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """int64 (tiles): links along x and along y from each tile's router to the input port, and how many of either lead
    from one chip to another."""
    mesh, noc = program.mesh, program.chip.noc
    port = mesh.router_at(*noc.input_port)
    core = np.array([max(tile.core, 0) for tile in program.tiles], np.int64)
    source = mesh.router_of(core)
    dx, dy = mesh.displacement(source, np.full(core.size, port))
    y, x = np.divmod(source, mesh.width)
    columns, rows = program.chips  # a torus of one chip wraps around without leaving it
    across = np.abs((x + dx) // noc.width - x // noc.width) * (columns > 1)
    down = np.abs((y + dy) // noc.height - y // noc.height) * (rows > 1)
    return np.abs(dx), np.abs(dy), across, down
