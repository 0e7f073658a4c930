"""From a live torch module to a flat graph in which every neuron is one opaque operation.

While the graph is taken, each neuron's ``forward`` is replaced by an operator that torch knows only by the
shapes of its results; everything else of the module stays as it is, and is put back afterwards.
"""

from __future__ import annotations

import functools
import inspect
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from neurocomp.errors import InputError, bad_input
from neurocomp.frontend.freezing.cells import decompositions
from neurocomp.frontend.freezing.delays import opaque_delays
from neurocomp.frontend.freezing.neurons import declared, norse, sinabs, snntorch, spikingjelly
from neurocomp.frontend.freezing.neurons.readings import Reading
from neurocomp.frontend.freezing.neurons.states import as_it_was, without_traces
from neurocomp.frontend.freezing.quiet import quiet, reason

FRAMEWORKS = (declared, spikingjelly, snntorch, norse, sinabs)
NEURON_OP = "neurocomp.neuron"
STEP = "one_step"


@dataclass(frozen=True, eq=False)
class Call:
    """One call of a neuron module during a run: its input and, by port, what it returned, as arrays."""

    input: np.ndarray
    outputs: dict[str, np.ndarray]


@dataclass(frozen=True, eq=False)
class Graph:
    """An exported graph. nodes: torch.fx nodes in order; constants: tensor by placeholder name; names: parameter
    name by placeholder name; input: name of the one placeholder that is fed; leaves: paths of modules without
    children; prefix: what module paths begin with that is not the user's; refused: by module path, why
    thresholds in it are no neuron."""

    nodes: tuple[Any, ...]
    constants: dict[str, Any]
    names: dict[str, str]
    input: str
    leaves: frozenset[str]
    prefix: str
    refused: dict[str, str] = field(default_factory=dict)

    def path_of(self, node: Any) -> str:
        """Path of the innermost module that a graph node comes from."""
        stack = node.meta.get("nn_module_stack") or {}
        return (list(stack.values())[-1][0] if stack else "").removeprefix(self.prefix).removeprefix(self.prefix[:-1])


def read_neurons(module: Any) -> list[Reading]:
    """Readings of all neuron modules, in module order. Raises InputError naming all that cannot be frozen."""
    readings: list[Reading] = []
    problems: list[InputError] = []
    for path, child in module.named_modules():
        try:
            found = next((r for f in FRAMEWORKS if (r := f.read(child, path or type(child).__name__))), None)
        except InputError as error:
            problems.append(error)
            continue
        if found is not None:
            readings.append(found)
    if problems:
        raise InputError([d for problem in problems for d in problem.diagnostics])
    return readings


def no_neurons(module: Any) -> InputError:
    return bad_input(
        type(module).__name__,
        "contains no neuron that neurocomp knows",
        hint="use the neuron classes of SpikingJelly, snnTorch, Norse or sinabs, or give your own a "
        f"{declared.METHOD} method (docs/freezing.md shows a whole one); a network without spikes becomes a "
        "spiking one with neurocomp convert",
    )


def reset(module: Any, readings: list[Reading]) -> None:
    """Put all state of the module back to the beginning: neurons, and SpikingJelly's other stateful layers."""
    for reading in readings:
        reading.reset()
    for child in module.modules():
        if hasattr(child, "_memories") and callable(getattr(child, "reset", None)):
            child.reset()


def record(module: Any, example: Any, readings: list[Reading]) -> dict[str, list[Call]]:
    """Run the module from its initial state. Returns the calls of every neuron by path."""
    import torch

    calls: dict[str, list[Call]] = {reading.path: [] for reading in readings}
    told: dict[str, list[Any]] = {}  # by the last call of each
    read: list[str] = []

    def read_out(_module: Any, _args: Any, output: Any) -> None:
        read.extend(_states_in(output, readings, told))

    handles = [_listen(reading, calls[reading.path], told) for reading in readings]
    entered: list[str] = []
    handles += _followed(module, entered)
    one_call = getattr(module, STEP) if hasattr(module, "is_step_loop") else module
    handles.append(one_call.register_forward_hook(read_out))
    reset(module, readings)
    try:
        with torch.no_grad(), as_it_was(module, readings):
            module(example)
    except Exception as error:
        hint = _other_precision(module, example) or _fewer_steps(error, example)
        raise bad_input(
            type(module).__name__,
            "the module failed on the example input",
            why=f"{type(error).__name__}: {error}" + (f" (in {entered[-1]})" if entered else ""),
            hint=hint or "run it yourself on this input first",
        ) from error
    finally:
        for handle in handles:
            handle.remove()
        reset(module, readings)
    if read:
        raise _reads_state(read[0])
    return calls


