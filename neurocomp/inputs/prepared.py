"""The data that a network is run on, as the engine takes it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from neurocomp.network.graph import Encoding


@dataclass(frozen=True, eq=False)
class Prepared:
    """Inputs as the engine takes them, (samples, steps, *shape), or None for a network without input.

    calibration: values of which the chip's input scale is chosen. encoding, seed: None where nothing was coded.
    """

    inputs: np.ndarray | None
    samples: int
    steps: int
    labels: np.ndarray | None
    calibration: np.ndarray | None
    encoding: Encoding | None
    seed: int | None
