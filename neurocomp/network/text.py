"""A network as text for people: one line per population, one per projection."""

from __future__ import annotations

from html import escape

from neurocomp.network.graph import Network, Population, Projection
from neurocomp.network.ops import (
    AllSteps,
    Conv,
    Factor,
    Host,
    Linear,
    OneToOne,
    Op,
    OverTime,
    Pool,
    Reduce,
    Sparse,
    Wiring,
)


def to_text(network: Network) -> str:
    """The network's populations and projections, aligned."""
    lines = [f"{network!r}"]
    lines += [f"  {p.name:<24} {_shape(p.shape):<12} {_role(network, p)}" for p in network.populations]
    lines += [f"  {p.source} -> {p.target}: {describe_op(p.op)}{_delay(p)}" for p in network.projections]
    lines += [f"  assumed: {sentence}" for sentence in network.assumptions]
    return "\n".join(lines)


def to_html(network: Network) -> str:
    """A table for notebooks; names come from files, so everything is escaped."""
    rows = "".join(
        f"<tr><td>{escape(p.name)}</td><td>{_shape(p.shape)}</td><td>{escape(_role(network, p))}</td></tr>"
        for p in network.populations
    )
    return f"<b>{escape(network.name)}</b><table><tr><th>population</th><th>shape</th><th>role</th></tr>{rows}</table>"


def html_table(title: str, rows: dict[str, str]) -> str:
    """Two columns for a notebook, escaped."""
    body = "".join(f"<tr><td>{escape(key)}</td><td>{escape(value)}</td></tr>" for key, value in rows.items())
    return f"<b>{escape(title)}</b><table>{body}</table>"


def describe_op(op: Op) -> str:
    """An operator in a few words, e.g. ``conv 3x3, 1 -> 16 channels, stride 2x2``."""
    match op:
        case Linear(weight):
            return f"linear {weight.shape[1]} -> {weight.shape[0]}"
        case Conv(weight):
            text = f"conv {_shape(op.kernel)}, {weight.shape[1] * op.groups} -> {weight.shape[0]} channels"
            text += f", stride {_shape(op.stride)}" if max(op.stride) > 1 else ""
            text += f", dilation {_shape(op.dilation)}" if max(op.dilation) > 1 else ""
            return text + (f", {op.groups} groups" if op.groups > 1 else "")
        case Pool():
            return f"{op.kind} pool {_shape(op.kernel)}, stride {_shape(op.stride)}"
        case OneToOne():
            return "one to one"
        case Sparse():
            return f"sparse, {op.indices.size} synapses"
        case _:
            return _describe_signal_op(op)


def _describe_signal_op(op: Factor | Wiring | Reduce | OverTime | AllSteps | Host) -> str:
    match op:
        case Factor():
            return _describe_factor(op)
        case Wiring():
            return f"wires to {int((op.index >= 0).sum())} of {op.index.size} elements"
        case Reduce():
            return f"{op.kind} over {op.axis}"
        case OverTime():
            return f"values of other steps, up to {op.ahead} later" if op.moves else f"mixture of all {op.steps} steps"
        case AllSteps():
            return f"{op.port} of a function of all {op.steps} steps ({', '.join(named_parts(op))})"
        case Host():
            return f"{op.function} on the host" + (f", blocks of {op.block}" if op.block > 1 else "")


def named_parts(op: AllSteps) -> list[str]:
    """What a function of all steps is made of, each kind once, in order: what is computed, without mere wires."""
    words = {"Factor": "products", "Linear": "weights", "Conv": "weights", "Sparse": "weights", "OneToOne": ""}
    found = []
    for p in op.function.projections:
        part = p.op
        kind = type(part).__name__
        if isinstance(part, Host):
            found.append(part.function)
        elif isinstance(part, Pool | Reduce):
            found.append({"avg": "mean", "max": "maximum"}.get(part.kind, "sum"))
        else:
            found.append(words.get(kind, ""))
    return [word for word in dict.fromkeys(found) if word] or ["other order"]


def _describe_factor(op: Factor) -> str:
    scale = f", times {op.scale:g}" if op.scale != 1 else ""
    if op.is_elementwise:
        return f"{op.side} factor, element by element{scale}"
    stack = f"{op.batch} times " if op.batch > 1 else ""
    return f"{op.side} factor, {stack}{op.rows}x{op.inner} by {op.inner}x{op.columns}{scale}"


def _shape(shape: tuple[int, ...]) -> str:
    return "x".join(map(str, shape))


def _role(network: Network, population: Population) -> str:
    roles = ["input"] if population.name in network.inputs else []
    if population.neuron is not None:
        current = "CUBA " if population.neuron.i_decay is not None else ""
        parts = [part.replace("_", " ") for part in population.neuron.parts()]
        with_parts = f" with {' and '.join(parts)}" if parts else ""
        roles.append(
            f"{current}neurons{with_parts}, reset {population.neuron.reset}, {population.neuron.output} output"
        )
    elif not roles:
        roles.append("relay")
    if population.name == network.output:
        roles.append("output")
    return ", ".join(roles)


def _delay(projection: Projection) -> str:
    return f", delay {projection.delay}" if projection.delay else ""
