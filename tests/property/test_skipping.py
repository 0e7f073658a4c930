"""Schemes that skip spikes: the C counts are those of plain definitions, and what must hold for any spikes."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from neurocomp.chip.load import parse_profile
from neurocomp.chip.spike_array import SpikeArray, load_spike_array, spike_array_folder, spike_array_names
from neurocomp.errors import InputError
from neurocomp.simulate.engines.core import dealt_out, pack_rows, residual_masks, reuse_products
from neurocomp.simulate.engines.skipping import SpikeLayer, bit_and_product_density, masks_of, run_layers, unrolled

ARRAYS = {name: load_spike_array(name) for name in spike_array_names()}


@st.composite
def matrices(draw: st.DrawFn, most_rows: int = 40, most_columns: int = 20) -> np.ndarray:
    shape = draw(st.integers(1, most_rows)), draw(st.integers(1, most_columns))
    rng = np.random.default_rng(draw(st.integers(0, 2**32)))
    return rng.random(shape) < draw(st.floats(0, 1))


@st.composite
def spike_layers(draw: st.DrawFn) -> SpikeLayer:
    steps, positions = draw(st.integers(1, 9)), draw(st.integers(1, 20))
    rng = np.random.default_rng(draw(st.integers(0, 2**32)))
    spikes = rng.random((steps, positions, draw(st.integers(1, 40)))) < draw(st.floats(0, 0.6))
    return SpikeLayer("layer", spikes, draw(st.integers(1, 300)), draw(st.integers(1, 100)))


def residual_rows(rows: np.ndarray) -> np.ndarray:
    """What is left of each row of one tile, by definition."""
    left = rows.copy()
    for i, row in enumerate(rows):
        subsets = [
            j for j, other in enumerate(rows)
            if other.any() and not (other & ~row).any() and (j < i or not np.array_equal(other, row))
        ]  # fmt: skip
        if row.sum() > 1 and subsets:
            left[i] = row & ~rows[max(subsets, key=lambda j: (rows[j].sum(), -j))]
    return left


@settings(max_examples=150, deadline=None)
@given(matrices(), st.integers(1, 50))
def test_reuse_is_its_definition(rows, tile_rows):
    left = np.concatenate([residual_rows(rows[k : k + tile_rows]) for k in range(0, len(rows), tile_rows)])
    masks = masks_of(rows)
    assert residual_masks(masks, tile_rows).tolist() == masks_of(left).tolist()
    counts = reuse_products(masks, tile_rows)
    assert (counts.spikes, counts.residual) == (rows.sum(), left.sum())
    assert counts.repeated == (rows.any(axis=1) & ~left.any(axis=1)).sum()
    assert counts.searched == (rows.sum(axis=1) > 1).sum()


def packed_rows(rows: np.ndarray) -> int:
    """Rows of one group left after pairing, by definition."""
    waiting = [row for row in rows if row.any() and not row.all()]
    left = int(rows.all(axis=1).sum())
    while waiting:
        first = waiting.pop(0)
        left += 1
        partner = next((k for k, other in enumerate(waiting) if not (first & other).any()), None)
        if partner is not None:
            waiting.pop(partner)
    return left


@settings(max_examples=150, deadline=None)
@given(matrices(most_columns=8), st.integers(1, 4))
def test_packing_is_its_definition(rows, groups):
    many = np.concatenate([np.roll(rows, k, axis=1) for k in range(groups)])
    expected = sum(packed_rows(np.roll(rows, k, axis=1)) for k in range(groups))
    assert pack_rows(masks_of(many), len(rows), rows.shape[1]) == expected


@settings(max_examples=100, deadline=None)
@given(st.lists(st.integers(0, 50), max_size=60), st.integers(1, 12))
def test_dealing_out_is_its_definition(work, elements):
    load = [0] * elements
    for each in work:
        load[load.index(min(load))] += each
    assert dealt_out(np.array(work, np.int64), elements).tolist() == load


@settings(max_examples=80, deadline=None)
@given(spike_layers(), st.sampled_from(sorted(ARRAYS)))
def test_more_spikes_never_take_a_bit_sparse_array_less_time(layer, name):
    (cost,) = run_layers(ARRAYS[name], [layer])
    assert min(cost.compute, cost.stall, cost.neurons, cost.dram_bits, cost.additions) >= 0
    if name == "bit-sparse":
        repeats = -(-layer.outputs // 128)
        assert cost.compute == layer.spikes.sum() * repeats
        (reused,) = run_layers(ARRAYS["prosperity"], [layer])
        assert reused.additions <= cost.additions
    if name == "sato":
        assert cost.compute * 128 >= cost.additions
    if name == "eyeriss_snn":
        silent = SpikeLayer("layer", np.zeros_like(layer.spikes), layer.outputs, layer.neurons)
        assert run_layers(ARRAYS[name], [silent]) == (cost,)


@settings(max_examples=40, deadline=None)
@given(spike_layers())
def test_reuse_never_makes_a_matrix_denser(layer):
    bit, product = bit_and_product_density(ARRAYS["prosperity"].scheme, [layer])  # type: ignore[arg-type]
    assert product <= bit == pytest.approx(layer.spikes.mean())


def test_unrolling_takes_every_window():
    maps = np.arange(2 * 3 * 4 * 5).reshape(2, 3, 4, 5) % 3 == 0
    rows = unrolled(maps, 3, stride=1, padding=1)
    assert rows.shape == (2, 4 * 5, 27)
    centre = rows.reshape(2, 4, 5, 3, 3, 3)[..., 1, 1]
    assert np.array_equal(centre.transpose(0, 3, 1, 2), maps)
    with pytest.raises(InputError, match="does not fit"):
        unrolled(maps, 5)


def test_spikes_of_a_wrong_shape_are_named():
    with pytest.raises(InputError, match=r"shape \(3, 4\)"):
        run_layers(ARRAYS["ptb"], [SpikeLayer("layer", np.zeros((3, 4), bool), 1, 1)])


@pytest.mark.parametrize("name", sorted(ARRAYS))
def test_every_number_has_a_source_and_a_kind(name):
    chip = ARRAYS[name]
    assert chip.name == name
    assert [path for path, origin in chip.provenance.items() if origin.kind == "unstated" or not origin.source] == []
    assert set(chip.sources.values()) == {origin.source for origin in chip.provenance.values()}


def test_an_unknown_scheme_is_named():
    text = (spike_array_folder() / "ptb.yaml").read_text().replace("scheme: time_batch", "scheme: time_bach")
    with pytest.raises(InputError, match=r"scheme"):
        parse_profile(text, "mine.yaml", SpikeArray)
