"""Layers over cores and engines side by side: against exhaustive search and against the graph of dependencies."""

from __future__ import annotations

from functools import cache
from itertools import combinations, pairwise

from hypothesis import given, settings
from hypothesis import strategies as st

from neurocomp.simulate.engines.layer import Layer, conv_layer
from neurocomp.simulate.schedule import StageTimes, flow_ps, split_over_cores

TIMES = st.integers(0, 50)


@st.composite
def stages(draw: st.DrawFn) -> StageTimes:
    cores = draw(st.integers(1, 4))
    forward, backward, gradient = (tuple(draw(TIMES) for _ in range(cores)) for _ in range(3))
    return StageTimes(forward, backward, gradient)


def longest_path(times: StageTimes, samples: int, steps: int) -> int:
    """The end of the last job, each starting when those it waits for are done."""
    last = len(times.forward_ps) - 1

    def earlier(sample: int, step: int) -> tuple[int, int]:
        """The job of the same engine before this one; steps in the order in which the engine takes them."""
        return (sample, step - 1) if step else (sample - 1, steps - 1)

    @cache
    def forward(sample: int, step: int, core: int) -> int:
        if sample < 0 or core < 0:
            return 0
        return max(forward(*earlier(sample, step), core), forward(sample, step, core - 1)) + times.forward_ps[core]

    @cache
    def backward(sample: int, step: int, core: int) -> int:
        """step counts from the end of the sample."""
        if sample < 0:
            return 0
        if core > last:
            return forward(sample, steps - 1, last)
        return max(backward(*earlier(sample, step), core), backward(sample, step, core + 1)) + times.backward_ps[core]

    @cache
    def gradient(sample: int, step: int, core: int) -> int:
        if sample < 0:
            return 0
        return max(gradient(*earlier(sample, step), core), backward(sample, step, core + 1)) + times.gradient_ps[core]

    ends = [f(samples - 1, steps - 1, core) for f in (forward, backward, gradient) for core in range(last + 1)]
    return max(ends)


@settings(max_examples=150, deadline=None)
@given(stages(), st.integers(1, 4), st.integers(1, 4))
def test_the_flow_is_the_longest_path(times, samples, steps):
    assert flow_ps(times, samples, steps) == longest_path(times, samples, steps)


@settings(max_examples=100, deadline=None)
@given(stages(), st.integers(1, 5), st.integers(1, 4))
def test_no_flow_beats_its_busiest_engine(times, samples, steps):
    jobs, total = samples * steps, flow_ps(times, samples, steps)
    every = (*times.forward_ps, *times.backward_ps, *times.gradient_ps)
    assert jobs * max(every) <= total <= jobs * sum(every)


@st.composite
def networks(draw: st.DrawFn) -> list[Layer]:
    count = draw(st.integers(1, 3))
    return [
        conv_layer(
            f"l{i}", (draw(st.integers(1, 20)), draw(st.integers(1, 50))), (draw(st.integers(3, 9)),) * 2, (3, 3)
        )
        for i in range(count)
    ]


def best_load(layers: list[Layer], cores: int, width: int) -> float:
    """Load of the busiest core over all ways to cut the slices into runs."""
    work = []
    for layer in layers:
        for first in range(0, layer.out_channels, width):
            work.append(layer.macs * min(width, layer.out_channels - first) / layer.out_channels)
    best = float("inf")
    for k in range(min(cores, len(work))):
        for cuts in combinations(range(1, len(work)), k):
            edges = [0, *cuts, len(work)]
            best = min(best, max(sum(work[a:b]) for a, b in pairwise(edges)))
    return best


@settings(max_examples=80, deadline=None)
@given(networks(), st.integers(1, 4))
def test_no_other_cut_relieves_the_busiest_core(layers, cores):
    parts = split_over_cores(layers, cores, 16, lambda layer: layer.macs)
    load = [0.0] * cores
    for part in parts:
        load[part.core] += part.piece.macs
    assert max(load) <= best_load(layers, cores, 16) * (1 + 1e-5)


@settings(max_examples=80, deadline=None)
@given(networks(), st.integers(1, 6))
def test_every_channel_is_on_one_core_and_cuts_are_multiples_of_the_width(layers, cores):
    parts = split_over_cores(layers, cores, 16, lambda layer: layer.macs)
    assert [part.core for part in parts] == sorted(part.core for part in parts)
    assert max(part.core for part in parts) < cores
    for layer in layers:
        mine = [part for part in parts if part.whole is layer]
        assert [part.first for part in mine] == [sum(p.piece.out_channels for p in mine[:k]) for k in range(len(mine))]
        assert sum(part.piece.out_channels for part in mine) == layer.out_channels
        assert all(part.first % 16 == 0 for part in mine)
        assert sum(part.piece.macs for part in mine) == layer.macs


def test_the_published_split_begins_as_ours():
    """Li et al. 2026 cut the first layers of S-ResNet18 over 20 cores into 48 + 16, 32 + 32, ... output channels
    (shapes of their published fragments); later cuts are coarser than ours."""
    layers, channels, size = [], 64, 56
    for outputs in (64, 128, 256, 512):
        for block in range(2):
            stride = (2, 2) if block == 0 and outputs > 64 else (1, 1)
            small = size // stride[0]
            layers.append(conv_layer(f"{outputs}.{block}a", (channels, outputs), (size,) * 2, (3, 3), stride=stride))
            layers.append(conv_layer(f"{outputs}.{block}b", (outputs,) * 2, (small,) * 2, (3, 3)))
            if channels != outputs:
                down = conv_layer(f"{outputs}.{block}d", (channels, outputs), (size,) * 2, (3, 3), stride=stride)
                layers.append(down)
            channels, size = outputs, small
    parts = split_over_cores(layers, 20, 16, lambda layer: layer.macs)
    cut = [part.piece.out_channels for part in parts]
    assert cut[:9] == [48, 16, 32, 32, 16, 48, 48, 16, 128]
    unit = 64 * 16 * 9 * 56 * 56
    load = [sum(p.piece.macs for p in parts if p.core == core) / unit for core in range(20)]
    assert sum(load) == 64 and max(load) <= 3.5
