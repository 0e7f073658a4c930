"""From the copies of a threshold to the canonical neuron that they are the steps of, if there is one.

A step maps the states and the spike of the step before, and what arrives, to the new states; the comparison is made of
the new states. Both are polynomials (polynomials.py). Here they are matched with leak, synaptic current, adaptive
threshold and reset of :class:`neurocomp.network.Neuron`.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from neurocomp.frontend.freezing.written.chains import Chain, slots
from neurocomp.frontend.freezing.written.polynomials import (
    Expansion,
    Node,
    Polynomial,
    Values,
    base_name,
    close,
    plus,
    scaled,
)
from neurocomp.network.neuron import Neuron

Key = tuple[Any, ...]
"""A product of states (their numbers) and "s", the spike of the step before."""
Grouped = dict[Key, Polynomial]


@dataclass(frozen=True, eq=False)
class Written:
    """A neuron found in the graph. drives: per step what arrives, a polynomial without constant; membranes: per step
    the node that holds the membrane, or None."""

    neuron: Neuron
    drives: list[Polynomial]
    membranes: list[Node | None]


class NoNeuron(ValueError):
    """The steps are none of a canonical neuron; the text says why."""


def neuron_of(chain: Chain, values: Values) -> Written:
    """Raises NoNeuron."""
    steps = _StepMaps(chain, values)
    if not steps.states:
        raise NoNeuron("it has no state")
    roles = _roles(steps)
    maps = [steps.at(k) for k in range(1, len(chain))]
    model = replace(_matched(maps[-1], roles), compare=compare_of(chain[-1].node))
    for k, found in enumerate(maps[:-1], 1):
        if k > 1 or steps.complete_at_first:
            _need_same(found, maps[-1], k)
    if steps.fires_first:
        neuron, drives = _waiting(steps, maps, roles, model)
    else:
        neuron, drives = _charged(steps, maps, roles, model)
    gain = common_factor(drives[-1])
    if gain is not None and not _near(gain, 0.0):
        drives = [scaled(drive, 1.0 / gain) for drive in drives]
        neuron = _with_gain(neuron, gain, roles.current is not None)
    return Written(neuron, drives, [steps.node_of(roles.membrane, k) for k in range(len(chain))])


def _charged(steps: _StepMaps, maps: list[_Map], roles: _Roles, model: Neuron) -> tuple[Neuron, list[Polynomial]]:
    """With the membrane that it starts from, and what arrives at each step."""
    last = maps[-1]
    begin = steps.beginning(roles.membrane, last.threshold)
    driver = roles.current if roles.current is not None else roles.membrane
    first = begin if roles.current is None else steps.beginning(driver, None)
    given = [first, *(found.states[driver].get((), {}) for found in maps)]
    drives = [_arriving(drive) for drive in given] if roles.current is None else given
    rest = begin.get((), 0.0) - _level(last, roles.membrane)
    if not _near(rest, 0.0) and len(_arriving(first)) < len(_arriving(given[-1])):
        # what returns later is a constant still, the bias of its weights
        return model, [plus(drives[0], {(): rest}) if roles.current is None else first, *drives[1:]]
    if not _near(rest, 0.0) and (roles.current is not None or roles.adaptation is not None):
        raise NoNeuron("its first step is another one")
    return _started(model, rest, last, roles), drives


def _waiting(steps: _StepMaps, maps: list[_Map], roles: _Roles, model: Neuron) -> tuple[Neuron, list[Polynomial]]:
    """The same of a neuron that fires before it is charged: nothing arrives at its first step."""
    last, driver = maps[-1], roles.current if roles.current is not None else roles.membrane
    for state in (roles.current, roles.adaptation):
        if state is not None and not _near(_level(maps[0], state) - _level(last, state), 0.0):
            raise NoNeuron("it fires before it is charged, and a state beside its membrane does not begin at zero")
    rest = steps.beginning(roles.membrane, last.threshold).get((), 0.0) - _array(model.v_gain) * _array(model.leak)
    given = [found.states[driver].get((), {}) for found in maps]
    drives = [_arriving(drive) for drive in given] if roles.current is None else given
    return _started(model, rest, last, roles), [{}, *drives]


def _level(found: _Map, state: int) -> Any:
    """The constant that a step adds to a state."""
    return found.states[state].get((), {}).get((), 0.0)


@dataclass(frozen=True, eq=False)
class _Map:
    """states: the new states by number; threshold: what is compared with zero, over the new states."""

    states: list[Grouped]
    threshold: Grouped


@dataclass(frozen=True)
class _Roles:
    membrane: int
    current: int | None = None
    adaptation: int | None = None


class _StepMaps:
    """The polynomials of a chain's steps. states: names of the states, alike in all steps."""

    def __init__(self, chain: Chain, values: Values) -> None:
        self.chain = chain
        self.values = values
        self.spikes = frozenset(step.node for step in chain)
        self.named = [slots(step) for step in chain]
        self.nodes = [{slot: node for node, slot in named.items()} for named in self.named]
        last = len(chain) - 1
        used = [n for n in chain[last].entries if n in chain[last - 1].owned] if last else []
        self.states = [self.named[last - 1][node] for node in used]
        for k in range(1, len(chain)):
            if any(n in self.spikes and n is not chain[k - 1].node for n in chain[k].entries):
                raise NoNeuron("it looks back at spikes of more than one step")

    def node_of(self, state: int, k: int) -> Node | None:
        return self.nodes[k].get(self.states[state])

    def at(self, k: int) -> _Map:
        """The map of step k >= 1."""
        past = [self._node_before(j, k) for j in range(len(self.states))]
        before = {node: j for j, node in enumerate(past) if node is not None}
        now = [self._needed(j, k) for j in range(len(self.states))]
        symbols: dict[Node, Any] = {**before, self.chain[k - 1].node: "s"}
        expansion = Expansion(self.values, frozenset(symbols), self.spikes)
        states = [_grouped(expansion.of(node), symbols) for node in now]
        own = {node: j for j, node in enumerate(now)}
        compared = _grouped(_compared(Expansion(self.values, frozenset(own), self.spikes), self.chain[k].node), own)
        if any(set(poly) - {()} for poly in compared.values()):
            raise NoNeuron("its threshold depends on what arrives")
        return _Map(states, compared)

    @property
    def complete_at_first(self) -> bool:
        """Whether every state is there after step 0, and not a constant still."""
        return all(self._node_before(j, 1) is not None for j in range(len(self.states)))

    @property
    def fires_first(self) -> bool:
        """Whether it fires before it is charged: what is compared at first is a constant."""
        return not _arriving(_compared(Expansion(self.values, frozenset(), self.spikes), self.chain[0].node))

    def _node_before(self, state: int, k: int) -> Node | None:
        node = self.nodes[k - 1].get(self.states[state])
        if node is None and k == 1 and len(self.states) == 1:
            used = [n for n in self.chain[1].entries if n in self.chain[0].owned]
            used = used or self._first_of_all()
            return used[0] if len(used) == 1 else None  # the first step may be written in another way
        return node if node is not None or k == 1 else self._needed(state, k - 1)

    def _first_of_all(self) -> list[Node]:
        """What arrives at step 0, where that is the state itself: ``mem = x if mem is None else ...``."""
        compared = _compared(Expansion(self.values, frozenset(), self.spikes), self.chain[0].node)
        return [key[0] for key in compared if len(key) == 1 and any(u in self.chain[1].owned for u in key[0].users)]

    def _needed(self, state: int, k: int) -> Node:
        node = self.nodes[k].get(self.states[state])
        if node is None:
            raise NoNeuron(f"a state that the last step takes over is not there after step {k}")
        return node

    def beginning(self, state: int, threshold: Grouped | None) -> Polynomial:
        """A state after step 0, over what arrives."""
        expansion = Expansion(self.values, frozenset(), self.spikes)
        node = self.nodes[0].get(self.states[state])
        if node is not None:
            return expansion.of(node)
        if threshold is None or (len(self.states) > 1 and not self.fires_first):
            raise NoNeuron("its first step is another one")
        offset, factor = threshold.get((), {}).get((), 0.0), threshold[(state,)][()]
        return scaled(plus(_compared(expansion, self.chain[0].node), {(): -1.0 * offset}), 1.0 / factor)


