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
    link = rng.integers(0, 6, pointer[-1]).astype(np.int32)
    kind, kinds = np.arange(6) % 2, np.zeros((2, length.size), np.int64)
    for k in range(length.size):
        for each in link[pointer[k] : pointer[k + 1]]:
            kinds[each % 2, k] += 1
    assert np.array_equal(links.links_by_kind(pointer, link, kind, 2), kinds)


def test_no_links_are_no_sums() -> None:
    none = np.zeros(0, np.int32)
    assert links.links_by_kind(np.zeros(3, np.int64), none, np.zeros(4, np.int64), 2).tolist() == [[0, 0], [0, 0]]
