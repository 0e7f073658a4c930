"""Sums over links, some classes at a time, against all at once."""

from __future__ import annotations

import numpy as np
import pytest

from neurocomp.simulate import links


@pytest.mark.parametrize("chunk", [1, 3, 7, 1000])
def test_spans_change_no_sum(chunk: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(links, "CHUNK", chunk)
    rng = np.random.default_rng(chunk)
    length = np.array([0, 2, 5, 0, 1, 4, 9, 0])
    pointer = np.concatenate([[0], np.cumsum(length)])
    link, spikes = rng.integers(0, 6, pointer[-1]).astype(np.int32), rng.integers(0, 9, length.size)
    expected, kinds = np.zeros(6, np.int64), np.zeros((2, length.size), np.int64)
    for k in range(length.size):
        for each in link[pointer[k] : pointer[k + 1]]:
            expected[each] += spikes[k]
            kinds[each % 2, k] += 1
    assert np.array_equal(links.packets_over(pointer, link, spikes, 6), expected)
    assert np.array_equal(links.links_by_kind(pointer, link, lambda some: some % 2, 2), kinds)


def test_no_links_are_no_sums() -> None:
    none = np.zeros(0, np.int32)
    assert not links.packets_over(np.zeros(1, np.int64), none, none.astype(np.int64), 3).any()
    assert links.links_by_kind(np.zeros(3, np.int64), none, lambda some: some, 2).tolist() == [[0, 0], [0, 0]]