def compare_of(node: Node) -> Any:
    if base_name(node) == "aten.heaviside":
        return ">="
    return ">" if base_name(node) == "aten.gt" else ">="


def _compared(expansion: Expansion, node: Node) -> Polynomial:
    """What a comparison compares with zero."""
    if base_name(node) == "aten.heaviside":
        return expansion.of(node.args[0], at_start=False)
    one, other = (expansion.of(argument, at_start=False) for argument in node.args[:2])
    return plus(one, scaled(other, -1.0))


def _grouped(poly: Polynomial, symbols: dict[Node, Any]) -> Grouped:
    """The polynomial by products of symbols; what is left of each monomial is what arrives."""
    groups: Grouped = {}
    for monomial, value in poly.items():
        key = tuple(sorted((symbols[n] for n in monomial if n in symbols), key=str))
        rest = tuple(n for n in monomial if n not in symbols)
        groups[key] = plus(groups.get(key, {}), {rest: value})
    return {key: value for key, value in groups.items() if value}


def _arriving(poly: Polynomial) -> Polynomial:
    return {key: value for key, value in poly.items() if key}


def _roles(steps: _StepMaps) -> _Roles:
    """Which state is the membrane, which one raises the threshold, which is a current."""
    found = steps.at(len(steps.chain) - 1)
    compared = {key[0]: poly[()] for key, poly in found.threshold.items() if len(key) == 1}
    if any(len(key) > 1 for key in found.threshold) or not 1 <= len(compared) <= 2:
        raise NoNeuron("its threshold is no difference of a membrane and at most one other state")
    up = [state for state, value in compared.items() if _positive(value)]
    if len(up) != 1:
        raise NoNeuron("it fires where its membrane is low")
    adaptation = next((state for state in compared if state != up[0]), None)
    others = [k for k in range(len(steps.states)) if k not in compared]
    if len(others) > 1:
        raise NoNeuron(f"it has {len(steps.states)} states")
    return _Roles(up[0], others[0] if others else None, adaptation)


