"""Stations: relays that get a place on the chip and send their values from there, and the network as it is placed.

A spike passes most relays on its way to neurons, and takes no place there. Four kinds of relays need one:

* what computes on all that has arrived: a product of two signals, a maximum over values. If each of its elements is
  wired to one neuron it needs none: those neurons form it, and their cores hold the operands;
* what keeps its sums in a register (network/registers.py): they have to be complete first;
* what such an operator reads, unless it is wired straight from neurons, inputs or other stations: its sums have to
  be complete first;
* sums that several others listen to and that many populations feed (residual streams). Passed through, each listener
  would store the weights and hear the spikes of all that lies before. Only on chips whose packets can carry the sums;
  so are sums in front of a fully connected layer that are made of more elements than a core can hear.

Functions of the host, mixtures of time steps among them, are stations outside the chip: what they read leaves through
the input port, what they give enters there.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np

from neurocomp.activity.host import HOST_LARGEST
from neurocomp.chip.spec import ChipSpec
from neurocomp.mapping.stations.relays import relay_order
from neurocomp.mapping.stations.wires import sums_behind, wire_index
from neurocomp.network.graph import Integer, Network, Projection
from neurocomp.network.kinds import REAL, ValueKind, value_kinds
from neurocomp.network.neuron import Neuron
from neurocomp.network.ops import (
    AllSteps,
    Factor,
    Host,
    Linear,
    OverTime,
    Pool,
    Reduce,
    is_hosted_op,
    stands_alone,
    weight_of,
)

STATION = Neuron(v_decay=0.0, reset="none", output="membrane")  # stands for a station where it has a place
HOST_BITS = HOST_LARGEST.bit_length() + 1  # of what functions of the host give in integers
MOST_SENDERS = 4  # a sum of more spiking populations becomes a station
MOST_WEIGHTED = 1  # of fewer, if weights lie before it


@dataclass(frozen=True, eq=False)
class Operand:
    """One side of a product: the projection that brings it, and its operator."""

    projection: Projection
    op: Factor


def operands_of(network: Network, name: str) -> tuple[Operand, Operand]:
    """(left, right) of a product of two signals."""
    found = {p.op.side: Operand(p, p.op) for p in network.incoming[name] if isinstance(p.op, Factor)}
    return found["left"], found["right"]


def is_product(network: Network, name: str) -> bool:
    return any(isinstance(p.op, Factor) for p in network.incoming[name])


def is_hosted(network: Network, name: str) -> bool:
    return any(is_hosted_op(p.op) for p in network.incoming[name])


def is_moved_input(network: Network, name: str) -> bool:
    """Whether it is an input of the network at other steps, which the host has anyway."""
    arriving = network.incoming[name]
    moved = [p for p in arriving if isinstance(p.op, OverTime) and p.op.moves and p.source in network.inputs]
    return bool(arriving) and len(moved) == len(arriving)


def is_moved(network: Network, name: str) -> bool:
    """Whether it is values of other steps, which keep their bits."""
    return any(isinstance(p.op, OverTime) and p.op.moves for p in network.incoming[name])


def payload_bits(network: Network, name: str, kind: ValueKind) -> int:
    """Bits that a packet with a value of this population carries besides its address."""
    held = network.by_name[name].held
    if held is not None:
        return min(held.bits, kind.bits or held.bits)
    if kind.name != "real" or not isinstance(network.arithmetic, Integer):
        return kind.bits
    sources = network.incoming[name]
    if sources and all(_takes_as_it_is(p) for p in sources):
        return max(payload_bits(network, p.source, kind) for p in sources)
    if any(isinstance(p.op, Host | OverTime | AllSteps) and p.op.units is not None for p in sources):
        return HOST_BITS
    fed = name in network.inputs or is_moved_input(network, name)
    return network.arithmetic.input_bits if fed else network.arithmetic.state_bits


def _takes_as_it_is(projection: Projection) -> bool:
    """Whether a maximum is taken over what arrives, which then is no wider than before."""
    return isinstance(projection.op, Pool | Reduce) and projection.op.kind == "max"


def is_carried(chip: ChipSpec, bits: int) -> bool:
    """Whether the chip's packets have room for so many bits of payload."""
    return bits == 0 or (chip.numeric.graded_spikes and bits <= chip.numeric.spike_bits)


def with_stations(network: Network, chip: ChipSpec) -> Network:
    """The network with its stations named, as this chip needs them."""
    stations = _stations(network, chip, value_kinds(network))
    ordered = tuple(p.name for p in network.populations if p.name in stations)
    return replace(network, stations=ordered)


def placed_relays(network: Network, chip: ChipSpec) -> frozenset[str]:
    """Relays that would be stations if values passed registers as narrow as the chip's packets."""
    kinds = value_kinds(network)
    if chip.numeric.graded_spikes:
        kinds = {name: ValueKind("int", 1) if kind.name == "real" else kind for name, kind in kinds.items()}
    return frozenset(_stations(network, chip, kinds))


def _stations(network: Network, chip: ChipSpec, kinds: Mapping[str, ValueKind]) -> set[str]:
    relays = relay_order(network)
    stations = {name for name in relays if _computes(network, name) and not is_fused(network, name)}
    senders: dict[str, _Senders] = {}
    for name in relays:
        read = any(isinstance(p.op, Factor) or stands_alone(p.op) for p in network.outgoing[name])
        if read:
            stations |= sums_behind(network, name, frozenset(stations))
        senders[name] = _senders(network, name, senders, stations)
        heavy = _is_stream(network, name, senders[name]) or _is_too_wide(network, name, senders[name], chip)
        carried = is_carried(chip, payload_bits(network, name, kinds[name]))
        if heavy and carried and name != network.output:
            stations.add(name)
    return stations


