"""Is a program legal? Recomputed from the network and the chip alone.

Shares no code with the mapper: what it finds out it counts again in another way. Every neuron lies in exactly
one tile; no core holds more than it can; forbidden cores are empty; packets end where their synapses are; the
links are the XY paths, walked hop by hop (check_routes.py); every synapse of the network is counted exactly
once in the routes (check_synapses.py). Time grows with neurons and routes, not with synapses.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator

import numpy as np

from neurocomp.errors import CheckFailedError, Diagnostic
from neurocomp.interrupts import working_threads
from neurocomp.mapping.check.classes import ClassHomes, class_homes
from neurocomp.mapping.check.layers import one_layer_each
from neurocomp.mapping.check.memory import stored_bits
from neurocomp.mapping.check.routes import walked_routes
from neurocomp.mapping.check.synapses import most_fan_in, synapse_sums
from neurocomp.mapping.program import Program
from neurocomp.mapping.program_parts import Tile
from neurocomp.network.graph import Population

_THREADS = 2
_REPORT = "this is a defect of neurocomp, not of your input; please report it with the command you ran"


def check_program(program: Program) -> None:
    """Raise CheckFailedError with the numbers of everything that is not legal."""
    found = list(_tables(program))
    if not found:
        found = list(_tiles(program))
    if not found:
        homes = class_homes(program)
        found = [*homes.wrong, *_packets(program)] or _of_routes(program, homes)
    if found:
        raise CheckFailedError([Diagnostic(where, what, hint=_REPORT) for where, what in found])


Finding = tuple[str, str]


def _of_routes(program: Program, homes: ClassHomes) -> list[Finding]:
    """What follows from routes that are what they seem: none of these needs another."""
    steps: tuple[Callable[[], list[Finding]], ...] = (
        lambda: list(walked_routes(program, homes)),
        lambda: list(synapse_sums(program)),
        lambda: [*_capacities(program, homes), *one_layer_each(program)],
    )
    with working_threads(_THREADS) as pool:
        return [finding for part in pool.map(lambda step: step(), steps) for finding in part]


def has_place(program: Program, population: Population) -> bool:
    """Whether a population has tiles: inputs, neurons, and a readout."""
    return population.neuron is not None or population.name in (*program.placed.inputs, program.placed.output)


def _tables(program: Program) -> Iterator[Finding]:
    """The flat arrays fit together."""
    routes = program.routes
    for name, pointer, size in (
        ("packet_ptr", routes.packet_ptr, routes.packet_core.size), ("link_ptr", routes.link_ptr, routes.link_id.size),
        ("synapse_ptr", routes.synapse_ptr, routes.synapse_tile.size),
    ):  # fmt: skip
        if (
            pointer.ndim != 1
            or not pointer.size
            or pointer[0] != 0
            or pointer[-1] != size
            or (np.diff(pointer) < 0).any()
        ):
            yield name, f"does not lead from 0 to {size}"
    lengths = {
        "link_ptr": (routes.link_ptr.size, routes.packet_ptr.size),
        "synapse_ptr": (routes.synapse_ptr.size, routes.packet_core.size + 1),
        "packet_hops_x": (routes.packet_hops_x.size, routes.packet_core.size),
        "packet_hops_y": (routes.packet_hops_y.size, routes.packet_core.size),
        "synapse_projection": (routes.synapse_projection.size, routes.synapse_tile.size),
        "synapse_events": (routes.synapse_events.size, routes.synapse_tile.size),
    }
    for name, (size, expected) in lengths.items():
        if size != expected:
            yield name, f"has {size} entries instead of {expected}"
    routers = program.chip.noc.routers * program.chips[0] * program.chips[1]
    slots = routers * program.chip.noc.cores_per_router
    ranges = {
        "packet_core": (routes.packet_core, slots), "synapse_tile": (routes.synapse_tile, len(program.tiles)),
        "synapse_projection": (routes.synapse_projection, len(program.placed.projections)),
        "link_id": (routes.link_id, 4 * routers),
    }  # fmt: skip
    for name, (values, end) in ranges.items():
        if values.size and not 0 <= int(values.min()) <= int(values.max()) < end:
            yield name, f"leaves its range 0..{end - 1}"


def _tiles(program: Program) -> Iterator[Finding]:
    """Every element of every population that needs a place lies in exactly one tile, on a core that may be used."""
    network, inputs = program.placed, set(program.placed.inputs)
    noc, forbidden = program.chip.noc, set(program.forbidden_cores)
    slots = noc.routers * noc.cores_per_router * program.chips[0] * program.chips[1]
    shapes = {p.name: program.shape(p.name) for p in network.populations}
    inside: dict[str, list[Tile]] = {name: [] for name in shapes}
    for index, tile in enumerate(program.tiles):
        where = f"tile {index} of {tile.population}"
        if tile.population not in shapes:
            yield where, "belongs to no population of the network"
            continue
        if not _is_inside(tile, shapes[tile.population]):
            yield where, f"is not a part of its population: box {tile.box}, {tile.size} elements"
            continue
        inside[tile.population].append(tile)
        if (tile.core == -1) != (tile.population in inputs) or not -1 <= tile.core < slots:
            yield where, f"lies on core {tile.core}"
        elif tile.core in forbidden:
            yield where, f"lies on core {tile.core}, which is forbidden"
    for population in network.populations:
        times = 1 if has_place(program, population) else 0
        wrong = int(np.count_nonzero(_times_seen(inside[population.name], shapes[population.name]) != times))
        if wrong:
            yield population.name, f"{wrong} of {population.size} elements are not in exactly {times} tiles"


def _times_seen(tiles: list[Tile], shape: tuple[int, int, int]) -> np.ndarray:
    """int32 (height, width, channels): the tiles that each element lies in."""
    channels, height, width = shape
    seen = np.zeros((height, width, channels), np.int32)
    flat = seen.reshape(-1)
    for tile in tiles:
        if tile.box is None:
            flat[tile.positions] += 1  # they ascend, so that none counts once for several
        else:
            (c0, c1), (y0, y1), (x0, x1) = tile.box
            seen[y0:y1, x0:x1, c0:c1] += 1
    return seen


def _is_inside(tile: Tile, shape: tuple[int, int, int]) -> bool:
    """Whether a tile is a box within its population, or ascending positions in it."""
    if tile.box is not None:
        return tile.positions is None and all(0 <= a < b <= n for (a, b), n in zip(tile.box, shape, strict=True))
    at = tile.positions
    if at is None or not at.size:
        return False
    return bool(at[0] >= 0 and at[-1] < math.prod(shape) and (at[1:] > at[:-1]).all())


def _packets(program: Program) -> Iterator[Finding]:
    """One packet per destination core of a class, and synapses only on that core, each tile and projection once."""
    routes = program.routes
    of_packet = np.repeat(np.arange(routes.classes), np.diff(routes.packet_ptr))
    slots = int(routes.packet_core.max(initial=0)) + 1
    if _has_repeats(of_packet * slots + routes.packet_core):
        yield "packets", "some class sends two packets to the same core"
    if (np.diff(routes.synapse_ptr) < 1).any() or (routes.synapse_events < 1).any():
        yield "packets", "some packet or synapse entry causes no synaptic event"
    of_synapse = np.repeat(np.arange(routes.packets), np.diff(routes.synapse_ptr))
    core = np.array([tile.core for tile in program.tiles], np.int64)
    astray = int((core[routes.synapse_tile] != routes.packet_core[of_synapse]).sum())
    if astray:
        yield "packets", f"{astray} synapse entries lie on another core than their packet's"
    entries = of_synapse * len(program.tiles) + routes.synapse_tile
    if _has_repeats(entries * len(program.placed.projections) + routes.synapse_projection):
        yield "packets", "some packet names a tile and projection twice"


def _has_repeats(keys: np.ndarray) -> bool:
    """Whether a number occurs twice."""
    if (keys[1:] > keys[:-1]).all():
        return False
    ordered = np.sort(keys)
    return bool((ordered[1:] == ordered[:-1]).any())


def _capacities(program: Program, homes: ClassHomes) -> Iterator[Finding]:
    """Neurons, axons and memory of each core; synapses of each neuron; cores of the chip."""
    core = program.chip.core
    cores = np.unique([tile.core for tile in program.tiles if tile.core >= 0]).astype(np.int64)
    yield from _cores_of_each_chip(program, cores)
    neurons, bits = np.zeros(cores.size, np.int64), np.zeros(cores.size, np.int64)
    for tile, amount in zip(program.tiles, stored_bits(program), strict=True):
        if tile.core >= 0:
            at = np.searchsorted(cores, tile.core)
            neurons[at] += tile.size
            bits[at] += amount
    hearing, sending, widest = _axons(program, cores, homes)
    yield from _over("neurons", neurons, core.neurons_max, cores)
    yield from _over("fan-in axons", hearing, core.fan_in_axons_max, cores)
    yield from _over("fan-out axons", sending, core.fan_out_axons_max, cores)
    content = {"synapses": bits, "neuron_state": neurons * core.neuron_state_bits}
    content |= {"axons_in": hearing * core.axon_in_bits, "axons_out": sending * core.axon_out_bits}
    for memory in core.memories:
        held = np.sum([content[holding] for holding in memory.holds], axis=0)
        yield from _over(f"bits of {memory.name}", held, memory.size_bits, cores)
    if core.fan_out_cores_max is not None and widest > core.fan_out_cores_max:
        yield "packets", f"a neuron sends to {widest} cores; {core.fan_out_cores_max} are allowed"
    if core.fan_in_max is not None and most_fan_in(program) > core.fan_in_max:
        yield "synapses", f"a neuron has {most_fan_in(program)} synapses; {core.fan_in_max} are allowed"


def _cores_of_each_chip(program: Program, cores: np.ndarray) -> Iterator[Finding]:
    noc, count = program.chip.noc, program.chip.core.count
    y, x = np.divmod(cores // noc.cores_per_router, noc.width * program.chips[0])
    used = np.bincount(y // noc.height * program.chips[0] + x // noc.width)
    for chip in np.flatnonzero(used > count):
        where = program.chip.name if used.size == 1 else f"{program.chip.name}, chip {chip}"
        yield where, f"{used[chip]} cores are used; the chip has {count}"


def _axons(program: Program, cores: np.ndarray, homes: ClassHomes) -> tuple[np.ndarray, np.ndarray, int]:
    """Per core the sources heard and the (neuron, destination core) pairs; the cores that one neuron sends to."""
    routes, packets = program.routes, np.diff(program.routes.packet_ptr)
    of_neurons = ~homes.is_input
    home, pairs = homes.cores(program)[of_neurons], (homes.size * packets)[of_neurons]
    hearing, sending = np.zeros(cores.size, np.int64), np.zeros(cores.size, np.int64)
    np.add.at(sending, np.searchsorted(cores, home), pairs)
    np.add.at(hearing, np.searchsorted(cores, routes.packet_core), np.repeat(homes.size, packets))
    return hearing, sending, int(packets[of_neurons].max(initial=0))


def _over(what: str, amount: np.ndarray, most: int | None, cores: np.ndarray) -> Iterator[Finding]:
    if most is not None:
        for i in np.flatnonzero(amount > most)[:3]:
            yield f"core {cores[i]}", f"{amount[i]} {what}; {most} are allowed"
