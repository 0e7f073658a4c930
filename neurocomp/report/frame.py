"""The result as a table of pandas, for those who have it."""

from __future__ import annotations

from typing import Any

from neurocomp.errors import bad_input
from neurocomp.report.csv import layer_table
from neurocomp.report.model import Result


def to_dataframe(result: Result) -> Any:
    """One row per layer, indexed by its name; see Result.to_dataframe. ``attrs`` names network, chip and samples."""
    try:
        import pandas
    except ImportError as error:
        raise bad_input(
            "to_dataframe", "needs pandas, which is not installed", hint='pip install "neurocomp[pandas]"'
        ) from error
    heads, rows = layer_table(result)
    frame = pandas.DataFrame(list(rows), columns=list(heads)).set_index("layer")
    frame["sparsity"] = [None if layer.role == "readout" else layer.sparsity for layer in result.layers]
    frame["sparsity"] = frame["sparsity"].astype("float64")
    frame["energy_pj_per_inference"] = [layer.energy_aj / result.run.samples / 1e6 for layer in result.layers]
    frame.attrs = {"network": result.network.name, "chip": result.chip.name, "samples": result.run.samples}
    return frame
