"""The operator that mixes time steps: parallel spiking neurons (Fang et al. 2023), a look ahead, and their like."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from neurocomp.network.shapes import Shape, frozen_array


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

    def multiplications(self, elements: int) -> int:
        """Of one sample with so many elements per step; none where values are only moved."""
        return 0 if self.moves else int(np.count_nonzero(self.weight)) * elements

    def target_shape(self, source: Shape) -> Shape:
        return source


def look_ahead(steps: int, by: int) -> OverTime:
    """The source as it will be ``by`` steps later; nothing after the last step."""
    return OverTime(np.eye(steps, k=by, dtype=np.float32), np.zeros(steps, np.float32))
