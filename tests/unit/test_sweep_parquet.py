"""points.parquet holds what points.csv does; pyarrow is needed for nothing else."""

from __future__ import annotations

import csv
import io
import sys
from pathlib import Path

import pytest

from neurocomp.commands.sweep import Sweep
from neurocomp.errors import InputError
from neurocomp.sweep.parquet import points_parquet
from neurocomp.sweep.tables import points_csv
from tests.sweeps import make_files, outcome

OUTCOMES = [
    outcome(1, {"energy_pj": 0.1 + 0.2}, effort="=fast", cores=1, scale=1, exact=True),
    outcome(2, {}, status="does not fit", effort="best", cores=2**70, scale=0.5, exact=False),
]


def test_columns_and_values_are_those_of_the_csv_file() -> None:
    pytest.importorskip("pyarrow")
    import pyarrow.parquet

    table = pyarrow.parquet.read_table(io.BytesIO(points_parquet(OUTCOMES)))
    rows = list(csv.reader(io.StringIO(points_csv(OUTCOMES))))
    assert table.column_names == rows[0]
    kinds = {name: str(table.schema.field(name).type) for name in table.column_names}
    assert kinds["energy_pj"] == "double" and kinds["effort"] == "string" and kinds["exact"] == "bool"
    assert kinds["scale"] == "double" and kinds["cores"] == "double"
    assert table["energy_pj"].to_pylist() == [0.1 + 0.2, None] and table["scale"].to_pylist() == [1.0, 0.5]
    assert table["effort"].to_pylist() == ["=fast", "best"]
    assert table["key"].to_pylist() == [row[-1] for row in rows[1:]]


def test_equal_outcomes_give_equal_bytes() -> None:
    pytest.importorskip("pyarrow")
    assert points_parquet(OUTCOMES) == points_parquet(list(OUTCOMES))


def test_the_command_writes_it_if_asked_to(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    pytest.importorskip("pyarrow")
    import pyarrow.parquet

    from neurocomp.commands.sweep import run_sweep

    file = make_files(tmp_path)
    run_sweep(file, Sweep(tmp_path / "plain", 1, quiet=True))
    run_sweep(file, Sweep(tmp_path / "both", 1, quiet=True, parquet=True))
    assert not (tmp_path / "plain" / "points.parquet").exists()
    table = pyarrow.parquet.read_table(tmp_path / "both" / "points.parquet")
    assert table.num_rows == len((tmp_path / "both" / "points.csv").read_text().splitlines()) - 1 == 6
    assert capsys.readouterr().out == ""


def test_without_pyarrow_the_option_is_refused_before_anything_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    with pytest.raises(InputError, match="Parquet files need pyarrow") as caught:
        Sweep(parquet=True)
    assert "pip install 'neurocomp[parquet]'" in str(caught.value)
    Sweep()
