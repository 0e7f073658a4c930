"""Operators that mix time steps: parallel spiking neurons (Fang et al. 2023), a look ahead, and whatever is made of all
steps together (attention or a maximum over time)."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from neurocomp.network.shapes import Shape, ShapeMismatch, frozen_array, spelt

if TYPE_CHECKING:
    from neurocomp.network.graph import Network


@dataclass(frozen=True, eq=False)
class OverTime:
    """Element by element, the target at step t is offset[t] + sum over s of weight[t, s] * source at step s.

    weight: float32 (steps, steps); offset: float32 (steps,). Sums run over s from 0 up, starting from the offset.
    The target needs all steps of its source before its first (if weights of later steps are not zero), so a network is
    run in segments (activity/segments.py) and no loop may lead through it. The target is a relay without bias.
    units: in integer arithmetic, as for functions of the host: real value of one integer that arrives and of one that
    leaves; not needed where values are only moved.
    """

    weight: np.ndarray
    offset: np.ndarray
    units: tuple[float, float] | None = None

    def __post_init__(self) -> None:
        for name in ("weight", "offset"):
            object.__setattr__(self, name, frozen_array(np.asarray(getattr(self, name), np.float32)))

    @property
    def steps(self) -> int:
        return self.offset.size

    @property
    def block(self) -> int:
        """Elements that are mixed with each other within a step: each is alone."""
        return 1

    @cached_property
    def moves(self) -> bool:
        """Whether values go to other steps as they are (or nowhere), and none are added up."""
        plain = bool(((self.weight == 0) | (self.weight == 1)).all()) and not self.offset.any()
        return plain and bool(((self.weight != 0).sum(axis=1) <= 1).all())

    @cached_property
    def ahead(self) -> int:
        """How many steps later than its own the last one is that some step needs."""
        later, earlier = np.nonzero(self.weight)[::-1]
        return max(0, int((later - earlier).max(initial=0)))

    def target_shape(self, source: Shape) -> Shape:
        return source


@dataclass(frozen=True, eq=False)
class AllSteps:
    """One of the signals of which the target is a function of all steps at once: attention over time, a maximum or a
    mean over the steps in the middle of a network, layers that take the steps for channels.

    function: a network of relays in float32 that sees the steps as elements: each of its inputs is one of the signals,
    (steps, *source shape) flat, its output (steps, *target shape) flat; it is run once per sample. port: the input that
    this source feeds. The target is a relay without bias; what arrives at it is one such projection for each input of
    one function. units: as for :class:`OverTime`.
    """

    function: Network
    port: str
    steps: int
    shape: Shape
    units: tuple[float, float] | None = None

    @property
    def ahead(self) -> int:
        """How many steps later than its own the last one is that some step needs."""
        return self.steps - 1

    def target_shape(self, source: Shape) -> Shape:
        port, output = (self.function.by_name.get(name or "") for name in (self.port, self.function.output))
        if port is None or self.port not in self.function.inputs or output is None:
            raise ShapeMismatch(f"{self.port!r} is no input of the function of all steps, or that has no output")
        for what, size, shape in (("takes", port.size, source), ("gives", output.size, self.shape)):
            if size != self.steps * math.prod(shape):
                found = f"a function of {self.steps} steps of {spelt(shape)} elements {what} {size} of them"
                raise ShapeMismatch(found)
        return self.shape


def look_ahead(steps: int, by: int) -> OverTime:
    """The source as it will be ``by`` steps later; nothing after the last step."""
    return OverTime(np.eye(steps, k=by, dtype=np.float32), np.zeros(steps, np.float32))
