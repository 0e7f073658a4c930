"""A torch.export archive as a module that can be frozen: its operations replayed, its neurons put back.

SpikingJelly's multi-step neurons are single operations in the archive (``sj_if``, ``sj_lif``, ``sj_plif``); each
becomes a module that computes them by the book and says which canonical neuron it is. Of torch's own operations only
those pass that freezing understands; they are looked up by name in torch's table of ``aten`` operations.
Nothing in the file is executed as code.
"""

from __future__ import annotations

import math
import re
from pathlib import Path
from typing import Any

from neurocomp.errors import Diagnostic, InputError, bad_input
from neurocomp.frontend.frozen import need_torch
from neurocomp.frontend.pt2 import FREEZE, DType, Exported, Ref, Step, read_pt2
from neurocomp.network.neuron import Neuron

MOST_ELEMENTS = 2**28
"""That any list of sizes in the file may stand for."""
NEURONS = ("sj_if.forward.default", "sj_lif.forward.default", "sj_plif.forward.default")
MALFORMED = (KeyError, TypeError, ValueError, AttributeError, IndexError, ArithmeticError, RuntimeError)
_FILLED = {
    "aten.full_like.default": "fill_value",
    "aten.zeros_like.default": "",
    "aten.full.default": "fill_value",
    "aten.zeros.default": "",
}
_HARMLESS = frozenset(
    {"aten.alias.default", "aten.detach.default", "aten.lift_fresh_copy.default", "aten.clone.default"}
)


def module_of(path: Path) -> Any:
    """A torch.nn.Module that computes what the archive does; attribute ``fixed_shape``: the only input it takes.

    Raises InputError naming everything in the graph that is not understood.
    """
    torch = need_torch()
    found = read_pt2(path)
    if not any(step.target in NEURONS for step in found.steps):
        raise bad_input(
            str(path),
            "is a torch.export archive without neurons: they were broken up into single operations",
            why="only SpikingJelly's multi-step IF, LIF and parametric LIF neurons stay whole when they are exported",
            hint=f"{FREEZE}; if it has no spiking neurons, neurocomp convert takes it as ONNX",
        )
    used = _used(found)
    _check(path, found, used)
    try:
        return _replayed(torch, found, used, path)
    except MALFORMED as error:
        why = " ".join(f"{type(error).__name__}: {error}".split())[:200]
        raise bad_input(
            str(path), "holds an operation that is called in no lawful way", why=why, hint=FREEZE
        ) from error


def _used(found: Exported) -> list[Step]:
    """The steps that the result depends on; of a neuron's inputs only what arrives, not its first state."""
    wanted = {found.output}
    kept = []
    for step in reversed(found.steps):
        if wanted.isdisjoint(step.outputs):
            continue
        kept.append(step)
        wanted.update(_refs(step) if step.target not in NEURONS else _named(step.inputs.get("x")))
    return kept[::-1]


def _check(path: Path, found: Exported, used: list[Step]) -> None:
    from neurocomp.frontend.freezing.lower import understood

    findings = []
    known = {found.input, *found.tensors}
    for step in used:
        where = f"{path}: {step.path or step.target}"
        fine = step.target in (*NEURONS, *_HARMLESS) or (step.target.startswith("aten.") and understood(step.target))
        if not fine:
            findings.append(Diagnostic(where, f"op {step.target} has no event-driven form", hint=FREEZE))
        for name in _refs(step) if step.target not in NEURONS else _named(step.inputs.get("x")):
            if name not in known:
                findings.append(Diagnostic(where, f"{step.target} uses {name!r}, which nothing before it makes"))
        if any(_too_large(value) for value in step.inputs.values()):
            findings.append(Diagnostic(where, f"{step.target} asks for more than {MOST_ELEMENTS:,} elements"))
        known.update(step.outputs[:1] if step.target in NEURONS else step.outputs)
    if found.output not in known:
        findings.append(Diagnostic(str(path), "its result is no value that the graph makes", hint=FREEZE))
    if findings:
        raise InputError(findings[:20])


def _refs(step: Step) -> list[str]:
    return [name for value in step.inputs.values() for name in _named(value)]


def _named(value: Any) -> list[str]:
    """Names that a parameter refers to."""
    return [part.name for part in (value if isinstance(value, list) else [value]) if isinstance(part, Ref)]


def _too_large(value: Any) -> bool:
    if isinstance(value, list) and all(isinstance(part, int) for part in value):
        return len(value) > 32 or math.prod(max(abs(part), 1) for part in value) > MOST_ELEMENTS
    return isinstance(value, int) and abs(value) > 2**48


def _replayed(torch: Any, found: Exported, used: list[Step], path: Path) -> Any:
    class Replayed(torch.nn.Module):
        """Runs the steps one after the other."""

        fixed_shape = found.shape
        origin = "torch.export archive"
        assumed = "neurons were rebuilt from the archive's operations; spikes are as theirs, the code was not run"

        def __init__(self) -> None:
            super().__init__()
            self.calls = [_Call(torch, self, step, found, path) for step in used]
            tensors = {name: torch.tensor(array) for name, array in found.tensors.items()}
            placed = {name: _placed(torch, self, found.paths[name], tensor) for name, tensor in tensors.items()}
            self.places = {name: place for name, place in placed.items() if place is not None}
            self.others = {name: tensors[name] for name, place in placed.items() if place is None}

        def forward(self, x: Any) -> Any:
            values = {name: getattr(owner, key) for name, (owner, key) in self.places.items()}
            values |= {**self.others, found.input: x}
            for call in self.calls:
                call(values)
            return values[found.output]

    return Replayed()


