"""From a file and the code that belongs to it to a frozen network: weights and a factory, or a pickled module.

What the axes of the example mean to the module is found out by running it: one step at a time, with its own loop, or
on whole sequences with time first or samples first. The result must take the samples as they were given.
"""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

import numpy as np

from neurocomp.errors import Diagnostic, InputError, bad_input
from neurocomp.frontend.checkpoint import Weights, read_old_torch, read_safetensors, unwrap
from neurocomp.frontend.classes import is_module, load_module
from neurocomp.frontend.frozen import is_frozen, need_torch
from neurocomp.frontend.pt2_module import module_of
from neurocomp.frontend.sniff import sniff
from neurocomp.frontend.strict import load_strictly
from neurocomp.frontend.torchfile import is_exported, is_old_torch, read_saved
from neurocomp.frontend.usercode import Source, UserCode
from neurocomp.network.graph import Network, Sample

COMPARED, COMPARED_VALUES = 8, 2**20
"""Samples on which every spike is compared with the module, at most, and input values in all of them."""
NOISE_SAMPLES = 4


@dataclass(frozen=True, eq=False)
class Example:
    """What a module is frozen with. inputs: (samples, *shape), or (samples, steps, *shape) if they vary over time;
    labels: one per sample; steps: time steps; encoding: if it is known which of the two; noise: made up here."""

    inputs: np.ndarray
    labels: np.ndarray | None = None
    steps: int | None = None
    encoding: Literal["direct", "temporal"] | None = None
    noise: bool = False

    @classmethod
    def of_shape(cls, shape: tuple[int, ...], steps: int | None) -> Example:
        """Uniform noise in 0 to 1, always the same."""
        inputs = np.random.default_rng(0).random((NOISE_SAMPLES, *shape), np.float32)
        return cls(inputs, None, steps, "direct", True)


def freeze_file(path: Path | None, source: str | None, example: Example) -> Network:
    """Freeze what a file and the user's code make together.

    path: weights (.pt, .safetensors) or a pickled module; None: the code returns a trained network. source:
    ``net.py:build``; may be None for modules of library classes only. Raises InputError.
    """
    with _opened(path, source) as (module, name, notes, code):
        return _frozen(module, example, name, notes, code)


@contextlib.contextmanager
def open_module(path: Path, source: str | None) -> Iterator[tuple[Any, str, tuple[str, ...]]]:
    """The live module of a file and its code in eval mode, its name, and what was unwrapped for it.

    What goes wrong in the user's code within the block is told with file and line.
    """
    with _opened(path, source) as (module, name, notes, code), _placed(code):
        yield module.to("cpu").eval(), name, notes


@contextlib.contextmanager
def _opened(path: Path | None, source: str | None) -> Iterator[tuple[Any, str, tuple[str, ...], UserCode | None]]:
    need_torch()
    parsed = None if source is None else Source.parse(source)
    if path is not None and parsed is not None and path.suffix == ".py" and _same(path, parsed.path):
        path = None
    if parsed is None:
        if path is None:
            raise bad_input("--source", "is missing: there is neither a file nor code")
        with _quiet():
            yield _library_module(path), path.stem, (), None
        return
    with UserCode(parsed) as code, _quiet():
        module, notes = _module(path, code)
        yield module, (path or parsed.path).stem, notes, code


def _library_module(path: Path) -> Any:
    """A pickled module of library classes. Raises InputError for what is not one."""
    from neurocomp.frontend.contents import describe, stateless, weights_alone

    kind = sniff(path)
    if kind in ("safetensors", "onnx"):
        raise weights_alone(path) if kind == "safetensors" else stateless(path)
    if kind != "torch":
        raise bad_input(str(path), "is no torch module: it needs no example", hint="leave --input-shape away")
    if is_exported(path):
        return module_of(path)
    pickled = _pickled(path)
    if is_frozen(pickled.value):
        raise bad_input(str(path), "is frozen already")
    if not is_module(pickled):
        raise describe(path, pickled)
    return load_module(path, pickled, None)


def _same(one: Path, other: Path) -> bool:
    return one.exists() and one.samefile(other)


