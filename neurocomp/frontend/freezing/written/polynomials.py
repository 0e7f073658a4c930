"""What an elementwise part of an exported graph computes, as a polynomial of the tensors that enter it.

The step of a neuron written out in torch (``mem = mem * decay * (1 - spike) + x``) is one: its unknowns are the states
and the spikes of the step before, and what arrives. Coefficients are numbers or constant tensors. A spike is 0 or 1, so
its square is itself.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

Node = Any
"""A node of a torch.fx graph."""
Monomial = tuple[Node, ...]
Polynomial = dict[Monomial, Any]
MOST_TERMS = 32

_SAME = frozenset(
    {
        "aten.to",
        "aten._to_copy",
        "aten.clone",
        "aten.detach",
        "aten.alias",
        "aten.contiguous",
        "aten.lift_fresh_copy",
        "aten.type_as",
        "aten.positive",
    }
)
_LIKE = {"aten.zeros_like": 0.0, "aten.ones_like": 1.0, "aten.new_zeros": 0.0, "aten.new_ones": 1.0}
FILLED = frozenset({"aten.full_like", "aten.new_full"})
"""Only the shape of a signal is used, and a number."""
_ARITHMETIC = frozenset({"aten.add", "aten.sub", "aten.rsub", "aten.mul", "aten.div", "aten.neg", "aten.square"})
_CHOICE = frozenset({"aten.where", "aten.masked_fill", "aten.index_put", "aten.logical_not", "aten.bitwise_not"})
COMPARISONS = frozenset({"aten.gt", "aten.ge", "aten.heaviside"})
ELEMENTWISE = _SAME | _ARITHMETIC | _CHOICE | COMPARISONS


def base_name(node: Node) -> str:
    """The operation of a node without its overload, as in ``aten.add``."""
    return str(node.target).rpartition(".")[0]


@dataclass(eq=False)
class Values:
    """Which nodes depend on the input, and the values of the others. given: by placeholder name."""

    given: Mapping[str, Any]
    input: str
    open: set[Node] = field(default_factory=set)
    known: dict[Node, Any] = field(default_factory=dict)

    def follow(self, nodes: tuple[Node, ...]) -> None:
        for node in nodes:
            if (node.op == "placeholder" and node.name == self.input) or any(
                n in self.open for n in node.all_input_nodes
            ):
                self.open.add(node)

    def of(self, node: Node) -> Any:
        """The value of a node that does not depend on the input."""
        if node.op == "placeholder":
            return self.given.get(node.name)
        if node not in self.known:
            args, kwargs = (_resolved(part, self.of) for part in (node.args, node.kwargs))
            self.known[node] = node.target(*args, **({**kwargs, "device": "cpu"} if "device" in kwargs else kwargs))
        return self.known[node]


def _resolved(argument: Any, value: Callable[[Node], Any]) -> Any:
    if isinstance(argument, dict):
        return {key: _resolved(part, value) for key, part in argument.items()}
    if isinstance(argument, list | tuple):
        return [_resolved(part, value) for part in argument]
    return value(argument) if is_node(argument) else argument


def is_node(value: Any) -> bool:
    return hasattr(value, "op") and hasattr(value, "meta")


class Expansion:
    """Polynomials of nodes, over the nodes in ``stops`` and everything that no elementwise operation makes."""

    def __init__(self, values: Values, stops: frozenset[Node], spikes: frozenset[Node]) -> None:
        self.values = values
        self.stops = stops
        self.spikes = spikes
        self._known: dict[Node, Polynomial] = {}

    def of(self, argument: Any, at_start: bool = True) -> Polynomial:
        """at_start: whether the node itself is expanded even if it is among the stops."""
        if not is_node(argument):
            return constant(argument)
        if argument not in self.values.open:
            return constant(self.values.of(argument))
        if (argument in self.stops and not at_start) or base_name(argument) not in ELEMENTWISE | _LIKE.keys() | FILLED:
            return {(argument,): 1.0}
        if argument not in self._known:
            found = self._expanded(argument)
            self._known[argument] = {(argument,): 1.0} if found is None or len(found) > MOST_TERMS else found
        return self._known[argument]

    def _inner(self, argument: Any) -> Polynomial:
        return self.of(argument, at_start=False)

    def _expanded(self, node: Node) -> Polynomial | None:
        name, args = base_name(node), node.args
        if name in _LIKE:
            return constant(_LIKE[name])
        if name in FILLED:
            return constant(args[1 if name == "aten.full_like" else 2])
        if name in _SAME:
            return self._inner(args[0])
        if name in _CHOICE:
            return self._choice(name, node)
        if name in ("aten.mul", "aten.square"):
            return self._times(self._inner(args[0]), self._inner(args[-1]))
        if name == "aten.div":
            divisor = self._inner(args[1])
            if set(divisor) != {()} or node.kwargs.get("rounding_mode") is not None:
                return None
            return scaled(self._inner(args[0]), 1.0 / divisor[()])
        return self._sum(name, node) if name in _ARITHMETIC else None

    def _sum(self, name: str, node: Node) -> Polynomial:
        args = node.args
        if name == "aten.neg":
            return scaled(self._inner(args[0]), -1.0)
        sign = float(node.kwargs.get("alpha", args[2] if len(args) > 2 else 1.0))
        one, other = (args[1], args[0]) if name == "aten.rsub" else args[:2]
        return plus(self._inner(one), scaled(self._inner(other), sign if name == "aten.add" else -sign))

    def _choice(self, name: str, node: Node) -> Polynomial | None:
        args = node.args
        if name == "aten.where":
            return self._chosen(*args)
        if name == "aten.masked_fill":
            return self._chosen(args[1], args[2], args[0])
        if name == "aten.index_put":  # v[spikes] = number
            masked = (
                len(args[1]) == 1 and is_node(args[1][0]) and args[1][0].meta["val"].shape == node.meta["val"].shape
            )
            return self._chosen(args[1][0], args[2], args[0]) if masked and not any(args[3:]) else None
        return plus(constant(1.0), scaled(self._inner(args[0]), -1.0))

    def _chosen(self, condition: Any, one: Any, other: Any) -> Polynomial | None:
        chosen = self._inner(condition)
        rest = plus(constant(1.0), scaled(chosen, -1.0))
        return plus(self._times(chosen, self._inner(one)), self._times(rest, self._inner(other)))

    def _times(self, one: Polynomial, other: Polynomial) -> Polynomial:
        total: Polynomial = {}
        for a, x in one.items():
            for b, y in other.items():
                factors = sorted((*a, *b), key=lambda node: node.name)
                kept = tuple(n for k, n in enumerate(factors) if not (k and n is factors[k - 1] and n in self.spikes))
                total = plus(total, {kept: x * y})
        return total


def constant(value: Any) -> Polynomial:
    if isinstance(value, bool | int | float):
        value = float(value)
    else:
        value = value.detach().cpu().double()
        value = value.item() if value.numel() == 1 else value
    return {} if is_zero(value) else {(): value}


def is_zero(value: Any) -> bool:
    return value == 0 if isinstance(value, float) else not bool(value.any())


def scaled(one: Polynomial, factor: Any) -> Polynomial:
    return {key: value * factor for key, value in one.items()}


def plus(one: Polynomial, other: Polynomial) -> Polynomial:
    total = dict(one)
    for key, value in other.items():
        total[key] = total[key] + value if key in total else value
    return {key: value for key, value in total.items() if not is_zero(value)}


def close(one: Any, other: Any) -> bool:
    """Whether two coefficients are the same up to the rounding of single precision."""
    difference = abs(one - other)
    size = 1e-6 * (1e-3 + abs(one) + abs(other))
    return bool(difference <= size) if isinstance(difference, float) else bool((difference <= size).all())
