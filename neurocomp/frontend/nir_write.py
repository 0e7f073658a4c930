"""Writes a network as a NIR file (layout of nir 1.0.8), with nothing but h5py.

NIR is continuous in time, so a time step is chosen and stored in the file's metadata, from where our reader takes it;
other readers pass it over. The file is read back before it gets its name: neurons that came out otherwise would be
our mistake, and none is written then.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from neurocomp.errors import bad_input, check_failed
from neurocomp.files import remove_stale, whole_file
from neurocomp.frontend.nir import read_nir
from neurocomp.frontend.nir_file import STORED_DISCRETISE, STORED_DT, STORED_RESET
from neurocomp.frontend.nir_graph import Described, describe
from neurocomp.frontend.nir_neurons import DEFAULT_DT_S
from neurocomp.frontend.nir_words import Word, neuron_word
from neurocomp.network.graph import Network
from neurocomp.network.verify import verify

LAYOUT = "1.0.8"
SMALL = 64
"""Arrays of fewer elements are not packed."""


def write_nir(network: Network, path: str | Path, *, dt_s: float | None = None) -> tuple[str, ...]:
    """Write a network as a NIR file and return remarks on it, in sentences.

    dt_s: time step in seconds that the neurons' time constants are to be counted in (1e-4 if not given, as the usual
    tools take it). Raises InputError with everything in the network that NIR has no words for, before anything is
    written.
    """
    path = Path(path)
    dt_s = DEFAULT_DT_S if dt_s is None else dt_s
    if not (math.isfinite(dt_s) and 1e-12 <= dt_s <= 1e6):
        raise bad_input("--dt", f"is {dt_s:g} s; 1e-12 to 1e6 are possible")
    verify(network)
    described = describe(network, dt_s)
    try:
        remove_stale(path.parent)
        with whole_file(path) as temporary:
            _write(temporary, described, dt_s, network)
            _check_back(network, described, temporary, dt_s)
    except OSError as error:
        why = error.strerror or str(error)
        raise bad_input(str(path), "cannot be written", why=why, hint="give another file: -o") from error
    return described.remarks


def _write(path: Path, described: Described, dt_s: float, network: Network) -> None:
    import h5py

    with h5py.File(path, "w") as file:
        file["version"] = LAYOUT
        root = file.create_group("node")
        root["type"] = "NIRGraph"
        root.create_dataset("edges", data=np.array(described.edges, dtype=h5py.string_dtype()))
        nodes = root.create_group("nodes")
        for name, word in sorted(described.nodes.items()):
            _put(nodes.create_group(name), {"type": word.type, **_values(word)})
        stored = {STORED_DT: np.array(dt_s), STORED_DISCRETISE: "euler", STORED_RESET: "zero"}
        stored |= {"writer": "neurocomp", "neurocomp_origin": network.origin[:1000]}
        _put(root.create_group("metadata"), stored)


def _values(word: Word) -> Mapping[str, np.ndarray | str]:
    return {"shape": np.array(word.shape)} if word.type in ("Input", "Output") else word.values


def _put(group: Any, values: Mapping[str, np.ndarray | str]) -> None:
    for key, value in values.items():
        packed = isinstance(value, np.ndarray) and value.size >= SMALL
        group.create_dataset(key, data=value, **({"compression": "gzip"} if packed else {}))


def _check_back(network: Network, described: Described, path: Path, dt_s: float) -> None:
    """Raise CheckFailedError unless the file holds the same neurons."""
    found = read_nir(path).by_name
    for population in network.populations:
        if population.neuron is None:
            continue
        wanted = neuron_word(population, population.neuron, dt_s)
        back = found.get(described.names[population.name])
        again = None if back is None or back.neuron is None else neuron_word(back, back.neuron, dt_s)
        if again is None or not _alike(wanted, again):
            raise check_failed(population.name, "the NIR file would not hold these neurons as they are")


def _alike(one: Word, other: Word) -> bool:
    same = one.type == other.type and one.shape == other.shape and one.values.keys() == other.values.keys()
    return same and all(np.array_equal(one.values[key], other.values[key]) for key in one.values)