def _matched(found: _Map, roles: _Roles) -> Neuron:
    """The neuron without what arrives, or NoNeuron."""
    level = found.threshold
    scale = level[(roles.membrane,)][()]
    threshold = -1.0 * level.get((), {}).get((), 0.0) / scale
    neuron = Neuron(threshold=as_parameter(threshold))
    rise = 0.0
    if roles.adaptation is not None:
        rise = -1.0 * level[(roles.adaptation,)][()] / scale
        neuron = _adapting(neuron, found.states[roles.adaptation], roles.adaptation, rise)
    if roles.current is not None:
        neuron = _with_current(neuron, found, roles)
    return _resetting(neuron, found, roles, threshold, rise)


def _adapting(neuron: Neuron, new: Grouped, own: int, rise: Any) -> Neuron:
    if set(new) - {(own,), ("s",)} or any(_arriving(poly) for poly in new.values()):
        raise NoNeuron("its threshold is raised by more than its spikes")
    kept, more = (new.get(key, {}).get((), 0.0) for key in ((own,), ("s",)))
    return replace(neuron, a_decay=as_parameter(kept), a_gain=as_parameter(more * rise))


def _with_current(neuron: Neuron, found: _Map, roles: _Roles) -> Neuron:
    """The current has its leak alone; it drives the membrane as it is now or as the step before left it."""
    new, membrane, own = found.states[roles.current or 0], found.states[roles.membrane], roles.current
    if roles.current is None or set(new) - {(own,), ()} or _arriving(new.get((own,), {})):
        raise NoNeuron("a state of it is neither a membrane nor a current")
    kept, pull = new.get((own,), {}).get((), 0.0), membrane.get((own,), {}).get((), 0.0)
    arriving = _arriving(membrane.get((), {}))
    if not arriving:
        return replace(neuron, i_decay=as_parameter(kept), v_gain=as_parameter(pull), current_when="next")
    if _near(kept, 0.0):
        raise NoNeuron("its current does not last")
    gain = pull / kept
    wanted = scaled(_arriving(new.get((), {})), gain)
    if set(wanted) != set(arriving) or not all(close(wanted[key], arriving[key]) for key in wanted):
        raise NoNeuron("its membrane and its current are driven by different inputs")
    return replace(neuron, i_decay=as_parameter(kept), v_gain=as_parameter(gain))


def _resetting(neuron: Neuron, found: _Map, roles: _Roles, threshold: Any, rise: Any) -> Neuron:
    new, own, other = found.states[roles.membrane], roles.membrane, roles.adaptation
    with_a = _key("s", other) if other is not None else None
    allowed = {(own,), (), ("s",), _key("s", own), with_a, (roles.current,)}
    if set(new) - allowed or any(_arriving(p) for key, p in new.items() if key not in ((), ("s",))):
        raise NoNeuron("its membrane follows another equation")
    kept, off = new.get((own,), {}).get((), 0.0), new.get(("s",), {})
    product = new.get(_key("s", own), {}).get((), 0.0)
    raised = new.get(with_a, {}).get((), 0.0) if with_a is not None else 0.0
    gain = _array(neuron.v_gain)
    level = new.get((), {}).get((), 0.0)
    if roles.current is not None and neuron.current_when == "now":  # the constant of the current stays with it
        level = level - gain * found.states[roles.current].get((), {}).get((), 0.0)
    neuron = replace(neuron, v_decay=as_parameter(kept), leak=as_parameter(level / gain))
    if _arriving(off):
        return _discarding(neuron, new, off, kept, product, roles)
    amount = -1.0 * off.get((), 0.0)
    if not _near(raised, 0.0):
        return _by_threshold(neuron, found, roles, (kept, amount, product, raised, threshold, rise))
    if _near(product, 0.0):
        return _subtracting(neuron, kept, amount, threshold, other is not None)
    if close(product, -1.0 * kept):
        return replace(neuron, reset="zero", v_reset=as_parameter(-1.0 * amount / kept))
    keep = 1.0 + product / kept
    return replace(neuron, reset="subtract", v_keep=as_parameter(keep), v_subtract=as_parameter(amount / kept))


