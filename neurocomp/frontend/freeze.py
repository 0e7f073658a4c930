"""``freeze``: a live torch module becomes a Network, proven on an example before it is written.

The module stays untouched apart from its state, which is reset. Needs torch and the framework of the neurons;
everything after this needs neither.
"""

from __future__ import annotations

import numbers
from collections.abc import Collection, Iterator, Sequence
from dataclasses import replace
from importlib import metadata
from pathlib import Path
from typing import Any, Literal

import numpy as np

from neurocomp.errors import Diagnostic, InputError, bad_input
from neurocomp.frontend.freezing.compare import Agreement, compare, recorded
from neurocomp.frontend.frozen import need_torch, write_frozen
from neurocomp.network.graph import Network, Sample
from neurocomp.network.mixtures import mixtures_told
from neurocomp.network.ops import Host
from neurocomp.network.verify import verify


def freeze(
    module: Any,
    example_input: Any,
    path: str | Path | None = None,
    *,
    steps: int | None = None,
    labels: Sequence[int] | None = None,
    name: str | None = None,
    encoding: Literal["direct", "temporal"] | None = None,
    max_differing_spikes: int | None = None,
) -> Network:
    """Turn a trained torch module with spiking neurons into a network, and write it to ``path`` if one is given.

    module: a ``torch.nn.Module`` in eval mode whose neurons are those of SpikingJelly, snnTorch, Norse or sinabs.
    example_input: a batch as the module takes it, with or without a time axis; it is kept with the network as its
    sample, and with ``labels`` (one class number per sample) the accuracy can be computed later. For a module that
    takes several tensors a tuple or dictionary of them; they become one input, side by side.
    steps: needed only if one forward pass is one time step; the module is then called ``steps`` times, on the same
    input (``encoding="direct"``, the default) or on one step of it after the other (``"temporal"``, time first).
    encoding: otherwise found out; give it if the axes of the example can be read in two ways.
    max_differing_spikes: how many sites (spikes, and membranes that are read out) may differ between the module and
    the frozen network on the example.
    By default none, apart from those that a layer by layer check shows to be float32 rounding at thresholds
    (freezing/forced.py); the assumptions then say how many.

    Raises InputError if a layer has no event-driven form, or if the frozen network does not give the module's
    spikes; nothing is written then.
    """
    need_torch()
    from neurocomp.frontend.freezing.inputs import one_input
    from neurocomp.frontend.freezing.steps import run_steps

    _check_options(encoding, steps)
    module = unwrapped(module)
    _check_mode(module)
    with one_input(module, example_input) as (given, told):
        example = _as_tensor(given)
        run = run_steps(module, example, steps, encoding)
        run, network, layout, layouts = _lowered(run, example, name or type(module).__name__)
    network = replace(network, assumptions=(told, *network.assumptions)) if told else network
    sample = _sample(example, layout, run.steps, labels)
    network = verify(replace(network, sample=sample, origin=origin_of(run.readings)))
    agreement = compare(
        network, sample, recorded(network, run.readings, run.calls, layouts, run.steps), max_differing_spikes
    )
    network = replace(network, assumptions=(*network.assumptions, *_compared(agreement)))
    if path is not None:
        write_frozen(network, path)
    return network


def _compared(agreement: Agreement) -> Iterator[str]:
    """What the comparison with the module left open."""
    if agreement.differing:
        note = f"{agreement.told()} on the sample"
        if agreement.rounding:
            note += ", all by float32 rounding at thresholds: given the module's own spikes, every layer agrees"
        yield note
    if agreement.silent:
        names = ", ".join(agreement.silent[:SHOWN]) + (", ..." if len(agreement.silent) > SHOWN else "")
        yield (
            f"no neuron of {names} fires on the example, so its model was not put to the test there; freeze with an "
            "example that makes every layer fire"
        )


