"""Small spaces and outcomes for tests of sweeps."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from neurocomp.chip.load import parse_profile
from neurocomp.sweep.outcome import METRIC_NAMES, Outcome
from neurocomp.sweep.sample import Point
from neurocomp.sweep.space import Space
from tests.nir_files import chain, lif, node, sink, source, write

SPACE = """\
schema: neurocomp/sweep/1
networks: [{network}]
chips: [loihi2, generic]
input: {inputs}
axes:
  chip.noc.hop_east_west.energy_pj: [1, 2, 30]
  run.steps: [3]
  run.noc: [bound]
objectives: {{energy_pj: min, latency_ns: min}}
"""


def make_files(folder: Path) -> Path:
    """A network, inputs and a space of six points in a folder; returns the space's file."""
    import numpy as np

    rng = np.random.default_rng(0)
    layers = ("input", source(6)), ("fc", node("Linear", weight=rng.normal(size=(4, 6)).astype(np.float32)))
    write(folder / "net.nir", chain(*layers, ("lif", lif(np.full(4, 5e-4))), ("output", sink(4))))
    np.savez(folder / "x.npz", x=rng.random((3, 6)).astype(np.float32), y=np.array([0, 1, 2]))
    file = folder / "space.yaml"
    file.write_text(SPACE.format(network=folder / "net.nir", inputs=folder / "x.npz"))
    return file


def space(**changed: Any) -> Space:
    """A space of nothing in particular."""
    tree = {"schema": "neurocomp/sweep/1", "networks": ["n"], "chips": ["c"], **changed}
    return Space.model_validate(tree)


def space_of(text: str) -> Space:
    return parse_profile(text, "space.yaml", Space)


def outcome(number: int, metrics: dict[str, float | None], status: str = "ok", **settings: Any) -> Outcome:
    """An outcome with these metrics; the others are unknown."""
    full = {**dict.fromkeys(METRIC_NAMES), **metrics}
    point = Point("n", "c", tuple(settings.items()))
    return Outcome(f"{number:064x}", point, status, "" if status == "ok" else "too small\n  why: x", full, {}, "1")  # type: ignore[arg-type]
