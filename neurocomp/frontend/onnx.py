"""Reads an ONNX file as a network without spikes: linear maps, pooling, sums, and rectifiers on the host.

It is the beginning of a conversion (:mod:`neurocomp.frontend.convert`); by itself it computes what the file does.
"""

from __future__ import annotations

import difflib
import math
from pathlib import Path

import numpy as np

from neurocomp.errors import Diagnostic, InputError, bad_input
from neurocomp.frontend.onnx_ops import HANDLERS, MAX_VALUES, Builder, OnnxProblem, Signal
from neurocomp.frontend.onnx_wire import OnnxGraph, OnnxNode, read_onnx
from neurocomp.network.graph import Network, Population
from neurocomp.network.shapes import ShapeMismatch
from neurocomp.network.verify import verify


def read_stateless(path: str | Path) -> Network:
    """The network in an ONNX file: one input, one output. Raises InputError naming every node that cannot be read."""
    path = Path(path)
    graph = read_onnx(path)
    builder = Builder(graph, values=dict(graph.tensors))
    for node in graph.nodes:
        for name in node.inputs:
            builder.uses[name] = builder.uses.get(name, 0) + 1
    fed = _input(path, graph, builder)
    findings: list[Diagnostic] = []
    for node in graph.nodes:
        _read_node(path, builder, node, findings)
    if findings:
        raise InputError(findings)
    output = builder.values.get(graph.outputs[0]) if graph.outputs else None
    if not isinstance(output, Signal):
        raise bad_input(str(path), "has no output that depends on the input")
    origin = f"ONNX (opset {graph.opset}, {graph.producer or 'unknown producer'})"
    network = Network(
        tuple(builder.populations.values()), tuple(builder.projections), (fed,), output.population,
        name=path.stem, origin=origin, assumptions=tuple(builder.notes),
    )  # fmt: skip
    return verify(network)


def _input(path: Path, graph: OnnxGraph, builder: Builder) -> str:
    if len(graph.inputs) != 1:
        raise bad_input(str(path), f"has {len(graph.inputs)} inputs; one can be fed")
    ((name, shape),) = graph.inputs.items()
    sizes = shape[1:]
    if not sizes or 0 in sizes or math.prod(sizes) > MAX_VALUES:
        raise bad_input(
            str(path), f"has an input of shape {tuple(n or '?' for n in shape)}: samples first, then fixed sizes",
            hint="export it with fixed sizes but for the batch",
        )  # fmt: skip
    builder.populations[name] = Population(name, sizes)
    builder.values[name] = Signal(name, sizes)
    return name


def _read_node(path: Path, builder: Builder, node: OnnxNode, findings: list[Diagnostic]) -> None:
    """Add what a node does, or a finding; what depends on a node that failed is passed over."""
    handler = HANDLERS.get(node.kind)
    where = f"{path}: {node.name or node.kind}"
    waiting = [name for name in node.inputs if name and name not in builder.values]
    if waiting and findings:
        return
    if handler is None:
        close = difflib.get_close_matches(node.kind, HANDLERS, n=1, cutoff=0.8)
        hint = f"did you mean {close[0]}?" if close else f"can be converted: {', '.join(HANDLERS)}"
        findings.append(Diagnostic(where, f"op {node.kind} has no spiking form here", hint=hint))
        return
    try:
        value = handler(builder, node)
    except OnnxProblem as error:
        findings.append(Diagnostic(where, f"{node.kind} {error}", hint=error.hint))
    except ShapeMismatch as error:
        findings.append(Diagnostic(where, f"{node.kind}: {error}"))
    except (TypeError, ValueError, IndexError, AttributeError, KeyError, OverflowError, ZeroDivisionError) as error:
        findings.append(Diagnostic(where, f"{node.kind} is malformed", why=f"{type(error).__name__}: {error}"))
    else:
        if node.outputs:
            builder.values[node.outputs[0]] = value if isinstance(value, Signal) else np.asarray(value)