def _module(path: Path | None, code: UserCode) -> tuple[Any, tuple[str, ...]]:
    """The user's network with its weights, and what was unwrapped for that."""
    if path is None:
        return code.built(), ()
    kind = sniff(path)
    if kind == "safetensors":
        return _with_weights(code, read_safetensors(path), path)
    if kind != "torch":
        raise bad_input("--source", f"does not go with {path}, which holds a whole network", hint="leave it away")
    pickled = _pickled(path, old=True)
    weights = unwrap(pickled if isinstance(pickled, dict) else pickled.value)
    if weights is not None:
        return _with_weights(code, weights, path)
    if not isinstance(pickled, dict) and is_frozen(pickled.value):
        raise bad_input("--source", f"does not go with {path}, which is frozen already", hint="leave it away")
    if isinstance(pickled, dict) or not is_module(pickled):
        raise bad_input(str(path), "holds neither weights nor a pickled module")
    return load_module(path, pickled, code), ()


def _with_weights(code: UserCode, weights: Weights, path: Path) -> tuple[Any, tuple[str, ...]]:
    from neurocomp.frontend.freeze import unwrapped

    module = unwrapped(code.built())
    return module, load_strictly(module, weights, str(path))


def _pickled(path: Path, old: bool = False) -> Any:
    """The pickle of a torch file, read and not run; for files of torch before 1.6 (``old``) what torch loads."""
    if old and is_old_torch(path):
        content = read_old_torch(path)
        return content if isinstance(content, dict) else {}
    return read_saved(path)


def _frozen(module: Any, example: Example, name: str, notes: tuple[str, ...], code: UserCode | None) -> Network:
    """Freeze under the first reading of the example's axes that the module runs with."""
    module = module.to("cpu").eval()
    runs: list[tuple[int, InputError]] = []
    failures: list[InputError] = []
    for way in _ways(example, module):
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
    from neurocomp.frontend.freezing.sinabs import squeezed_samples

    return example.steps is None and example.encoding != "temporal" and squeezed_samples(module) is not None


@dataclass(frozen=True, eq=False)
class _Way:
    """One reading of the axes. arranged: from samples first to what the module takes; steps, encoding: for freeze;
    varies: whether the example varies over time; note: what was assumed; count: of samples, where the module takes
    so many only."""

    arranged: Callable[[np.ndarray], np.ndarray]
    steps: int | None
    encoding: Literal["direct", "temporal"] | None
    varies: bool
    samples: np.ndarray
    repeated: bool = False
    note: str = ""
    count: int | None = None


def _ways(example: Example, module: Any) -> list[_Way]:
    """The readings of the axes, the likeliest first: what the module's layers ask for, where they do."""
    from neurocomp.frontend.freezing.sinabs import squeezed_samples

    squeezed = squeezed_samples(module)
    separate = _separate_ways(example)
    if squeezed is None:
        return [*separate, *_joint_ways(example, None), *_joint_ways(example, 1)]
    return [*_joint_ways(example, squeezed if squeezed > 0 else None), *separate]


def _joint_ways(example: Example, count: int | None) -> list[_Way]:
    """Samples and steps as one axis, (samples * steps, ...); of one sample that is (steps, ...)."""
    x, steps = example.inputs, example.steps
    ways = []
    if x.ndim > 2 and x.shape[1] > 1 and example.encoding != "direct" and steps in (None, x.shape[1]):
        note = "" if example.encoding else f"the second axis of the inputs was taken for time ({x.shape[1]} steps)"
        ways.append(_Way(_flattened, x.shape[1], "temporal", True, x, False, note, count))
    if steps is not None and example.encoding != "temporal":
        note = "the module was given the same input at each step, as (samples * steps, ...)"
        ways.append(_Way(lambda a: np.repeat(a, steps, 0), steps, "temporal", False, x, True, note, count))
    return ways


def _flattened(inputs: np.ndarray) -> np.ndarray:
    return inputs.reshape(-1, *inputs.shape[2:])


def _separate_ways(example: Example) -> list[_Way]:
    x, steps = example.inputs, example.steps
    static = [_Way(lambda a: a, steps, None, False, x)]
    if steps is not None:
        first, second = "(steps, samples, ...)", "(samples, steps, ...)"
        said = "the module was given the same input at each step, as {}"
        static += [
            _Way(lambda a: np.repeat(a[None], steps, 0), steps, "temporal", False, x, True, said.format(first)),
            _Way(lambda a: np.repeat(a[:, None], steps, 1), steps, "temporal", False, x, True, said.format(second)),
        ]
    if x.ndim < 3 or example.encoding == "direct":
        return static
    note = "" if example.encoding else f"the second axis of the inputs was taken for time ({x.shape[1]} steps)"
    varying = [
        _Way(lambda a: np.moveaxis(a, 1, 0), x.shape[1], "temporal", True, x, False, note),
        _Way(lambda a: a, x.shape[1], "temporal", True, x, False, note),
    ]
    if example.encoding == "temporal":
        return varying
    if steps is None:
        return static + varying
    return varying + static if steps == x.shape[1] else static


