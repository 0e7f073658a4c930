"""examples/06_federated, a small run of it: it learns, its shards are what they say, and a round has a price."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

SCRIPT = Path(__file__).parents[2] / "examples" / "06_federated" / "federated.py"


@pytest.fixture(scope="module")
def example() -> ModuleType:
    spec = importlib.util.spec_from_file_location("federated_example", SCRIPT)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["federated_example"] = module
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize("kind", ["even", "classes"])
def test_every_image_is_with_one_worker(example: ModuleType, kind: str) -> None:
    settings = example.Settings(shards=kind)
    images, _ = example.data(settings)
    shards = example.split(images, settings)
    assert len(shards) == 5 and sum(len(shard.labels) for shard in shards) == 350
    rows = np.concatenate([shard.inputs.reshape(len(shard.labels), -1) for shard in shards])
    assert sorted(map(bytes, rows)) == sorted(map(bytes, images.inputs.reshape(350, -1)))
    digits = [len(set(shard.labels)) for shard in shards]
    assert min(digits) == 10 if kind == "even" else max(digits) <= 4


def test_a_small_run_learns_and_has_a_price(example: ModuleType) -> None:
    rounds, price = example.learn(example.Settings(workers=2, rounds=2, local_steps=6, batch=16, steps=2, images=200))
    assert len(rounds) == 2 and rounds[1].loss < rounds[0].loss
    assert price.workers == 2 and price.cost.total_ns > price.cost.compute_ns > 0
    assert price.cost.bits == 2 * 2 * 16 * (144 + 4608 + 1280), "weights, both ways, of two workers"
    assert price.cost.energy_pj is None and price.least_energy_pj > 0, "static power is not known"
