"""Spike traces: packing, counting, notebooks, files."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from neurocomp.activity.execute import execute
from neurocomp.activity.trace import pack, unpack
from neurocomp.activity.trace_file import load_trace
from neurocomp.errors import InputError
from tests.random_networks import inputs_for, networks


@given(st.integers(1, 40), st.integers(0, 2**32 - 1))
def test_packing_is_reversible_and_element_k_is_bit_k(size, seed):
    flags = np.random.default_rng(seed).random((3, size)) < 0.5
    bits = pack(flags)
    np.testing.assert_array_equal(unpack(bits, size), flags)
    k = size - 1
    np.testing.assert_array_equal(bits[:, k // 8] >> (k % 8) & 1, flags[:, k])


@settings(max_examples=20, deadline=None)
@given(network=networks())
def test_a_trace_survives_its_file(network, tmp_path_factory):
    trace = execute(network, inputs_for(network, 2, 3), record=[p.name for p in network.populations]).trace
    folder = tmp_path_factory.mktemp("trace")
    trace.save(folder / "a.npz")
    again = load_trace(folder / "a.npz")
    assert again.digest == trace.digest
    again.save(folder / "b.npz")
    assert (folder / "a.npz").read_bytes() == (folder / "b.npz").read_bytes()


@pytest.fixture
def stored(tmp_path):
    from neurocomp.network import Linear, Network, Neuron, Population, Projection

    network = Network(
        (Population("in", (9,)), Population("out", (4,), Neuron(threshold=0.1))),
        (Projection("w", "in", "out", Linear(np.ones((4, 9), np.float32))),),
        ("in",),
        "out",
    )
    trace = execute(network, np.ones((1, 3, 9), np.float32)).trace
    trace.save(tmp_path / "t.npz")
    return trace, tmp_path / "t.npz"


def test_what_is_counted_is_what_is_there(stored):
    trace, _ = stored
    assert trace.populations["out"].spike_count == trace.dense("out").sum() == 12
    assert "12 spikes of 4 elements" in trace._repr_html_()


def test_damaged_and_missing_files_are_named(stored, tmp_path):
    _, path = stored
    content = path.read_bytes()
    for cut in range(0, len(content), max(1, len(content) // 25)):
        path.write_bytes(content[:cut])
        with pytest.raises(InputError, match=r"t\.npz"):
            load_trace(path)
    with pytest.raises(InputError, match="there is no such file"):
        load_trace(tmp_path / "absent.npz")


def test_a_trace_with_a_changed_spike_is_refused(stored, tmp_path):
    _, path = stored
    with np.load(path) as file:
        arrays = dict(file)
    arrays["1.spikes"] = arrays["1.spikes"] ^ 1
    np.savez_compressed(path, **arrays)
    with pytest.raises(InputError, match="do not match its checksum"):
        load_trace(path)