def _try(
    module: Any, way: _Way, name: str, runs: list[tuple[int, InputError]], code: UserCode | None
) -> Network | None:
    """The network, or None if the module does not run so; ``runs`` then gets how many layers did, and the error.

    Raises InputError for what is wrong with the module.
    """
    from neurocomp.frontend.freeze import freeze
    from neurocomp.frontend.freezing.steps import run_steps

    few = way.arranged(_few(module, way))
    fixed = getattr(module, "fixed_shape", None)
    if fixed is not None and few.shape != fixed:
        what = f"has shape {few.shape} for the module, which was exported for {fixed}"
        hint = "give samples of the shape that it was exported with, and --steps"
        runs.append((0, bad_input("--input", what, hint=hint)))
        return None
    with _placed(code):
        try:
            run_steps(module, _tensor(few), way.steps, way.encoding)
        except InputError as error:
            if way.steps is None and error.diagnostics[0].where == "steps":
                raise StepsNeeded(_STEPS_NEEDED) from error
            runs.append(_furthest(module, _tensor(few), way.encoding, error, code))
            return None
        network = freeze(module, _tensor(few), steps=way.steps, encoding=way.encoding, name=name)
    sample = network.sample
    count = len(_few(module, way))
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
            runs.append((len(layers), _with_place(found, code)))
    return max(runs, key=lambda run: run[0]) if runs else (0, _with_place(error, code))


@contextlib.contextmanager
def _counted(module: Any, done: list[None]) -> Iterator[None]:
    """The list grows by one with every layer that has run."""
    handles = [child.register_forward_hook(lambda *_: done.append(None)) for child in module.modules()]
    try:
        yield
    finally:
        for handle in handles:
            handle.remove()


def _few(module: Any, way: _Way) -> np.ndarray:
    """A few samples, not as many as there are steps: the two axes must not be mistaken for each other. A module that
    takes one shape only gets as many as it takes."""
    samples, steps = way.samples, way.steps
    for count in getattr(module, "fixed_shape", ())[:2]:
        if count and way.arranged(samples[:1].repeat(count, 0)).shape == module.fixed_shape:
            return np.concatenate([samples] * -(-count // len(samples)))[:count]
    if way.count is not None:
        return np.concatenate([samples] * -(-way.count // len(samples)))[: way.count]
    each = max(samples[0].size * (steps or 1), 1)
    count = min(len(samples), COMPARED, max(COMPARED_VALUES // each, 2))
    if count == steps:
        count = count - 1 or 2
    return samples[:count] if count <= len(samples) else np.repeat(samples, count, 0)


def _finished(network: Network, way: _Way, example: Example, notes: tuple[str, ...]) -> Network:
    """The network with the whole example as its sample, and with what was assumed."""
    sample = network.sample
    steps = 1 if sample is None else sample.steps
    inputs = example.inputs.astype(np.float32) if example.inputs.dtype == np.float64 else example.inputs
    whole = Sample(inputs, steps, "temporal" if way.varies else "direct", example.labels)
    told = [*notes, way.note] if way.note else [*notes]
    if example.noise:
        told.append("the stored sample is noise (uniform in 0 to 1), no data: spikes and figures rest on it")
    return replace(network, sample=whole, assumptions=(*told, *network.assumptions))


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """Without torch's remarks about its own parts, which a user can do nothing about."""
    noisy = logging.getLogger("torch._library.triton")
    level = noisy.level
    noisy.setLevel(logging.ERROR)
    try:
        yield
    finally:
        noisy.setLevel(level)


@contextlib.contextmanager
def _placed(code: UserCode | None) -> Iterator[None]:
    """Errors that came through the user's code say where."""
    try:
        with contextlib.nullcontext() if code is None else code.told(through=True):
            yield
    except InputError as error:
        raise _with_place(error, code) from error.__cause__


def _with_place(error: InputError, code: UserCode | None) -> InputError:
    """The same error, with file and line if an exception of the user's code is behind it."""
    cause = error.__cause__
    if code is None or cause is None or isinstance(cause, InputError):
        return error
    place = code.place(cause)
    if place == str(code.source.path):
        return error
    first, *rest = error.diagnostics
    moved = Diagnostic(place, f"{first.where}: {first.what}", first.why, first.hint)
    placed = InputError([moved, *rest])
    placed.__cause__ = cause
    return placed


def _tensor(array: np.ndarray) -> Any:
    import torch

    return torch.from_numpy(np.ascontiguousarray(array.astype(np.float32) if array.dtype == np.float64 else array))