def _lowered(run: Any, example: Any, name: str) -> tuple[Any, Network, Any, dict[int, Any]]:
    """The network under the first reading of the example's axes that fits the graph, that reading, and the layouts
    of what the neuron modules are given.

    Where all neurons are given whole sequences, those of the network may be longer, as an axis of the example is.
    """
    from neurocomp.frontend.freezing.export import export
    from neurocomp.frontend.freezing.lower import understood
    from neurocomp.frontend.freezing.written import written_neurons

    graph = run.graph or export(run.module, example, run.readings, understood)
    found = written_neurons(graph, example, run.readings, run.calls, run.steps)
    graph = found.graph
    run.readings.extend(found.readings)
    run.calls.update(found.calls)
    first: InputError | None = None
    for steps in (run.steps, *_longer(run, example)):
        longer = replace(run, steps=steps)
        try:
            return longer, *_read_as(longer, graph, example, name)
        except InputError as error:
            first = first or error
    raise first or InputError(Diagnostic("example_input", "has no axis that is time"))


def _longer(run: Any, example: Any) -> list[int]:
    """Numbers of steps that the network may have where all of its neurons have fewer."""
    if not run.readings or any(reading.time_axis is None for reading in run.readings) or run.encoding == "direct":
        return []
    return sorted({size for size in example.shape[:3] if size > run.steps})


def _read_as(run: Any, graph: Any, example: Any, name: str) -> tuple[Network, Any, dict[int, Any]]:
    from neurocomp.frontend.freezing.emit import emit
    from neurocomp.frontend.freezing.example_axes import input_layouts
    from neurocomp.frontend.freezing.lower import Lowering

    failures: list[tuple[int, InputError]] = []
    mixed: set[bool] = set()
    squeezed = any(reading.squeezes for reading in run.readings)
    readings = input_layouts(tuple(example.shape), run.steps, run.encoding, squeezed)
    if not readings:
        raise _no_reading(example, run)
    for layout, may_fold in [(layout, fold) for fold in (False, True) for layout in readings]:
        timed = layout.size_of("T") is not None
        if timed in mixed and layout.size_of("N") is None:
            continue  # what mixes the samples is not made right by taking all of them for one
        lowering = Lowering(graph, run.readings, run.steps, layout, may_fold)
        try:
            lowered = lowering.run()
            network = emit(lowered, run.readings, name, "torch")
        except InputError as error:
            failures.append((lowering.progress, error))
            mixed |= {timed} if lowering.mixes_samples else set()
            continue
        except _UNFORESEEN as error:
            failures.append((lowering.progress, _unforeseen(lowering, error)))
            continue
        assumed = (*_axes_read(layout, readings), *_assumptions(run, lowered, network))
        return replace(network, assumptions=assumed), layout, lowered.layouts
    # the reading that got furthest is the one whose problem is real; the first of several
    failed = max(failures, key=lambda failure: failure[0])[1]
    if mixed and run.counted is not None and run.steps not in example.shape[:2]:
        raise InputError([_counted_twice(run, example), *failed.diagnostics]) from failed
    raise failed


def _counted_twice(run: Any, example: Any) -> Diagnostic:
    """A loop in which a neuron written out is compared more than once per step seems to have more steps than it has."""
    return Diagnostic(
        run.counted or "the network",
        f"a membrane is compared with a threshold {run.steps} times in one forward pass, and no axis of the input "
        f"{tuple(example.shape)} is that long",
        "comparisons in one line of code are taken for one neuron's, which makes one per step",
        "give each a line of its own, or the neuron a module that declares its canonical form (docs/freezing.md)",
    )


def _no_reading(example: Any, run: Any) -> InputError:
    what = f"has shape {tuple(example.shape)}, in which no axis has the {run.steps} time steps that the module runs"
    hint = f'leave encoding="{run.encoding}" out if the input is the same at every step'
    return bad_input("example_input", what, hint=f"give {run.steps} steps, or {hint}")


