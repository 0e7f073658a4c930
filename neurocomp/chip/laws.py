"""Laws that tie several values of a chip together. Each finding names the value to look at first."""

from __future__ import annotations

from collections.abc import Iterator

from neurocomp.chip.core import Core
from neurocomp.chip.lawful import BrokenLaw
from neurocomp.chip.memory import BANK_KIB, NODES_NM, Dram
from neurocomp.chip.noc import CELLS_MAX, LINK_CYCLES_MAX, Noc
from neurocomp.chip.numeric import Numeric
from neurocomp.chip.step import Step


def broken_laws(noc: Noc, core: Core, step: Step, numeric: Numeric, dram: Dram | None) -> Iterator[BrokenLaw]:
    """All laws that a chip of these parts breaks; every field is already within its own bounds."""
    yield from _noc(noc, core)
    yield from _shape(noc)
    yield from _router(noc)
    yield from _memories(core)
    yield from _accesses(core)
    yield from _dram(dram)
    yield from _weights(core, numeric)
    yield from _crossbar(core)
    yield from _layer_cores(core)
    yield from _step(step, noc)
    yield from _numeric(numeric)


def _noc(noc: Noc, core: Core) -> Iterator[BrokenLaw]:
    places = noc.routers * noc.cores_per_router
    if core.count > places:
        yield BrokenLaw(
            "core.count",
            f"is {core.count}, but the mesh has places for {places} cores "
            f"({noc.width} x {noc.height} routers x {noc.cores_per_router})",
            "lower core.count or enlarge noc",
        )
    x, y = noc.input_port
    if x >= noc.width or y >= noc.height:
        yield BrokenLaw(
            "noc.input_port",
            f"is [{x}, {y}], outside the mesh of {noc.width} x {noc.height} routers",
            f"x goes from 0 to {noc.width - 1}, y from 0 to {noc.height - 1}",
        )


def _shape(noc: Noc) -> Iterator[BrokenLaw]:
    if noc.topology == "ring" and noc.height != 1:
        yield BrokenLaw("noc.height", f"is {noc.height}, but a ring has one row")
    if noc.topology == "crossbar" and noc.routers != 1:
        yield BrokenLaw(
            "noc.width",
            f"and height make {noc.routers} routers, but a crossbar is one",
            "count cores_per_router instead",
        )


def _router(noc: Noc) -> Iterator[BrokenLaw]:
    router = noc.router
    if router is None:
        return
    if noc.cycle_ps == 0:
        yield BrokenLaw(
            "noc.clock_ns",
            "is needed: the profile has a router, but no time in which a link takes a flit",
            "give noc.clock_ns, or noc.link_flit_ns if the routers have no clock",
        )
        return
    if noc.clock_ns is not None and noc.link_flit_ns is not None and noc.link_flit_ns > noc.clock_ns:
        yield BrokenLaw("noc.link_flit_ns", f"is {noc.link_flit_ns:g}, longer than a router's cycle (noc.clock_ns)")
    if router.input_speedup > router.vcs:
        yield BrokenLaw(
            "noc.router.input_speedup", f"is {router.input_speedup}, above the number of VCs ({router.vcs})"
        )
    elif (inputs := router.input_vcs(noc.cores_per_router, 5 if noc.topology == "tree" else 4)) > CELLS_MAX:
        yield BrokenLaw(
            "noc.router.vcs",
            f"is {router.vcs}; with cores_per_router {noc.cores_per_router} and an entrance for inputs that makes "
            f"{inputs} input VCs, and the model can have {CELLS_MAX}",
            "state fewer VCs",
        )
    if noc.wraps and router.vcs < 2:
        what = f"is 1, but a {noc.topology} needs two or more, or packets can block each other"
        yield BrokenLaw("noc.router.vcs", what)
    if noc.multicast == "tree" and noc.flits_per_spike > router.buffer_flits:
        yield BrokenLaw(
            "noc.router.buffer_flits",
            f"is {router.buffer_flits}; a packet of {noc.flits_per_spike} flits that is copied must fit into a buffer",
        )
    longest = max(*noc.link_cycles(), *noc.boundary_cycles())
    if longest > LINK_CYCLES_MAX:
        yield BrokenLaw(
            "noc.hop_east_west.latency_ns" if noc.chip_link is None else "noc.chip_link.latency_ns",
            f"makes a link of {longest} cycles of {noc.cycle_ps / 1000:g} ns; the model can have {LINK_CYCLES_MAX}",
            "state the latency in ns and the cycle that belongs to it",
        )