def _followed(module: Any, entered: list[str]) -> list[Any]:
    """Keep the layers that are being run in ``entered``, the innermost last."""
    handles = []
    for path, child in module.named_modules():
        if path and not isinstance(child, _compiled()):
            name = f"{path.removeprefix(f'{STEP}.')}, a {type(child).__name__}"
            handles.append(child.register_forward_pre_hook(lambda _m, _a, name=name: entered.append(name)))
            handles.append(child.register_forward_hook(lambda _m, _a, _o: entered.pop() and None))
    return handles


def _compiled() -> type:
    import torch

    return torch.jit.ScriptModule


def _other_precision(module: Any, example: Any) -> str:
    """What to do about weights of another floating-point type than the example; empty if they are of the same."""
    kinds = {str(p.dtype).removeprefix("torch.") for p in module.parameters() if p.dtype.is_floating_point}
    if not kinds or not example.dtype.is_floating_point or kinds == {str(example.dtype).removeprefix("torch.")}:
        return ""
    return f"its weights are {' and '.join(sorted(kinds))}: freeze module.float(), in single precision"


def _fewer_steps(error: Exception, example: Any) -> str:
    """What to do about a loop that runs beyond an axis of the example; empty if the module failed otherwise."""
    found = re.search(r"index (\d+) is out of bounds for dimension (\d+) with size (\d+)", str(error))
    if not isinstance(error, IndexError) or found is None:
        return ""
    index, axis, size = (int(number) for number in found.groups())
    if index != size or axis >= example.ndim or example.shape[axis] != size:
        return ""
    return f"if axis {axis} of the example is time, give as many steps as the loop runs: it has {size}"


def _listen(reading: Reading, calls: list[Call], told: dict[str, list[Any]]) -> Any:
    """Note the calls of a neuron module, and in ``told`` the tensors that the last one returned."""

    def hook(_module: Any, args: Any, kwargs: Any, output: Any) -> None:
        given = reading.unpack(args, kwargs)[0]
        told[reading.path] = _flat(output)
        returned = told[reading.path] if reading.results is None else reading.results(given, output)
        # in reverse, so that the first of several results of one kind counts: a state may repeat the output
        results = dict(reversed(list(zip(reading.outputs, returned, strict=True))))
        kept = {port: _array(value) for port, value in results.items() if port in ("spike", "membrane")}
        calls.append(Call(_array(given), kept))

    return reading.module.register_forward_hook(hook, with_kwargs=True)


def _states_in(output: Any, readings: list[Reading], told: dict[str, list[Any]]) -> list[str]:
    """Names of the states of neurons that a module returns as its (first) result, without a call that told them."""
    first = output[0] if isinstance(output, tuple | list) and output else output
    if not hasattr(first, "detach") or any(value is first for values in told.values() for value in values):
        return []
    held = {
        f"{reading.path}.{name}": value
        for reading in readings
        for place in (vars(reading.module), reading.module._buffers, getattr(reading.module, "_memories", {}))
        for name, value in place.items()
    }
    return [name for name, value in held.items() if value is first]


def _reads_state(name: str) -> InputError:
    return bad_input(
        "output",
        f"the module returns {name}, a state that it reads from inside the neuron",
        why="only what calls of layers return is followed; the state that a neuron keeps for itself is none of it",
        hint="return what a call gives; for a membrane use a neuron that returns it, such as SpikingJelly's "
        "NonSpikingLIFNode, snnTorch's Leaky or Norse's LICell",
    )


def export(module: Any, example: Any, readings: list[Reading], understood: Callable[[str], bool]) -> Graph:
    """The graph of one forward pass. understood: tells whether an operation (by name) needs no decomposition.

    Raises InputError if torch cannot take the graph.
    """
    import torch

    reset(module, readings)
    try:
        with (
            quiet(),
            _opaque(readings),
            opaque_delays(module),
            _bystanders(readings),
            without_traces(module, readings),
            torch.no_grad(),
        ):
            program = torch.export.export(module, (example,), strict=False)
            if not all(_is_plain(node, understood) for node in program.graph.nodes):
                program = program.run_decompositions(decompositions())  # as long as the export itself
    except Exception as error:
        raise bad_input(
            type(module).__name__,
            "torch.export cannot take the graph of this module",
            why=reason(error),
            hint="the forward pass must not branch on values of tensors",
        ) from error
    finally:
        reset(module, readings)
    return _graph(program, module)


def _is_plain(node: Any, understood: Callable[[str], bool]) -> bool:
    """Whether a node is an operation that is understood as it is and changes no tensor in place."""
    if node.op != "call_function" or not hasattr(node.target, "_schema"):
        return node.op in ("placeholder", "output", "call_function")
    return not node.target._schema.is_mutable and understood(str(node.target))