SHOWN = 5  # names of layers in a sentence
_UNFORESEEN = (LookupError, TypeError, ValueError, AttributeError, AssertionError)


def _unforeseen(lowering: Any, error: Exception) -> InputError:
    """What Python says about a combination of layers that nobody thought of; it is no help to a user."""
    where = lowering.graph.path_of(lowering.graph.nodes[lowering.progress]) or "the network"
    hint = "freeze the network in parts to find the layers; please report it, with the whole message"
    failed = InputError(Diagnostic(where, "what leads here cannot be frozen", "it is a form nobody thought of", hint))
    failed.__cause__ = error
    return failed


def _axes_read(layout: Any, readings: list[Any]) -> Iterator[str]:
    """How the example was read, if its time axis might have been another one or none."""
    if len({one.axis_of("T") for one in readings}) < 2:
        return
    words = {"T": "time steps", "N": "samples"}
    named = [words.get(dim[0].kind, "") if len(dim) == 1 else "" for dim in layout.dims]
    axes = [word or str(size) for word, size in zip(named, layout.shape, strict=True)]
    yield f"the example's axes were taken for ({', '.join(axes)}); encoding= says whether inputs vary over time"


def _steps_read(lengths: Collection[int], steps: int) -> str:
    """Over which steps a mean or a sum goes, by the lengths of the sequences of which one was taken."""
    if not set(lengths) - {steps}:
        return f"the {steps} time steps"
    return f"the last {min(lengths)} of {steps} time steps" if len(lengths) == 1 else "the time steps that it is given"


def _assumptions(run: Any, lowered: Any, network: Network) -> tuple[str, ...]:
    found = [text for reading in run.readings for text in reading.assumptions]
    hosted = {(p.op.function, p.name.partition("#")[0]): None for p in network.projections if isinstance(p.op, Host)}
    found += [f"{function}{'' if path == function else f' in {path}'} runs on the host" for function, path in hosted]
    found += mixtures_told(network)
    for key, late in lowered.late.items():
        found.append(
            f"{run.readings[key].path}: its sequence has {run.steps - late} of the network's {run.steps} steps and "
            "takes the last ones; it is silent before"
        )
    normalised = sum(isinstance(part, _batch_norms()) for part in run.module.modules())
    if normalised:
        many = "batch normalisation is" if normalised == 1 else "batch normalisations are"
        found.append(f"{normalised} {many} folded into weights, biases and scales")
    time = lowered.readout.time
    if time in ("mean", "sum"):
        found.append(f"the output is read out as the {time} over {_steps_read(lowered.reduced, run.steps)}")
    elif isinstance(time, int) and run.steps > 1:
        found.append(f"the module returns the output of step {time} only; every step is read out here")
    if lowered.ignored:
        more = "another result" if lowered.ignored == 1 else f"{lowered.ignored} other results"
        found.append(f"the module returns {more} beside the output, which is left out")
    return tuple(found)


def _batch_norms() -> tuple[type, ...]:
    import torch

    return (torch.nn.modules.batchnorm._BatchNorm,)


def _sample(example: Any, layout: Any, steps: int, labels: Sequence[int] | None) -> Sample:
    """The example with samples first, then time if it has any."""
    tensor = example.detach().cpu()
    inputs = (tensor.float() if tensor.is_floating_point() else tensor).numpy()
    time = layout.axis_of("T")
    batch = layout.axis_of("N")
    if len(layout.dims[0]) > 1 and layout.dims[0][-1].kind == "T":  # samples after each other, step by step
        inputs, batch, time = inputs.reshape(-1, steps, *inputs.shape[1:]), 0, 1
    if batch is None:
        inputs, batch, time = inputs[None], 0, None if time is None else time + 1
    order = [batch, *([] if time is None else [time])]
    inputs = np.transpose(inputs, [*order, *(a for a in range(inputs.ndim) if a not in order)])
    classes = None if labels is None else np.asarray(labels)
    if classes is not None and classes.shape != inputs.shape[:1]:
        raise bad_input("labels", f"{classes.shape} labels for {inputs.shape[0]} samples")
    return Sample(inputs, steps, "direct" if time is None else "temporal", classes)


