"""What targets listen to through chains of operators, against chains unrolled synapse by synapse."""

from __future__ import annotations

import math

import numpy as np
from hypothesis import event, given, settings
from hypothesis import strategies as st

from neurocomp.mapping.reach import Explicit, Reach, Renamed, Separable, Uniform, as_explicit, as_uniform, identity
from neurocomp.mapping.reach.through import through
from neurocomp.network import Factor, Op, Wiring
from neurocomp.network.structure import as_map
from tests.random_ops import ops, reductions, shapes, signal_ops
from tests.unrolled import unroll

Chain = tuple[tuple[int, ...], list[Op]]


@st.composite
def chains(draw: st.DrawFn) -> Chain:
    source = shape = draw(shapes())
    found: list[Op] = []
    for _ in range(draw(st.integers(1, 3))):
        op = draw(st.one_of(ops(shape), signal_ops(shape)))
        if math.prod(op.target_shape(shape)) > 400:
            break
        found.append(op)
        shape = op.target_shape(shape)
    return source, found


@st.composite
def attention(draw: st.DrawFn) -> Chain:
    """Channels cut into heads, multiplied, and the heads joined again."""
    heads, depth, tokens, other = (draw(st.integers(1, 4)) for _ in range(4))
    number = np.arange(heads * depth * tokens).reshape(heads, depth, tokens)
    rows_first = draw(st.booleans())
    split = number.transpose(0, 2, 1) if rows_first else number
    side = draw(st.sampled_from(["left", "right"]))
    first, second = split.shape[1:]
    rows, inner, columns = (first, second, other) if side == "left" else (other, first, second)
    factor = Factor(side, heads, rows, inner, columns, (heads, rows, columns))
    out = np.arange(heads * rows * columns).reshape(heads, rows, columns)
    joined = out.transpose(0, 2, 1) if draw(st.booleans()) else out
    shape = draw(st.sampled_from([(heads * joined.shape[1], joined.shape[2]), (heads, *joined.shape[1:])]))
    source = draw(st.sampled_from([(heads * depth, tokens), (heads * depth, 1, tokens)]))
    chain: list[Op] = [Wiring(split, split.shape), factor, Wiring(joined, shape)]
    if draw(st.booleans()):
        chain.append(draw(reductions(shape)))
    return source, chain


def heard(chain: Chain) -> tuple[Reach, np.ndarray]:
    """The reach, and by brute force whether each target listens to each source."""
    shape, steps = chain
    reach: Reach = identity(as_map(shape))
    table = np.eye(math.prod(shape), dtype=np.int64)
    for op in steps:
        table = np.minimum(unroll(op, shape) @ table, 1)
        reach = through(op, shape, reach)
        shape = op.target_shape(shape)
    return reach, table > 0


def listed(reach: Reach, targets: int) -> np.ndarray:
    if isinstance(reach, Uniform):
        mask = np.broadcast_to(reach.mask, reach.source).reshape(-1)
        return np.broadcast_to(mask, (targets, mask.size))
    explicit = as_explicit(reach, (1, 1, 1))
    assert isinstance(explicit, Explicit)
    found = np.zeros((targets, explicit.sources), bool)
    found[explicit.table.target_of, explicit.table.indices] = True
    return found


@settings(deadline=None)
@given(chain=st.one_of(chains(), attention()))
def test_no_source_is_missed_and_short_forms_are_exact(chain: Chain) -> None:
    reach, table = heard(chain)
    event(type(reach).__name__)
    found = listed(reach, table.shape[0])
    assert (found >= table).all()
    if not isinstance(reach, Uniform):
        assert (found == table).all()
    assert (listed(as_uniform(reach), table.shape[0]) >= table).all()


@given(chain=attention())
def test_heads_that_are_cut_and_joined_stay_short(chain: Chain) -> None:
    shape, steps = chain
    reach: Reach = identity(as_map(shape))
    for op in steps[:3]:
        reach = through(op, shape, reach)
        shape = op.target_shape(shape)
    assert isinstance(reach, Separable | Renamed)
