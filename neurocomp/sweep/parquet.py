"""The outcomes of a sweep as a Parquet file, with the columns of points.csv, each with a type of its own."""

from __future__ import annotations

import io
from collections.abc import Sequence
from typing import Any

from neurocomp.errors import bad_input
from neurocomp.sweep.outcome import Outcome
from neurocomp.sweep.space import Scalar
from neurocomp.sweep.tables import metric_names


def check_pyarrow() -> Any:
    """The module. Raises InputError if it is not installed."""
    try:
        import pyarrow
        import pyarrow.parquet
    except ImportError:
        hint = "pip install 'neurocomp[parquet]'; points.csv holds the same without it"
        raise bad_input("--parquet", "Parquet files need pyarrow, which is not installed", hint=hint) from None
    return pyarrow


def points_parquet(outcomes: Sequence[Outcome]) -> bytes:
    """One row per point, as in ``points_csv``: metrics are float64, null where unknown; an axis whose values are all
    numbers is int64 or float64, others are text. Raises InputError if pyarrow is not installed."""
    pa = check_pyarrow()
    axes = dict.fromkeys(name for outcome in outcomes for name, _ in outcome.point.settings)
    text = pa.string()
    columns = {
        "network": pa.array([o.point.network for o in outcomes], text),
        "chip": pa.array([o.point.chip for o in outcomes], text),
        **{axis: _axis(pa, [dict(o.point.settings).get(axis) for o in outcomes]) for axis in axes},
        "status": pa.array([o.status for o in outcomes], text),
        **{name: pa.array([o.metrics.get(name) for o in outcomes], pa.float64()) for name in metric_names(outcomes)},
        "reason": pa.array([o.reason for o in outcomes], text),
        "key": pa.array([o.key for o in outcomes], text),
    }
    written = io.BytesIO()
    pa.parquet.write_table(pa.table(columns), written)
    return written.getvalue()


def _axis(pa: Any, values: Sequence[Scalar]) -> Any:
    known = {type(value) for value in values if value is not None}
    if known <= {bool}:
        return pa.array(values, pa.bool_())
    if known <= {int} and all(value is None or -(2**63) <= value < 2**63 for value in values):  # type: ignore[operator]
        return pa.array(values, pa.int64())
    if known <= {int, float}:
        return pa.array([None if value is None else float(value) for value in values], pa.float64())
    return pa.array([None if value is None else str(value) for value in values], pa.string())