def _as_tensor(example: Any) -> Any:
    """The example as a tensor: a tensor, an array, or a tuple of one."""
    import torch

    if isinstance(example, tuple | list) and len(example) == 1:
        example = example[0]
    if isinstance(example, np.ndarray):
        example = torch.from_numpy(example.astype(np.float32) if example.dtype == np.float64 else example)
    if not isinstance(example, torch.Tensor) or example.ndim == 0:
        raise bad_input("example_input", f"is a {type(example).__name__}; one tensor or array is needed")
    if not example.numel():
        raise bad_input("example_input", f"has shape {tuple(example.shape)}, which is empty; give at least one sample")
    return example


def unwrapped(module: Any) -> Any:
    """The module inside torch.compile's or DataParallel's wrapper."""
    while type(module).__name__ in ("OptimizedModule", "DataParallel", "DistributedDataParallel"):
        module = getattr(module, "_orig_mod", None) or module.module
    return module


def _check_options(encoding: object, steps: object) -> None:
    if encoding not in (None, "direct", "temporal"):
        raise bad_input("encoding", f"{encoding!r} is neither direct nor temporal")
    if steps is not None and (not isinstance(steps, numbers.Integral) or steps < 1):
        raise bad_input("steps", f"is {steps!r}; a whole number of time steps, 1 at least, is needed")


def _check_mode(module: Any) -> None:
    """Layers that would mix samples or draw random numbers. Raises InputError naming all of them."""
    import torch

    if not isinstance(module, torch.nn.Module):
        hint = "build the network and load its weights first" if isinstance(module, dict) else ""
        raise bad_input("module", f"is a {type(module).__name__}, not a torch.nn.Module", hint=hint)
    found: list[Diagnostic] = []
    for path, child in module.named_modules():
        told = _unfit(child)
        if told is not None and not any(path.startswith(f"{known.where}.") for known in found):
            found.append(Diagnostic(path, *told))
    if found:
        raise InputError(found)


def _unfit(layer: Any) -> tuple[str, str, str] | None:
    """What is wrong with a layer before it is run, why, and what to do."""
    import torch

    kind = type(layer).__name__
    if isinstance(layer, torch.nn.modules.batchnorm._BatchNorm):
        mixes = "it would mix the samples of the batch"
        if layer.training:
            return f"{kind} is in training mode", mixes, "call module.eval() before freezing"
        if layer.running_mean is None:
            return f"{kind} has no running statistics", mixes, "train it with track_running_stats=True"
    if isinstance(layer, torch.jit.ScriptModule):
        hint = "build the network without torch.jit.script and load its weights"
        return "is compiled by torch.jit.script", "torch.export cannot follow what it does", hint
    if type(layer).__module__.startswith(_QUANTISED):
        hint = "freeze the float network; compile rounds weights to what the chip has"
        return f"{kind} is a quantised layer of torch", "its weights are packed for torch's own integer kernels", hint
    if "Dropout" in kind and layer.training and getattr(layer, "p", 1):
        return f"{kind} is in training mode", "it is random", "call module.eval() before freezing"
    return None


_QUANTISED = ("torch.ao.nn.quantized", "torch.nn.quantized", "torch.ao.nn.intrinsic.quantized")


def origin_of(readings: Any) -> str:
    """The framework of the neurons and its version."""
    frameworks = sorted({type(r.module).__module__.partition(".")[0] for r in readings if r.module is not None})
    names = []
    for name in frameworks:
        try:
            names.append(f"{name} {metadata.version(name)}")
        except metadata.PackageNotFoundError:
            names.append(name)
    return f"torch module ({', '.join(names)})" if names else "torch module"
