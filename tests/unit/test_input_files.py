"""Input files: what is told of them before their values are read."""

from __future__ import annotations

import warnings
from pathlib import Path

import numpy as np
import pytest

import neurocomp
from neurocomp.errors import InputError
from neurocomp.inputs.prepare import prepare

DIGITS = Path(__file__).parents[2] / "examples" / "01_digits" / "net.pt"


def test_a_wrong_shape_is_told_before_the_values_are_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    network = neurocomp.load_network(DIGITS)
    np.savez_compressed(tmp_path / "x.npz", x=np.zeros((1 << 12, 64, 8), np.float32))
    monkeypatch.setattr(np.lib.format, "read_array", lambda *_, **__: pytest.fail("the values were read"))
    with pytest.raises(InputError, match=r"x has shape \(4096, 64, 8\); the network takes \(samples, 1, 8, 8\)"):
        prepare(network, tmp_path / "x.npz", None, None, None)


def test_labels_that_are_no_numbers_are_told_without_a_warning(tmp_path: Path) -> None:
    network = neurocomp.load_network(DIGITS)
    np.savez(tmp_path / "x.npz", x=np.zeros((2, 1, 8, 8)), y=np.array([0, np.nan]))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with pytest.raises(InputError, match="y holds labels that are not whole numbers"):
            prepare(network, tmp_path / "x.npz", None, None, None)
