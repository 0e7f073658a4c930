"""The DVS-gesture network that ships with the sanafe package, built through our API and mapped as its tutorial does.

32x32 bias-driven inputs -> conv 15x15x16 (stride 2) -> 13x13x32 -> 11x11x64 -> 9x9x11 -> dense 11. Only the
package's data file is read (weights, thresholds, one input frame); nothing of its code is used.
"""

from __future__ import annotations

import importlib.util
from pathlib import Path

import numpy as np

from neurocomp.chip.spec import ChipSpec
from neurocomp.network import Conv, Linear, Network, Neuron, Population, Projection

CORES_PER_LAYER = (1, 4, 16, 16, 4, 1)
MESH_WIDTH, MESH_HEIGHT, CORES_PER_TILE = 8, 4, 4


def data_file() -> Path | None:
    """The network's data inside the installed package, or None."""
    spec = importlib.util.find_spec("sanafe")
    if spec is None or spec.origin is None:
        return None
    path = Path(spec.origin).parent / "examples" / "dvs_challenge.npz"
    return path if path.exists() else None


def dvs_network(path: Path) -> Network:
    """Integrate-and-fire neurons without leak, strict threshold, reset to zero; every synapse takes one step."""
    with np.load(path) as data:
        thresholds = [float(t) for t in data["thresholds"]]
        bias = data["inputs"].reshape(1, 32, 32).astype(np.float32)
        kernels = [data[f"conv{k}"].transpose(3, 2, 0, 1).astype(np.float32) for k in (1, 2, 3, 4)]
        dense = data["dense1"].T.astype(np.float32)
    populations = [Population("input", (1, 32, 32), _neuron(thresholds[0]), bias)]
    projections = []
    ops = [*(Conv(w, (s, s), (0, 0), (1, 1)) for w, s in zip(kernels, (2, 1, 1, 1), strict=True)), Linear(dense)]
    names = ("conv1", "conv2", "conv3", "conv4", "dense1")
    for name, op, threshold in zip(names, ops, thresholds[1:], strict=True):
        source = populations[-1]
        populations.append(Population(name, op.target_shape(source.shape), _neuron(threshold)))
        projections.append(Projection(f"{name}.synapses", source.name, name, op, delay=1))
    return Network(tuple(populations), tuple(projections), (), "dense1", name="dvs_challenge")


def tutorial_assignment(network: Network) -> dict[str, np.ndarray]:
    """Core of each neuron: each layer cut into equal runs of channel-first numbers, cores in the order of tiles.

    The peer numbers tiles column by column; a core here is (row * width + column) * cores per tile + k.
    """
    assignment, next_core = {}, 0
    for population, parts in zip(network.populations, CORES_PER_LAYER, strict=True):
        per_core = population.size // parts
        part = np.minimum(np.arange(population.size) // per_core, parts - 1)
        tile, slot = np.divmod(next_core + part, CORES_PER_TILE)
        column, row = np.divmod(tile, MESH_HEIGHT)
        core = (row * MESH_WIDTH + column) * CORES_PER_TILE + slot
        assignment[population.name] = core.reshape(population.shape)
        next_core += parts
    return assignment


def _neuron(threshold: float) -> Neuron:
    return Neuron(threshold=threshold, compare=">", reset="zero")


def without_axon_limits(chip: ChipSpec) -> ChipSpec:
    """The chip with neurons per core as its only limit, as the peer models it: the tutorial's mapping needs
    up to 14,400 outgoing axons on a core, more than the 4,096 that Loihi has."""
    limits = {"fan_in_axons_max": None, "fan_out_axons_max": None, "fan_in_max": None, "memories": ()}
    return chip.model_copy(update={"core": chip.core.model_copy(update=limits)})
