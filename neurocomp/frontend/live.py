"""From a file and the code that belongs to it to a frozen network: weights and a factory, or a pickled module.

What the axes of the example mean to the module is found out by running it: one step at a time, with its own loop, or
on whole sequences with time first or samples first. The result must take the samples as they were given.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from neurocomp.errors import Diagnostic, InputError, ResourceLimitError, bad_input
from neurocomp.frontend.example import Example, Way, few_samples, ways_for
from neurocomp.frontend.module_file import opened
from neurocomp.frontend.usercode import UserCode, placed, with_place
from neurocomp.network.graph import Network, Sample

MOST_STEPS = 10_000


def freeze_file(path: Path | None, source: str | None, example: Example, key: str | None = None) -> Network:
    """Freeze what a file and the user's code make together.

    path: weights (.pt, .safetensors) or a pickled module; None: the code returns a trained network. source:
    ``net.py:build``; may be None for modules of library classes only. key: which of several
    state_dicts in the file. Raises InputError.
    """
    _check_steps(example)
    with opened(path, source, key) as (module, name, notes, code):
        return _frozen(module, example, name, notes, code)


def _check_steps(example: Example) -> None:
    steps = example.steps or 1
    if steps > MOST_STEPS:
        what = f"is {steps:,}; freezing runs the module, for at most {MOST_STEPS:,} steps"
        hint = "freeze it with fewer steps; the frozen network runs for as many as you like: compile net.ncomp --steps"
        raise ResourceLimitError(Diagnostic("--steps", what, hint=hint))


def _frozen(module: Any, example: Example, name: str, notes: tuple[str, ...], code: UserCode | None) -> Network:
    """Freeze under the first reading of the example's axes that the module runs with."""
    module = module.to("cpu").eval()
    runs: list[tuple[int, InputError]] = []
    failures: list[InputError] = []
    for way in ways_for(example, module):
        try:
            network = _try(module, way, name, runs, code)
        except StepsNeeded:
            raise  # other readings of the axes would only hide it
        except InputError as error:
            failures.append(error)
            continue
        if network is not None:
            origin = getattr(module, "origin", network.origin)
            told = (*notes, *([module.assumed] if hasattr(module, "assumed") else []))
            return _finished(replace(network, origin=origin), way, example, told)
    if not failures and _lacks_steps(module, example):
        raise StepsNeeded(_SQUEEZED_STEPS_NEEDED)
    # the way that got furthest is the one whose problem is real; the first of several
    raise failures[0] if failures else max(runs, key=lambda run: run[0])[1]


class StepsNeeded(InputError):
    """One call of the module is one step, and nothing says how many there are."""


_STEPS_NEEDED = Diagnostic(
    "--steps",
    "is needed: one forward pass of the module is one time step",
    hint="say how many steps to run: --steps T; with --encoding temporal if the inputs vary over time",
)


_SQUEEZED_STEPS_NEEDED = Diagnostic(
    "--steps",
    "is needed: the module takes samples and steps as one axis, and nothing says how many steps there are",
    hint=_STEPS_NEEDED.hint,
)


def _lacks_steps(module: Any, example: Example) -> bool:
    from neurocomp.frontend.freezing.neurons.sinabs import squeezed_samples

    return example.steps is None and example.encoding != "temporal" and squeezed_samples(module) is not None


def _try(module: Any, way: Way, name: str, runs: list[tuple[int, InputError]], code: UserCode | None) -> Network | None:
    """The network, or None if the module does not run so; ``runs`` then gets how many layers did, and the error.

    Raises InputError for what is wrong with the module.
    """
    from neurocomp.frontend.freeze import freeze
    from neurocomp.frontend.freezing.steps import run_steps

    few = way.arranged(few_samples(module, way))
    fixed = getattr(module, "fixed_shape", None)
    if fixed is not None and few.shape != fixed:
        what = f"has shape {few.shape} for the module, which was exported for {fixed}"
        hint = "give samples of the shape that it was exported with, and --steps"
        runs.append((0, bad_input("--input", what, hint=hint)))
        return None
    with placed(code):
        try:
            run_steps(module, _tensor(few), way.steps, way.encoding)
        except InputError as error:
            if way.steps is None and error.diagnostics[0].where == "steps":
                raise StepsNeeded(_STEPS_NEEDED) from error
            runs.append(_furthest(module, _tensor(few), way.encoding, error, code))
            return None
        network = freeze(module, _tensor(few), steps=way.steps, encoding=way.encoding, name=name)
    sample = network.sample
    count = len(few_samples(module, way))
    over_time = sample is not None and sample.encoding == "temporal"
    if sample is None or over_time != (way.varies or way.repeated) or sample.inputs.shape[0] != count:
        what = "the module takes the samples of the example for time steps"
        hint = "say what the axes are: --steps T, and --encoding temporal if the inputs vary over time"
        runs.append((0, bad_input("--input", what, hint=hint)))
        return None
    return network


def _furthest(
    module: Any, given: Any, encoding: str | None, error: InputError, code: UserCode | None
) -> tuple[int, InputError]:
    """(layers that ran, error) of a module that does not run so; of a temporal example as a whole, or of its first
    step, whichever gets further."""
    from neurocomp.frontend.freezing.export import read_neurons, record

    runs = []
    for part in (given, given[0]) if encoding == "temporal" else (given,):
        layers: list[None] = []
        try:
            with _counted(module, layers):
                record(module, part, read_neurons(module))
        except InputError as found:
            runs.append((len(layers), with_place(found, code)))
    return max(runs, key=lambda run: run[0]) if runs else (0, with_place(error, code))


@contextlib.contextmanager
def _counted(module: Any, done: list[None]) -> Iterator[None]:
    """The list grows by one with every layer that has run."""
    handles = [child.register_forward_hook(lambda *_: done.append(None)) for child in module.modules()]
    try:
        yield
    finally:
        for handle in handles:
            handle.remove()


def _finished(network: Network, way: Way, example: Example, notes: tuple[str, ...]) -> Network:
    """The network with the whole example as its sample, and with what was assumed."""
    sample = network.sample
    steps = 1 if sample is None else sample.steps
    inputs = example.inputs.astype(np.float32) if example.inputs.dtype == np.float64 else example.inputs
    whole = Sample(inputs, steps, "temporal" if way.varies else "direct", example.labels)
    told = [*notes, way.note] if way.note else [*notes]
    if example.noise:
        told.append("the stored sample is noise (uniform in 0 to 1), no data: spikes and figures rest on it")
    return replace(network, sample=whole, assumptions=(*told, *network.assumptions))


def _tensor(array: np.ndarray) -> Any:
    import torch

    return torch.from_numpy(np.ascontiguousarray(array.astype(np.float32) if array.dtype == np.float64 else array))
