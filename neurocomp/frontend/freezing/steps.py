"""How many time steps a module runs, and how its time loop is closed if one forward pass is one step."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from neurocomp.errors import Diagnostic, InputError, bad_input
from neurocomp.frontend.freezing.export import Call, Graph, export, no_neurons, read_neurons, record, step_loop
from neurocomp.frontend.freezing.lower import understood
from neurocomp.frontend.freezing.neurons.readings import Reading
from neurocomp.frontend.freezing.written import thresholds


@dataclass(frozen=True, eq=False)
class Run:
    """A module with its time loop inside. module: the user's, or one that calls it once per step; calls: what
    each neuron received and returned on the example; encoding: of the example, where that is known; graph: of the
    module, where it has been taken already; counted: the path of the threshold whose copies were counted as steps."""

    module: Any
    readings: list[Reading]
    calls: dict[str, list[Call]]
    steps: int
    encoding: str | None
    graph: Graph | None = None
    counted: str | None = None


def run_steps(module: Any, example: Any, steps: int | None, encoding: str | None) -> Run:
    """Run the module on the example and see how often its neurons step. Raises InputError if they disagree."""
    readings = read_neurons(module)
    try:
        calls = record(module, example, readings)
    except InputError:
        if steps is None or encoding != "temporal":
            raise
        # the example as a whole is no input of a single step
        return _closed(module, example, readings, steps, encoding)
    if not readings:
        return _written_out(module, example, steps, encoding)
    if all(r.time_axis is None and len(calls[r.path]) == 1 for r in readings):
        return _closed(module, example, readings, steps, encoding or "direct")
    found = _steps_of(readings, calls)
    if steps not in (None, found):
        raise _other_steps(steps, found)
    return Run(module, readings, calls, found, encoding)


def _other_steps(steps: int | None, found: int) -> InputError:
    return bad_input(
        "steps",
        f"{steps} steps are asked for, but the forward pass of the module runs {found}",
        hint=f"leave steps out, or let the module run {steps} steps",
    )


def _written_out(module: Any, example: Any, steps: int | None, encoding: str | None) -> Run:
    """A module without known neurons: as many steps as there are copies of its thresholds."""
    graph = export(module, example, [], understood)
    chains = thresholds(graph)
    lengths = [len(chain) for chain in chains]
    if not lengths:
        raise no_neurons(module)
    found = max(lengths, key=lambda length: (lengths.count(length), length))
    if found == 1 and steps != 1:
        return _closed(module, example, [], steps, encoding or "direct")
    if steps not in (None, found):
        raise _other_steps(steps, found)
    counted = next(graph.path_of(chain[0].node) for chain in chains if len(chain) == found)
    return Run(module, [], {}, found, encoding, graph, counted)


def _closed(module: Any, example: Any, readings: list[Reading], steps: int | None, encoding: str) -> Run:
    if steps is None:
        raise bad_input(
            "steps",
            "one forward pass of the module is one time step",
            hint='say how many steps to run: freeze(..., steps=T), with encoding="temporal" if the '
            "example has one input per step (time first)",
        )
    if encoding == "temporal" and example.shape[0] != steps:
        raise bad_input(
            "example_input",
            f'has shape {tuple(example.shape)}; with encoding="temporal" its first axis must be the {steps} time steps',
        )
    loop = step_loop(module, steps, encoding == "temporal")
    calls = record(loop, example, readings)
    found = _steps_of(readings, calls) if readings else steps
    if found != steps:
        raise bad_input("steps", f"{steps} calls of the module run {found} time steps; one step per call is needed")
    return Run(loop, readings, calls, found, encoding)


def _steps_of(readings: list[Reading], calls: dict[str, list[Call]]) -> int:
    """The number of steps that all neurons agree on, but for those that are given whole sequences and less of them."""
    counts = {r.path: _steps_of_one(r, calls[r.path]) for r in readings}
    stepped = [counts[r.path] for r in readings if r.time_axis is None]
    likely = max(stepped, key=stepped.count) if stepped else max(counts.values())
    whole = {r.path for r in readings if r.time_axis is not None}
    shorter = {path for path in whole if 0 < counts[path] < likely}
    odd = [
        _odd(path, count, likely, path in whole)
        for path, count in counts.items()
        if path not in shorter and (count != likely or likely == 0)
    ]
    if odd:
        raise InputError(odd)
    return likely


def _odd(path: str, count: int, likely: int, whole: bool) -> Diagnostic:
    """What is wrong with a neuron that steps less or more often than others; whole: it is given whole sequences."""
    if not count:
        return Diagnostic(path, "is never called", hint="use one neuron module per layer, and call each once per step")
    what = f"runs {count} time steps where other neurons run {likely}"
    if whole:
        why = "a layer in front of it gives more time steps, and on a chip all layers run equally many"
        return Diagnostic(
            path, what, why, "let the module's first layers have as many steps, by zeros behind the input"
        )
    return Diagnostic(path, what, hint="use one neuron module per layer, and call each once per step")


def _steps_of_one(reading: Reading, calls: list[Call]) -> int:
    return len(calls) if reading.time_axis is None else sum(c.input.shape[reading.time_axis] for c in calls)