def _memories(core: Core) -> Iterator[BrokenLaw]:
    names: set[str] = set()
    holder: dict[str, str] = {}
    for i, memory in enumerate(core.memories):
        if memory.name in names:
            yield BrokenLaw(f"core.memories[{i}].name", f"is {memory.name!r}, the name of another memory")
        names.add(memory.name)
        if (memory.size_kib * 8192) % 1:
            yield BrokenLaw(f"core.memories[{i}].size_kib", "is not a whole number of bits")
        for item in memory.holds:
            if item in holder:
                yield BrokenLaw(
                    f"core.memories[{i}].holds",
                    f"{item} are already held by {holder[item]!r}; each kind of content has one memory",
                )
            holder[item] = memory.name


def _accesses(core: Core) -> Iterator[BrokenLaw]:
    """What an access costs says something only if its width is known, and macros must be among those that are."""
    for i, memory in enumerate(core.memories):
        path, macro = f"core.memories[{i}]", memory.sram
        energies = [name for name in ("read_pj", "write_pj") if getattr(memory, name) is not None]
        if energies and memory.access_bits is None and macro is None:
            yield BrokenLaw(
                f"{path}.access_bits", f"is needed: {energies[0]} is the energy of an access of so many bits"
            )
        if macro is None:
            continue
        if memory.access_bits not in (None, macro.width_bits):
            yield BrokenLaw(
                f"{path}.access_bits", f"is {memory.access_bits}, but the SRAM macro is {macro.width_bits} bits wide"
            )
        (least, most), bank_kib = BANK_KIB, memory.size_kib / macro.banks
        if not least <= bank_kib <= most:
            yield BrokenLaw(
                f"{path}.sram.banks",
                f"is {macro.banks}, which makes banks of {bank_kib:g} KiB; figures are known for {least} to {most} KiB",
                "state other banks, or the energies themselves: read_pj, write_pj, leakage_mw",
            )
        finest, coarsest = NODES_NM[macro.cell]
        if not finest <= macro.node_nm <= coarsest:
            yield BrokenLaw(
                f"{path}.sram.node_nm",
                f"is {macro.node_nm:g}; cells of type {macro.cell} are known for {finest} to {coarsest} nm",
            )


def _dram(dram: Dram | None) -> Iterator[BrokenLaw]:
    if dram is not None and dram.channels & (dram.channels - 1):
        yield BrokenLaw("dram.channels", f"is {dram.channels}, not a power of two")


def _weights(core: Core, numeric: Numeric) -> Iterator[BrokenLaw]:
    widths = core.weight_bits
    if list(widths) != sorted(set(widths)):
        yield BrokenLaw("core.weight_bits", f"must ascend without repeats, not {list(widths)}")
    # A crossbar stores which synapses exist; the weights lie with the neurons, one for each axon type.
    if core.crossbar is None and numeric.weight_bits > max(widths):
        yield BrokenLaw(
            "numeric.weight_bits",
            f"is {numeric.weight_bits}, wider than any stored weight (core.weight_bits goes up to {max(widths)})",
        )


def _layer_cores(core: Core) -> Iterator[BrokenLaw]:
    if core.layer_cores is None:
        return
    for name in ("kernel_words", "neuron_words", "bias_words"):
        given = len(getattr(core.layer_cores, name))
        if given != core.count:
            yield BrokenLaw(
                f"core.layer_cores.{name}", f"has {given} entries, one for each of {core.count} cores is needed"
            )


def _crossbar(core: Core) -> Iterator[BrokenLaw]:
    if core.crossbar is None:
        return
    if core.neurons_max > core.crossbar.neurons:
        yield BrokenLaw("core.neurons_max", f"is {core.neurons_max}, but the crossbar has {core.crossbar.neurons}")
    if core.fan_in_axons_max is None or core.fan_in_axons_max > core.crossbar.axons:
        yield BrokenLaw("core.fan_in_axons_max", f"must not exceed the {core.crossbar.axons} axons of the crossbar")


def _step(step: Step, noc: Noc) -> Iterator[BrokenLaw]:
    keys = list(step.barrier_ns)
    if keys != sorted(keys) or keys[0] != 1:
        yield BrokenLaw("step.barrier_ns", f"must start at 1 router and ascend, not {keys}")
    elif keys[-1] > noc.width * noc.height:
        yield BrokenLaw(
            "step.barrier_ns", f"has an entry for {keys[-1]} routers; the chip has {noc.width * noc.height}"
        )
    if step.period_ns is not None and step.floor_ns is not None and step.floor_ns > step.period_ns:
        yield BrokenLaw("step.floor_ns", f"is {step.floor_ns:g}, above the fixed period of {step.period_ns:g} ns")


def _numeric(numeric: Numeric) -> Iterator[BrokenLaw]:
    if len(set(numeric.resets)) < len(numeric.resets):
        yield BrokenLaw("numeric.resets", "names a reset twice")
    if numeric.graded_spikes != (numeric.spike_bits > 1):
        carries = "graded spikes need at least 2" if numeric.graded_spikes else "spikes that are not graded have 1"
        yield BrokenLaw("numeric.spike_bits", f"is {numeric.spike_bits}, but {carries}")
