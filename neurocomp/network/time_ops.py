"""The operator that mixes time steps: parallel spiking neurons (Fang et al. 2023) and their like."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from neurocomp.network.shapes import Shape, frozen_array


@dataclass(frozen=True, eq=False)
class OverTime:
    """Element by element, the target at step t is offset[t] + sum over s of weight[t, s] * source at step s.

    weight: float32 (steps, steps); offset: float32 (steps,). Sums run over s from 0 up, starting from the offset.
    The target needs all steps of its source before its first (if weights of later steps are not zero), so a network is
    run in segments (activity/segments.py) and no loop may lead through it. The target is a relay without bias.
    """

    weight: np.ndarray
    offset: np.ndarray

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

    def target_shape(self, source: Shape) -> Shape:
        return source