@contextmanager
def _opaque(readings: list[Reading]) -> Iterator[None]:
    """Replace each neuron's forward by the opaque operator, for the time of the block."""
    import torch

    _define_operator()
    try:
        for key, reading in enumerate(readings):

            def forward(*args: Any, key: int = key, reading: Reading = reading, **kwargs: Any) -> Any:
                x, states = reading.unpack(args, kwargs)
                given = [state for state in states if state is not None]
                if len(given) not in (0, len(states)):
                    raise ValueError(f"{reading.path} is given only some of its states")
                outputs = torch.ops.neurocomp.neuron(x, given, key, len(reading.outputs))
                return reading.pack(list(outputs))

            reading.module.__dict__["forward"] = forward
        yield
    finally:
        for reading in readings:
            reading.module.__dict__.pop("forward", None)


@contextmanager
def _bystanders(readings: list[Reading]) -> Iterator[None]:
    """Put back the state of neurons of other networks: snnTorch's ``utils.reset`` in a forward pass clears all
    neurons that exist, and would leave them with the symbolic tensors of the export."""
    others = {id(other): other for r in readings for other in getattr(type(r.module), "instances", ())}
    kept = [(other._buffers, dict(other._buffers)) for other in others.values() if hasattr(other, "_buffers")]
    try:
        yield
    finally:
        for buffers, values in kept:
            buffers.update(values)


@functools.cache
def _define_operator() -> None:
    import torch

    name = NEURON_OP.replace(".", "::")
    torch.library.define(name, "(Tensor x, Tensor[] states, int key, int outputs) -> Tensor[]")
    # a neuron has a state: a call whose result nobody uses must stay in the graph
    torch.fx.has_side_effect(torch.ops.neurocomp.neuron.default)
    torch.library.register_fake(name, lambda x, states, key, outputs: [torch.empty_like(x) for _ in range(outputs)])


def _graph(program: Any, module: Any) -> Graph:
    prefix = f"{STEP}." if hasattr(module, "is_step_loop") else ""
    signature = program.graph_signature
    constants: dict[str, Any] = {}
    names: dict[str, str] = {}
    for spec in signature.input_specs:
        target = spec.target
        if target is None:
            continue
        names[spec.arg.name] = target.removeprefix(prefix)
        value = program.state_dict.get(target)
        value = program.constants.get(target) if value is None else value
        constants[spec.arg.name] = value.detach().cpu() if hasattr(value, "detach") else value
    inputs = list(signature.user_inputs)
    if len(inputs) != 1:
        raise bad_input("example_input", f"the module takes {len(inputs)} tensors; one can be fed at present")
    leaves = frozenset(path.removeprefix(prefix) for path, m in module.named_modules() if not list(m.children()))
    output = program.graph.output_node()
    output.args = (tuple(output.args[0][-len(signature.user_outputs) :]),)  # without states that the module keeps
    return Graph(tuple(program.graph.nodes), constants, names, inputs[0], leaves, prefix)


def step_loop(module: Any, steps: int, temporal: bool) -> Any:
    """A module that calls ``module`` once per step and stacks what it returns (the first result of several); a state
    that it returns is given to its next call (see ``takes_state``)."""
    import torch

    class StepLoop(torch.nn.Module):
        is_step_loop = True

        def __init__(self) -> None:
            super().__init__()
            self.add_module(STEP, module)

        def forward(self, x: Any) -> Any:
            results: list[Any] = []
            passes = takes_state(module)
            state: Any = None
            for t in range(steps):
                given = x[t] if temporal else x
                returned = getattr(self, STEP)(given, state) if passes else getattr(self, STEP)(given)
                several = isinstance(returned, tuple | list)
                state = returned[1] if several and len(returned) == 2 else None
                results.append(returned[0] if several else returned)
            return torch.stack(results)

    return StepLoop()


_STATES = re.compile(r"state|hidden|mem|carry|syn|^(s|h|hx|v|st|hs)$")


def takes_state(module: Any) -> bool:
    """Whether a call takes back the state that the one before it returned: ``forward(x, state=None)``, the second
    parameter named like a state, as in Norse's SequentialState."""
    try:
        parameters = list(inspect.signature(module.forward).parameters.values())
    except (TypeError, ValueError):  # compiled code that does not tell its parameters
        return False
    positional = [p for p in parameters if p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD)]
    if len(positional) < 2 or any(p.default is p.empty for p in positional[1:]):
        return False
    return positional[1].default is None and _STATES.search(positional[1].name.lower()) is not None


def _flat(output: Any) -> list[Any]:
    """What a neuron returned as a flat list: Norse wraps its states into named tuples."""
    if not isinstance(output, tuple):
        return [output]
    return [part for item in output for part in _flat(item)]


def _array(tensor: Any) -> np.ndarray:
    return tensor.detach().cpu().float().numpy().copy()
