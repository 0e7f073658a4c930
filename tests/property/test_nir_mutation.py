"""Damaged NIR files: whatever bytes change, the answer is a network or an InputError, soon and in little memory."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from neurocomp.errors import InputError, ResourceLimitError
from neurocomp.frontend.read import load_network
from neurocomp.network import Network
from tests.nir_files import chain, graph, lif, node, sink, source, write

RNG = np.random.default_rng(0)


def sample_file(path: Path) -> bytes:
    """A file with every kind of parameter: text, whole numbers, arrays, subgraphs, a loop."""
    inner = chain(("input", source(3)), ("lif", lif(tau=np.full(3, 2e-3))), ("output", sink(3)))
    conv = node(
        "Conv2d",
        weight=RNG.normal(size=(3, 2, 3, 3)),
        stride=[1, 1],
        padding="same",
        dilation=[1, 1],
        groups=1,
        bias=np.zeros(3),
    )
    nodes = {
        "input": source(2, 5, 5),
        "conv": conv,
        "pool": node("SumPool2d", kernel_size=[2, 2], stride=[2, 2], padding=[0, 0]),
        "flat": node("Flatten", start_dim=1, end_dim=-1, input_type=[3, 2, 2]),
        "fc": node("Affine", weight=RNG.normal(size=(3, 12)), bias=np.ones(3)),
        "sub": inner,
        "back": node("Linear", weight=np.eye(3)),
        "delay": node("Delay", delay=np.array([0, 1e-4, 2e-4])),
        "output": sink(3),
    }
    edges = [
        ("input", "conv"),
        ("conv", "pool"),
        ("pool", "flat"),
        ("flat", "fc"),
        ("fc", "sub"),
        ("sub", "back"),
        ("back", "sub"),
        ("sub", "delay"),
        ("delay", "output"),
    ]
    return write(path, graph(nodes, edges)).read_bytes()


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("damaged")


@pytest.fixture(scope="module")
def content(folder: Path) -> bytes:
    return sample_file(folder / "good.nir")


CHANGES = st.lists(
    st.tuples(st.floats(0, 1, exclude_max=True), st.binary(min_size=1, max_size=8)), min_size=1, max_size=12
)


def test_the_file_is_good_before_it_is_damaged(folder: Path, content: bytes) -> None:
    assert load_network(folder / "good.nir").neuron_count == 3
    assert len(content) < 50_000


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(changes=CHANGES, keep=st.one_of(st.just(1.0), st.floats(0, 1)))
def test_damage_is_always_bad_input(
    folder: Path, content: bytes, changes: list[tuple[float, bytes]], keep: float
) -> None:
    damaged = bytearray(content)
    for place, put in changes:
        at = int(place * len(content))
        damaged[at : at + len(put)] = put
    path = folder / "damaged.nir"
    path.write_bytes(damaged[: int(keep * len(damaged))])
    try:
        found = load_network(path)
    except (InputError, ResourceLimitError) as error:
        assert all(d.what and d.where for d in error.diagnostics)
        assert str(error).isprintable() or "\n" in str(error)
    else:
        assert isinstance(found, Network)
