"""GPU baselines: profiles, the kernels' bytes in closed form, and the grid of assumptions."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from neurocomp.chip.gpu import gpu_names, load_gpu
from neurocomp.errors import InputError
from neurocomp.simulate.gpu import BYTES, LayerTensors, Setting, gpu_traffic, kernels
from neurocomp.simulate.reductions import reductions, settings
from tests.ideal_traffic import ideal_bytes

STEPS = 4


def conv(batch: int, channels: int, size: int, outputs: int, out_size: int, kernel: int = 3) -> LayerTensors:
    name = f"{channels}@{size}-{outputs}@{out_size}-{kernel}"
    weights, rows = channels * outputs * kernel**2, batch * STEPS
    return LayerTensors(
        name, rows * channels * size**2, rows * outputs * out_size**2, weights, rows * weights * out_size**2
    )


def resnet18(batch: int) -> list[LayerTensors]:
    """At 224 pixels, without its first layer and its classifier."""
    layers, channels, size = [], 64, 56
    for outputs in (64, 128, 256, 512):
        for block in range(2):
            stride = 2 if block == 0 and outputs > 64 else 1
            smaller = size // stride
            layers += [conv(batch, channels, size, outputs, smaller), conv(batch, outputs, smaller, outputs, smaller)]
            layers += [conv(batch, channels, size, outputs, smaller, 1)] if channels != outputs else []
            channels, size = outputs, smaller
    return layers


def vgg16(batch: int) -> list[LayerTensors]:
    sizes = [(64, 224), (128, 112), (128, 112)] + [(256, 56)] * 3 + [(512, 28)] * 3 + [(512, 14)] * 3
    sources = [64, *(outputs for outputs, _ in sizes)]
    return [conv(batch, c, size, outputs, size) for c, (outputs, size) in zip(sources, sizes, strict=False)]


# percent less than a GPU with half precision fused and not, single precision fused and not, every access to DRAM
# (computed from the same per-tensor assumptions by another program)
GRID = {
    ("resnet18", 16, False): (60.1, 75.4, 80.1, 87.7), ("resnet18", 16, True): (51.5, 64.9, 75.7, 82.5),
    ("resnet18", 1, False): (44.2, 61.6, 72.1, 80.8), ("resnet18", 1, True): (42.1, 55.9, 71.1, 77.9),
    ("vgg16", 16, False): (64.5, 79.0, 82.3, 89.5), ("vgg16", 16, True): (53.5, 67.0, 76.8, 83.5),
    ("vgg16", 1, False): (59.4, 75.1, 79.7, 87.6), ("vgg16", 1, True): (50.9, 64.6, 75.5, 82.3),
}  # fmt: skip


@pytest.mark.parametrize(("network", "batch", "normalised"), GRID)
def test_the_grid_of_reductions(network: str, batch: int, normalised: bool) -> None:
    layers = {"resnet18": resnet18, "vgg16": vgg16}[network](batch)
    ours = ideal_bytes(layers, normalised=normalised)
    found = reductions(ours, layers, [load_gpu("a100")], normalised=normalised)
    assert tuple(round(r.percent, 1) for r in found[:4]) == GRID[network, batch, normalised]
    assert len({(r.setting.precision, r.setting.fused, r.setting.cached) for r in found}) == 8


def test_fetching_weights_at_every_step_can_cost_more_than_the_gpu() -> None:
    layers = resnet18(16)
    ours = ideal_bytes(layers, normalised=False, weight_reads=16 * STEPS)
    found = reductions(ours, layers, [load_gpu("a100")], normalised=False)
    assert tuple(round(r.percent, 1) for r in found[:4]) == (-40.9, 13.0, 29.6, 56.5)


@pytest.mark.parametrize("name", gpu_names())
def test_profiles_have_an_origin_for_every_number(name: str) -> None:
    gpu = load_gpu(name)
    assert gpu.name == name and all(origin.source and origin.kind for origin in gpu.provenance.values())
    for field in ("memory_gb_per_s", "l2_mib", "board_w"):
        assert gpu.provenance[field].value == getattr(gpu, field)


LAYERS = st.lists(
    st.builds(LayerTensors, st.uuids().map(str), *[st.integers(1, 10**7)] * 4), min_size=1, max_size=6,
    unique_by=lambda layer: layer.name,
)  # fmt: skip


@given(LAYERS, st.sampled_from(list(settings(True)) + list(settings(False))))
def test_traffic_is_the_sum_over_kernels_and_a_cache_only_saves_reads(
    layers: list[LayerTensors], setting: Setting
) -> None:
    gpu = load_gpu("a100")
    found = gpu_traffic(layers, gpu, setting)
    dense = gpu_traffic(layers, gpu, Setting(setting.precision, setting.fused, setting.normalised, cached=False))
    moved = [sum(size for _, size in k.reads + k.writes) for k in kernels(layers, setting)]
    assert dense.total_bytes == sum(moved)
    assert found.write_bytes == dense.write_bytes
    assert all(found.read_bytes[phase] <= dense.read_bytes[phase] for phase in dense.read_bytes)
    assert found.bound_ns <= dense.bound_ns
    v = BYTES[setting.precision]
    n_in, n_out, w = (sum(getattr(layer, field) for layer in layers) for field in ("inputs", "outputs", "weights"))
    neurons = 3 if setting.fused else 7
    norm = (3, 5) if setting.normalised else (0, 0)
    assert dense.total_bytes == v * (3 * n_in + 3 * w + n_out * (3 + 2 * neurons + sum(norm)))


def test_one_tensor_that_fits_is_read_once() -> None:
    tiny = [LayerTensors("a", 100, 100, 50, 5000)]
    gpu = load_gpu("orin")
    cached = gpu_traffic(tiny, gpu, Setting("fp32", True, False, cached=True))
    # from DRAM come: the image, the weights, and the loss's gradient; the rest was just written or read
    assert sum(cached.read_bytes.values()) == 4 * (100 + 50 + 100)
    assert cached.dram_pj is None


def test_time_is_bound_by_arithmetic_or_memory() -> None:
    gpu = load_gpu("a100")
    heavy = gpu_traffic([LayerTensors("a", 1, 1, 1, 10**12)], gpu, Setting("fp32", True, False))
    assert heavy.bound_ns == pytest.approx(3 * 2 * 10**12 / 19.5e3, rel=1e-6)
    light = gpu_traffic([LayerTensors("a", 10**9, 1, 1, 1)], gpu, Setting("fp32", True, False))
    assert light.bound_ns == pytest.approx(light.total_bytes / 1555, rel=1e-6)
    assert light.dram_pj == pytest.approx(light.total_bytes * 8 * 3.9)


def test_wrong_profiles_and_nothing_to_train(tmp_path: Path) -> None:
    text = Path(__file__).parents[2].joinpath("chips/gpu/a100.yaml").read_text()
    (tmp_path / "bad.yaml").write_text(text.replace("l2_mib: {value: 40", "l2_mb: {value: -40"))
    with pytest.raises(InputError) as caught:
        load_gpu(tmp_path / "bad.yaml")
    assert re.search(r"bad\.yaml:\d+:\d+: .*l2_mb", str(caught.value)) and "did you mean l2_mib?" in str(caught.value)
    with pytest.raises(InputError, match="there is no GPU profile or file of this name"):
        load_gpu("a10")
    with pytest.raises(InputError, match="there is nothing to train"):
        gpu_traffic([], load_gpu("a100"))