def _key(*symbols: Any) -> Key:
    return tuple(sorted(symbols, key=str))


def _discarding(neuron: Neuron, new: Grouped, off: Polynomial, kept: Any, product: Any, roles: _Roles) -> Neuron:
    """After a spike the whole next update is thrown away: m' = (1 - s) (...) + s reset."""
    arriving = new.get((), {})
    thrown = {key: -1.0 * value for key, value in off.items() if key}
    same = set(thrown) == set(_arriving(arriving)) and all(close(thrown[k], arriving[k]) for k in thrown)
    if not same or not close(product, -1.0 * kept) or roles.current is not None:
        raise NoNeuron("a spike changes what arrives at the next step")
    level = off.get((), 0.0) + arriving.get((), 0.0)
    return replace(neuron, reset="zero", reset_when="next", v_reset=as_parameter(level))


def _subtracting(neuron: Neuron, kept: Any, amount: Any, threshold: Any, adapts: bool) -> Neuron:
    if _near(amount, 0.0):
        return replace(neuron, reset="none")
    if _near(kept, 0.0):
        raise NoNeuron("its reset acts on a membrane that is forgotten")
    if close(amount, kept * threshold) and not adapts:
        return replace(neuron, reset="subtract")
    if close(amount, threshold) and not adapts:
        return replace(neuron, reset="subtract", reset_when="next")
    return replace(neuron, reset="subtract", v_subtract=as_parameter(amount / kept))


def _by_threshold(neuron: Neuron, found: _Map, roles: _Roles, numbers: tuple[Any, ...]) -> Neuron:
    """A reset by the threshold as it is raised: that of the spike, or that of the step in which the reset acts."""
    kept, amount, product, raised, threshold, rise = numbers
    new = found.states[roles.adaptation or 0]
    lasting, more = (new.get(key, {}).get((), 0.0) for key in ((roles.adaptation,), ("s",)))
    if _near(product, 0.0) and close(amount, kept * threshold) and close(raised, -1.0 * kept * rise):
        return replace(neuron, reset="subtract")
    later = close(amount, threshold + rise * more) and close(raised, -1.0 * rise * lasting)
    if _near(product, 0.0) and later:
        return replace(neuron, reset="subtract", reset_when="next")
    raise NoNeuron("its reset takes off neither the threshold nor a number")


def _need_same(found: _Map, model: _Map, step: int) -> None:
    pairs = [*zip(found.states, model.states, strict=True), (found.threshold, model.threshold)]
    for one, other in pairs:
        for key in {*one, *other}:
            a, b = one.get(key, {}), other.get(key, {})
            if len(a) != len(b) or not all(close(x, y) for x, y in zip(a.values(), b.values(), strict=True)):
                raise NoNeuron(f"step {step} of its time loop does something else than the last one")


def _started(neuron: Neuron, rest: Any, last: _Map, roles: _Roles) -> Neuron:
    """With the membrane that it starts from: rest is what is left of it after step 0."""
    if _near(rest, 0.0):
        return neuron
    kept = last.states[roles.membrane].get((roles.membrane,), {}).get((), 0.0)
    if _near(kept, 0.0):
        raise NoNeuron("its first step is another one")
    return replace(neuron, v_init=as_parameter(rest / kept))


def _with_gain(neuron: Neuron, gain: Any, current: bool) -> Neuron:
    if current:
        return replace(neuron, i_gain=as_parameter(gain))
    return replace(neuron, v_gain=as_parameter(gain), leak=as_parameter(_array(neuron.leak) / _array(gain)))


def common_factor(drive: Polynomial) -> Any:
    """The number that everything is multiplied with, or None."""
    factors = [factor for key, factor in drive.items() if key]
    return factors[-1] if factors and all(close(f, factors[-1]) for f in factors) else None


def _positive(value: Any) -> bool:
    return value > 0 if isinstance(value, float) else bool((value > 0).all())


def _near(value: Any, other: float) -> bool:
    return close(value, other)


def _array(value: Any) -> Any:
    import torch

    return torch.from_numpy(np.asarray(value, np.float64)) if isinstance(value, np.ndarray) else value


def as_parameter(value: Any) -> float | np.ndarray:
    """A coefficient as a parameter of a neuron."""
    if isinstance(value, float | int):
        return float(value)
    array = np.asarray(value, np.float32)
    return float(array.reshape(-1)[0]) if array.size == 1 else array