def _placed(torch: Any, root: Any, path: str, tensor: Any) -> tuple[Any, str] | None:
    """Keep a tensor under its path in the module, so that freezing can name it. Returns its owner and name there."""
    *parents, name = path.split(".")
    if not all(re.fullmatch(r"[A-Za-z0-9_]+", part) for part in (*parents, name)):
        return None
    for part in parents:
        if not isinstance(getattr(root, part, None), torch.nn.Module):
            if hasattr(root, part):
                return None
            root.add_module(part, torch.nn.Module())
        root = getattr(root, part)
    if hasattr(root, name):
        return None
    root.register_buffer(name, tensor)
    return root, name


class _Call:
    """One step, ready to run: reads and writes values by name."""

    def __init__(self, torch: Any, root: Any, step: Step, found: Exported, path: Path) -> None:
        self.step = step
        self.neuron = step.target in NEURONS
        if self.neuron:
            self.run = _neuron_module(torch, step, found, path)
            _add(torch, root, step.path, self.run)
            return
        _, name, overload = step.target.split(".")
        self.run = getattr(getattr(torch.ops.aten, name), overload)
        schema = self.run._schema
        if schema.is_mutable:
            raise bad_input(f"{path}: {step.path}", f"op {step.target} changes a tensor in place", hint=FREEZE)
        given = {key: _torch_value(torch, value) for key, value in step.inputs.items()}
        by_name = {a.name for a in schema.arguments if a.kwarg_only}
        self.named = {key: value for key, value in given.items() if key in by_name and value is not None}
        self.placed = {key: value for key, value in given.items() if key not in by_name}

    def __call__(self, values: dict[str, Any]) -> None:
        if self.neuron:
            x = self.step.inputs["x"]
            values[self.step.outputs[0]] = self.run(values[x.name])
            return
        placed = {key: _resolved(value, values) for key, value in self.placed.items()}
        result = self.run(*placed.values(), **self.named)
        for name, value in zip(
            self.step.outputs, result if isinstance(result, tuple | list) else [result], strict=False
        ):
            values[name] = value


def _resolved(value: Any, values: dict[str, Any]) -> Any:
    if isinstance(value, list):
        return [_resolved(part, values) for part in value]
    return values[value.name] if isinstance(value, Ref) else value


def _torch_value(torch: Any, value: Any) -> Any:
    if not isinstance(value, DType):
        return value
    names = {1: "uint8", 2: "int8", 3: "int16", 4: "int32", 5: "int64", 6: "float16", 7: "float32", 8: "float64",
             12: "bool", 13: "bfloat16"}  # fmt: skip
    return getattr(torch, names.get(value.number, "float32"))


def _add(torch: Any, root: Any, path: str, module: Any) -> None:
    parts = path.split(".") if re.fullmatch(r"[A-Za-z0-9_.]+", path) and ".." not in path else ["neuron"]
    for part in parts[:-1]:
        if not isinstance(getattr(root, part, None), torch.nn.Module):
            root.add_module(part, torch.nn.Module())
        root = getattr(root, part)
    name = parts[-1] or "neuron"
    while hasattr(root, name):
        name += "_again"
    root.add_module(name, module)


def _neuron_module(torch: Any, step: Step, found: Exported, path: Path) -> Any:
    """SpikingJelly's neuron of one operation, over all steps along the first axis."""
    neuron, decay_input = _neuron(step, found, path)
    rest = float(neuron.v_reset)
    rate = 1.0 - float(neuron.v_decay)

    class Neurons(torch.nn.Module):
        """Charge, fire, reset, within each step."""

        neurocomp_time_axis = 0

        def neurocomp_neuron(self) -> Neuron:
            return neuron

        def forward(self, x: Any) -> Any:
            v = torch.full_like(x[0], float(neuron.v_init))
            spikes = []
            for now in x:
                v = v + (now - (v - rest)) * rate if decay_input else v - (v - rest) * rate + now
                spike = (v >= neuron.threshold).to(x)
                v = v - spike * neuron.threshold if neuron.reset == "subtract" else torch.where(spike > 0, rest, v)
                spikes.append(spike)
            return torch.stack(spikes)

    return Neurons()


def _neuron(step: Step, found: Exported, path: Path) -> tuple[Neuron, bool]:
    """The canonical neuron of an operation, and whether what arrives decays too. Raises InputError."""
    given = step.inputs
    where = f"{path}: {step.path or step.target}"
    start = given.get("v")
    maker = next((s for s in found.steps if isinstance(start, Ref) and s.outputs[:1] == (start.name,)), None)
    if maker is None or maker.target not in _FILLED:
        raise bad_input(where, "the membrane does not begin from a constant", hint=FREEZE)
    filled = _FILLED[maker.target]
    v_init = float(maker.inputs.get(filled, 0.0)) if filled else 0.0
    rate, decay_input = 0.0, False
    if step.target.startswith("sj_lif"):
        rate, decay_input = 1.0 / float(given["tau"]), bool(given["decay_input"])
    elif step.target.startswith("sj_plif"):
        weight = given.get("w")
        raw = found.tensors.get(weight.name) if isinstance(weight, Ref) else None
        if raw is None or raw.size != 1:
            raise bad_input(where, "its time constant is not one trained number", hint=FREEZE)
        rate, decay_input = 1.0 / (1.0 + math.exp(-float(raw.reshape(-1)[0]))), bool(given["decay_input"])
    reset = given.get("reset")
    rest = 0.0 if reset is None else float(reset)
    gain, leak = (rate, rest) if decay_input else (1.0, rest * rate)
    return Neuron(
        v_decay=1.0 - rate, v_gain=gain, leak=leak, threshold=float(given["threshold"]), v_reset=rest, v_init=v_init,
        reset="subtract" if reset is None else "zero", compare=">=",
    ), decay_input  # fmt: skip
