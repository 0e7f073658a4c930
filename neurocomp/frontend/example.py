"""What the axes of an example may mean to a module, the likeliest reading first.

An example has its samples first. A module may take one step of it, repeat it in a loop of its own, or want whole
sequences, with time or samples first, or both as one axis; live.py finds out which by running it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

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


@dataclass(frozen=True, eq=False)
class Way:
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


def ways_for(example: Example, module: Any) -> list[Way]:
    """The readings of the axes, the likeliest first: what the module's layers ask for, where they do."""
    from neurocomp.frontend.freezing.neurons.sinabs import squeezed_samples

    squeezed = squeezed_samples(module)
    separate = _separate_ways(example)
    if squeezed is None:
        return [*separate, *_joint_ways(example, None), *_joint_ways(example, 1)]
    return [*_joint_ways(example, squeezed if squeezed > 0 else None), *separate]


def _joint_ways(example: Example, count: int | None) -> list[Way]:
    """Samples and steps as one axis, (samples * steps, ...); of one sample that is (steps, ...)."""
    x, steps = example.inputs, example.steps
    ways = []
    if x.ndim > 2 and x.shape[1] > 1 and example.encoding != "direct" and steps in (None, x.shape[1]):
        note = "" if example.encoding else f"the second axis of the inputs was taken for time ({x.shape[1]} steps)"
        ways.append(Way(_flattened, x.shape[1], "temporal", True, x, False, note, count))
    if steps is not None and example.encoding != "temporal":
        note = "the module was given the same input at each step, as (samples * steps, ...)"
        ways.append(Way(lambda a: np.repeat(a, steps, 0), steps, "temporal", False, x, True, note, count))
    return ways


def _flattened(inputs: np.ndarray) -> np.ndarray:
    return inputs.reshape(-1, *inputs.shape[2:])


def _separate_ways(example: Example) -> list[Way]:
    x, steps = example.inputs, example.steps
    static = [Way(lambda a: a, steps, None, False, x)]
    if steps is not None:
        first, second = "(steps, samples, ...)", "(samples, steps, ...)"
        said = "the module was given the same input at each step, as {}"
        static += [
            Way(lambda a: np.repeat(a[None], steps, 0), steps, "temporal", False, x, True, said.format(first)),
            Way(lambda a: np.repeat(a[:, None], steps, 1), steps, "temporal", False, x, True, said.format(second)),
        ]
    if x.ndim < 3 or example.encoding == "direct":
        return static
    note = "" if example.encoding else f"the second axis of the inputs was taken for time ({x.shape[1]} steps)"
    varying = [
        Way(lambda a: np.moveaxis(a, 1, 0), x.shape[1], "temporal", True, x, False, note),
        Way(lambda a: a, x.shape[1], "temporal", True, x, False, note),
    ]
    if example.encoding == "temporal":
        return varying
    if steps is None:
        return static + varying
    return varying + static if steps == x.shape[1] else static


def few_samples(module: Any, way: Way) -> np.ndarray:
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
