"""What one integer is worth: the unit in which the sums of each population are counted.

Spikes are worth 1, inputs the input scale. Where weights lead in, the unit is chosen so that the largest weight just
fits. Relays that pass their sums on to one another unchanged, as residual streams of membrane values do, share one
unit, in which the weights of all of them fit: a fixed point of their own. A product of two signals is worth the product
of its operands' units and its scale; an average or a constant factor that is all that arrives at a relay costs nothing
but a change of unit. What arrives in another, finer or coarser, unit enters by a whole factor.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import ClassVar

import numpy as np

from neurocomp.errors import Diagnostic, InputError
from neurocomp.network.graph import Held, Integer, Network, Population, Projection
from neurocomp.network.ops import (
    AllSteps,
    Conv,
    Factor,
    Host,
    Linear,
    Mixture,
    OneToOne,
    Op,
    OverTime,
    Pool,
    Reduce,
    Sparse,
    Wiring,
    stands_alone,
)
from neurocomp.network.quantise_neuron import sent_unit
from neurocomp.network.rounding import coarsest_for, refined, worth_refining
from neurocomp.network.scaled_weights import Scaled

LEAST_LEVELS = 3  # of weights above zero; with fewer a population is refused
FEW_LEVELS = 15  # of a layer's weights above zero: four bits with the sign
INT16 = 2**15 - 1  # what the engine's weights hold
KEEPING = ("abs", "clamp", "relu")  # functions of the host that leave the unit as it is
UNIT_ONE = ("sign",)  # those whose results are worth 1

Unit = float | np.ndarray
"""One for a population, or one per channel (channels,)."""


def grid_of(values: np.ndarray, largest: int) -> float:
    """The unit in which ``values`` are best written as integers of at most ``largest``: see :meth:`Scaled.grid`."""
    return Scaled(np.asarray(values).reshape(-1)).grid(largest)


def sends_spikes(network: Network, name: str) -> bool:
    neuron = network.by_name[name].neuron
    return neuron is not None and neuron.output not in ("membrane", "graded")


def is_unchanged(op: Op) -> bool:
    """Whether integers arrive as they were sent, or times a whole number, or summed up, or the largest of them."""
    match op:
        case OneToOne(scale):
            return not isinstance(scale, np.ndarray) and scale == round(scale) and 0 < abs(scale) <= 2**7 - 1
        case Pool() | Reduce():
            return op.kind != "avg"
        case Host():
            return op.function in KEEPING
        case OverTime():
            return op.moves
        case _:
            return isinstance(op, Wiring)


def unit_ratio(op: Op) -> float | None:
    """What an operator multiplies the unit by, if it is all that arrives at a relay; None if it has weights."""
    match op:
        case Pool() | Reduce():
            return op.scale
        case OneToOne(scale) if not isinstance(scale, np.ndarray) and scale > 0 and not is_unchanged(op):
            return float(scale)
        case _:
            return 1.0 if is_unchanged(op) else None


def real_weights(op: Op) -> np.ndarray:
    """The weights of an operator in double precision; 1 (or the scale) for what has none."""
    return np.asarray(_weights(op), np.float64)


def _weights(op: Op) -> np.ndarray:
    if isinstance(op, Linear | Conv | Sparse):
        return op.weight.reshape(-1)
    return np.asarray(op.scale if isinstance(op, OneToOne | Pool | Reduce) else 1.0).reshape(-1)


@dataclass(eq=False)
class Units:
    """Chosen as they are asked for. host: units of what functions of the host give, by population.

    per_channel: neurons whose weights are scaled per channel, as far as their thresholds can absorb it.
    power_of_two: units are powers of two. relay_bits: of weights into sums that are passed on as values; reader_bits:
    of weights into neurons that hear such sums. By default both are those of all weights.
    """

    network: Network
    arithmetic: Integer
    host: dict[str, float] = field(default_factory=dict)
    per_channel: bool = False
    power_of_two: bool = False
    relay_bits: int | None = None
    reader_bits: int | None = None
    known: dict[str, Unit] = field(default_factory=dict)
    lost_bits: dict[str, int] = field(default_factory=dict)
    """Weight bits that populations do without, because their thresholds would not fit the states otherwise."""
    few_levels: ClassVar[int] = FEW_LEVELS
    asked: list[str] = field(default_factory=list)
    """Populations whose units are being worked out, to find circles."""

    def __post_init__(self) -> None:
        self.largest = 2 ** (self.arithmetic.weight_bits - 1) - 1
        self.groups = self._groups()

    def of(self, name: str) -> Unit:
        """The unit of a population's weighted sums."""
        if name not in self.known:
            if name in self.asked:
                what = "passes values round in a circle, so that no unit can be chosen for them"
                raise InputError(Diagnostic(name, what, hint="put spiking neurons into the loop"))
            self.asked.append(name)
            unit = self._chosen(name)
            self.known |= dict.fromkeys(self.groups.get(name, (name,)), unit)
            self.asked.remove(name)
        return self.known[name]

    def sent(self, name: str) -> float:
        """Real value of one integer of what a population sends."""
        if sends_spikes(self.network, name):
            return 1.0
        unit = self.of(name)
        return float(np.max(unit)) * sent_unit(self.network.by_name[name], self.arithmetic)

    def arithmetic_of(self, _name: str) -> Integer:
        """The arithmetic of a population's states."""
        return self.arithmetic

    def exponent(self, _name: str) -> int:
        """By how many bits a population's sums are divided on their way into its states."""
        return 0

    def held(self, _name: str) -> Held | None:
        """The register in which a population keeps what it sends."""
        return None

    def is_shared(self, p: Projection) -> bool:
        """Whether a projection's integers arrive in the target's own unit."""
        unit = self.of(p.target)
        return is_unchanged(p.op) and not isinstance(unit, np.ndarray) and self.sent(p.source) == unit

    def is_relay_of_its_sources(self, name: str) -> bool:
        """Whether a relay takes its unit from what arrives, whatever operator brings it."""
        return self._alone(name) is not None

    def _chosen(self, name: str) -> Unit:
        if name in self.network.inputs:
            return self.arithmetic.input_scale
        alone = self._alone(name)
        if alone is not None:
            return alone
        if name in self.groups:
            return self._of_group(self.groups[name])
        fixed = {self.sent(p.source) for p in self.network.incoming[name] if is_unchanged(p.op)}
        relay = self.network.by_name[name].neuron is None
        if relay and len(fixed) == 1 and all(is_unchanged(p.op) for p in self.network.incoming[name]):
            return fixed.pop()
        return self._of_group((name,))

    def _alone(self, name: str) -> float | None:
        """The unit of a relay that takes it from its sources: products, functions of the host, averages and factors."""
        incoming, population = self.network.incoming[name], self.network.by_name[name]
        if population.neuron is not None or not incoming or name in self.groups:
            return None
        op = incoming[0].op
        if isinstance(op, Factor):
            return math.prod(self.sent(p.source) for p in incoming) * abs(op.scale)
        if isinstance(op, Host) and op.function not in KEEPING:
            return 1.0 if op.function in UNIT_ONE else self.host[name]
        if isinstance(op, AllSteps) or (isinstance(op, OverTime) and not op.moves):
            return self.host[name]
        ratio = unit_ratio(op) if len(incoming) == 1 else None
        return None if ratio is None else self.sent(incoming[0].source) * ratio

    def _groups(self) -> dict[str, tuple[str, ...]]:
        """Populations that share a unit because relays with weights before them pass it on, by each of them."""
        grouped = {p.name for p in self.network.populations if self._has_weights(p)}
        links = [
            p for p in self.network.projections
            if is_unchanged(p.op) and self._is_relay(p.source) and not self._scaled_too(p)
        ]  # fmt: skip
        root = {name: name for name in grouped}

        def find(name: str) -> str:
            while root[name] != name:
                root[name] = root[root[name]]
                name = root[name]
            return name

        waiting = True
        while waiting:
            waiting = False
            for p in links:
                if p.source not in root:
                    continue
                waiting |= p.target not in root
                root.setdefault(p.target, p.target)
                if find(p.source) != find(p.target):
                    root[find(p.target)] = find(p.source)
                    waiting = True
        members: dict[str, list[str]] = {}
        for population in self.network.populations:
            if population.name in root:
                members.setdefault(find(population.name), []).append(population.name)
        return {name: tuple(group) for group in members.values() for name in group}

    def _scaled_too(self, p: Projection) -> bool:
        """Whether the target hears the same source through weights as well (delayed taps), so that it needs a unit of
        its own."""
        return any(q.source == p.source and not is_unchanged(q.op) for q in self.network.incoming[p.target])

    def _has_weights(self, population: Population) -> bool:
        """Whether a relay's sum has a unit of its own making."""
        incoming = self.network.incoming[population.name]
        if population.neuron is not None or population.name in self.network.inputs:
            return False
        if population.bias is not None and np.any(population.bias):
            return True
        if any(isinstance(p.op, Factor | Host | Mixture) for p in incoming):
            return False
        if len(incoming) == 1:
            return unit_ratio(incoming[0].op) is None
        return any(not is_unchanged(p.op) for p in incoming)

    def _is_relay(self, name: str) -> bool:
        return self.network.by_name[name].neuron is None and name not in self.network.inputs

    def _of_group(self, names: tuple[str, ...]) -> Unit:
        members = [self.network.by_name[name] for name in names]
        arriving = [p for name in names for p in self.network.incoming[name] if p.source not in names or
                    not self._within(p)]  # fmt: skip
        if self._takes_channels(names, arriving):
            return self._per_channel(members[0], arriving)
        parts = [Scaled(_weights(p.op), self.sent(p.source)) for p in arriving]
        if not parts:  # driven by biases alone
            parts = [Scaled(np.asarray(m.bias if m.bias is not None else 1.0).reshape(-1)) for m in members]
        units = {self.sent(p.source) for p in arriving}
        if len(units) == 1 and all(is_unchanged(p.op) for p in arriving):
            unit = units.pop()  # as it comes, unless that is too coarse for the neurons
            maximum = any(stands_alone(p.op) for p in arriving)
            if maximum or not any(worth_refining(unit, m, self.arithmetic) for m in members):
                return unit
        return self._fitting(parts, members)

    def _within(self, p: Projection) -> bool:
        """Whether a projection inside a group passes the group's own unit on."""
        return is_unchanged(p.op) and self._is_relay(p.source)

    def _fitting(self, parts: list[Scaled], members: list[Population]) -> float:
        """The unit in which all these real values fit the weights."""
        largest = self._largest_into(members)
        finest = min(part.grid(largest) for part in parts)
        tops = [part.top for part in parts]
        top = max(tops)
        if top > finest * largest:
            finest = top / largest
        snaps = self._takes_powers(members)
        if snaps:
            finest = 2.0 ** math.ceil(math.log2(finest))
        if snaps or finest != top / largest:
            finest = refined(finest, top, largest, members, self.arithmetic)
        if all(part.is_whole_in(finest) for part in parts):
            return self._coarse_enough(finest, top, members)
        return self._coarse_enough(self._with_exponents(finest, tops, largest, members), top, members)

    def _takes_powers(self, _members: list[Population]) -> bool:
        """Whether the unit of these populations is to be a power of two."""
        return self.power_of_two

    def _largest_into(self, members: list[Population]) -> int:
        """The largest weight into these populations."""
        bits = self.reader_bits if any(self._hears_values(m) for m in members) else None
        if any(m.neuron is None for m in members):
            bits = self.relay_bits
        return self.largest if bits is None else 2 ** (bits - 1) - 1

    def _hears_values(self, member: Population) -> bool:
        return any(p.source in self.groups and unit_ratio(p.op) is None for p in self.network.incoming[member.name])

    def _with_exponents(self, unit: float, tops: list[float], largest: int, members: list[Population]) -> float:
        """The unit, or a finer one if the smallest of several layers would be left with few levels: the others' weights
        then have a power of two of their own, as Loihi's weight exponents. Thresholds must still fit the states."""
        least = min((top for top in tops if top > 0), default=math.inf)
        if least >= min(self.few_levels, largest / 2) * unit:
            return unit
        wanted = math.ceil(math.log2(unit * largest / least))
        room = unit / max(coarsest_for(members, self.arithmetic), 1e-300)
        most = min(math.log2(INT16 / self.largest), math.log2(max(room, 1.0)))
        return unit / 2.0 ** min(wanted, int(most))

    def _coarse_enough(self, unit: float, top: float, members: list[Population]) -> float:
        """The unit, or a power-of-two multiple in which the members' thresholds fit the states at the cost of some
        weight bits; unless too few would be left."""
        needed = coarsest_for(members, self.arithmetic)
        if needed <= unit or top < LEAST_LEVELS * needed:
            return unit
        doublings = math.ceil(math.log2(needed / unit))
        self.lost_bits |= {m.name: doublings for m in members}
        return unit * 2.0**doublings

    def _takes_channels(self, names: tuple[str, ...], arriving: list[Projection]) -> bool:
        if not self.per_channel or len(names) != 1 or not sends_spikes(self.network, names[0]):
            return False
        return bool(arriving) and all(isinstance(p.op, Linear | Conv) for p in arriving)

    def _per_channel(self, population: Population, arriving: list[Projection]) -> np.ndarray:
        rows = [np.abs(p.op.weight.reshape(population.shape[0], -1)).max(axis=1) * self.sent(p.source)
                for p in arriving if isinstance(p.op, Linear | Conv)]  # fmt: skip
        top = np.max(np.asarray(rows, np.float64), axis=0)
        every = [Scaled(_weights(p.op), self.sent(p.source)) for p in arriving]
        whole = self._fitting(every, [population])
        if all(part.is_whole_in(whole) for part in every):
            return np.full(population.shape[0], whole)  # exact as it is
        units = np.where(top > 0, top / self.largest, whole)
        return np.exp2(np.ceil(np.log2(units))) if self.power_of_two else units


def chains_of_values(network: Network) -> bool:
    """Whether weights lead into sums that go on as real values into other weights or products."""
    weighted = {p.target for p in network.projections if unit_ratio(p.op) is None}
    return any(network.by_name[name].neuron is None for name in weighted - {network.output})


def joined_groups(units: Units) -> Iterator[tuple[str, ...]]:
    """Groups of more than one relay that share a unit, each once."""
    yield from dict.fromkeys(group for group in units.groups.values() if len(group) > 1)