def too_wide(network: Network, chip: ChipSpec) -> list[str]:
    """Stations that would send more than a packet carries, apart from maxima, which are as wide as what they are taken
    over, and from values of other steps; none where packets carry nothing."""
    if not chip.numeric.graded_spikes or is_carried(chip, REAL.bits):
        return []
    placed, kinds, found = with_stations(network, chip), value_kinds(network), []
    for name in placed.stations:
        bits = payload_bits(network, name, kinds[name])
        bits = min(bits, HOST_BITS) if is_hosted(network, name) else bits
        as_it_is = is_moved(network, name) or all(_takes_as_it_is(p) for p in network.incoming[name])
        if not as_it_is and not is_carried(chip, bits):
            found.append(name)
    return found


def unplaced(network: Network) -> list[str]:
    """Relays that need a place and are not named as stations."""
    relays = [p.name for p in network.populations if p.neuron is None and p.name not in network.stations]
    return [name for name in relays if _computes(network, name) and not is_fused(network, name)]


def _computes(network: Network, name: str) -> bool:
    if network.by_name[name].held is not None:
        return True  # its sum has to be complete before it enters the register
    return any(isinstance(p.op, Factor) or stands_alone(p.op) for p in network.incoming[name])


def is_fused(network: Network, name: str) -> bool:
    """Whether each element of a product or a maximum is wired to one neuron, which then forms it."""
    if not _computes(network, name) or is_hosted(network, name) or network.by_name[name].held is not None:
        return False
    while name != network.output and len(network.outgoing[name]) == 1:
        (step,) = network.outgoing[name]
        target = network.by_name[step.target]
        index = wire_index(step.op, target.size)
        size = network.by_name[name].size
        if index is None or not (np.bincount(index[index >= 0], minlength=size) == 1).all():
            return False
        if target.neuron is not None:
            return True
        if len(network.incoming[target.name]) > 1:
            return False
        name = target.name
    return False


@dataclass(frozen=True)
class _Senders:
    """What passes a relay. paths: from populations that send; elements: of all of these together; weighted: whether
    weights lie before it."""

    paths: int = 0
    elements: int = 0
    weighted: bool = False


def _senders(network: Network, name: str, known: dict[str, _Senders], stations: set[str]) -> _Senders:
    found = _Senders()
    for projection in network.incoming[name]:
        passed = projection.source in known and projection.source not in stations
        before = known[projection.source] if passed else _Senders(1, network.by_name[projection.source].size)
        weighted = found.weighted or before.weighted or weight_of(projection.op) is not None
        found = _Senders(found.paths + before.paths, found.elements + before.elements, weighted)
    return found


def _is_stream(network: Network, name: str, senders: _Senders) -> bool:
    most = MOST_WEIGHTED if senders.weighted else MOST_SENDERS
    return senders.paths > most and len(network.outgoing[name]) > 1


def _is_too_wide(network: Network, name: str, senders: _Senders, chip: ChipSpec) -> bool:
    """Whether a fully connected layer reads it, and no core could hear all that its sums are made of."""
    if not any(isinstance(p.op, Linear) for p in network.outgoing[name]):
        return False
    return any(limit is not None and senders.elements > limit for limit in hearing_limits(chip))


def hearing_limits(chip: ChipSpec) -> tuple[int | None, int | None]:
    """Sources that a core can hear: by its limit on axons, and by the memory that holds them."""
    memory, bits = chip.memory_of("axons_in"), chip.core.axon_in_bits
    return chip.core.fan_in_axons_max, None if memory is None or not bits else memory.size_bits // bits


def placed_view(network: Network) -> Network:
    """The network as it lies on the chip: stations on cores stand as neurons, those of the host as inputs."""
    if not network.stations:
        return network
    stations = set(network.stations)
    hosted = tuple(name for name in network.stations if is_hosted(network, name))
    populations = tuple(
        replace(p, neuron=STATION) if p.name in stations and p.name not in hosted else p for p in network.populations
    )
    kept = tuple(p for p in network.projections if not is_hosted_op(p.op))
    return replace(
        network, populations=populations, projections=kept, inputs=(*network.inputs, *hosted), stations=(), sample=None
    )


def operand_projections(view: Network) -> frozenset[int]:
    """Indices of the projections that bring operands to where a product is formed: factors into a station, or the
    last wire of a product that neurons form themselves."""
    products = {p.target for p in view.projections if isinstance(p.op, Factor)}
    found = set()
    for index, projection in enumerate(view.projections):
        placed = view.by_name[projection.target].neuron is not None or projection.target == view.output
        if placed and (isinstance(projection.op, Factor) or _leads_to_product(view, projection.source, products)):
            found.add(index)
    return frozenset(found)


def operand_mask(view: Network) -> np.ndarray:
    """bool: for each projection whether it is one of ``operand_projections``; one entry more, False."""
    mask = np.zeros(len(view.projections) + 1, np.bool_)
    mask[list(operand_projections(view))] = True
    return mask


def _leads_to_product(view: Network, name: str, products: set[str]) -> bool:
    """Whether a relay is a product, or a wire from one, that has no place of its own."""
    while view.by_name[name].neuron is None and name not in view.inputs:
        if name in products:
            return True
        incoming = view.incoming[name]
        if len(incoming) != 1 or wire_index(incoming[0].op, view.by_name[name].size) is None:
            return False
        name = incoming[0].source
    return False


def product_home(network: Network, name: str) -> str:
    """Where a product is formed: itself if it is a station (or the output), else the neurons that it is wired to."""
    while name not in network.stations and network.by_name[name].neuron is None and name != network.output:
        (step,) = network.outgoing[name]
        name = step.target
    return name
