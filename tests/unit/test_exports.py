"""What other programs read: Accelergy's files, timelines for Perfetto, pandas tables, notebooks."""

from __future__ import annotations

import builtins
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml

from neurocomp.commands.formats import check_timeline, formats_of
from neurocomp.commands.job import Job
from neurocomp.energy.table import tabulate
from neurocomp.errors import InputError
from neurocomp.report.accelergy import accelergy_files
from neurocomp.report.perfetto import timeline
from neurocomp.simulate.timeline import closely
from tests.reports import HOSTILE, made_up, small_chip, small_run
from tests.unit.test_training_page import report  # noqa: F401

# --- Accelergy --------------------------------------------------------------------------------------------


def test_counts_times_energies_are_the_dynamic_energy() -> None:
    """What Accelergy's own tool would do with both files."""
    chip = small_chip()
    program, simulation, _ = small_run(chip)
    files = accelergy_files(simulation, chip)
    assert files == accelergy_files(simulation, chip) and set(files) == {"action_counts.yaml", "ERT.yaml"}
    counts, tables = yaml.safe_load(files["action_counts.yaml"]), yaml.safe_load(files["ERT.yaml"])
    assert counts["action_counts"]["version"] == tables["ERT"]["version"] == 0.3
    energy = {t["name"]: {a["name"]: a["energy"] for a in t["actions"]} for t in tables["ERT"]["tables"]}
    cores, spent, counted = f"chip.core[0..{chip.cores - 1}]", 0.0, 0
    for place in counts["action_counts"]["subtree"]:
        where = place["name"] if place["name"] == "chip.shared" else cores
        for component in place["local"]:
            for action in component["action_counts"]:
                known = energy.get(f"{where}.{component['name']}", {})
                spent += action["counts"] * known.get(action["name"], 0.0)
                counted += action["counts"]
    table = tabulate(simulation, chip, program.cores_used)
    assert spent == pytest.approx((table.total_aj - sum(table.static_aj.values())) / 1e6, rel=1e-12)
    assert counted == sum(row.count for row in simulation.counters.rows)


def test_unknown_costs_are_left_out_and_named() -> None:
    from neurocomp.chip.catalog import load_chip

    chip = load_chip("loihi")
    _, simulation, _ = small_run(chip)
    unknown = {row.action for row in simulation.counters.rows} & set(tabulate(simulation, chip, 1).unknown)
    text = accelergy_files(simulation, chip)["ERT.yaml"]
    assert unknown and all(f"- name: {action.replace('.', '_')}\n" not in text for action in unknown)
    assert "# not known, and left out: " + ", ".join(sorted(a.replace(".", "_") for a in unknown)) in text


# --- timelines --------------------------------------------------------------------------------------------


def read(content: bytes) -> tuple[dict[int, Any], dict[int, list[Any]]]:
    """Descriptors and packets by track, from the bytes: there is no trace processor without a download."""
    protocol = pytest.importorskip("perfetto.protos.perfetto.trace.perfetto_trace_pb2")
    trace = protocol.Trace()
    trace.ParseFromString(content)
    tracks = {p.track_descriptor.uuid: p.track_descriptor for p in trace.packet if p.HasField("track_descriptor")}
    events: dict[int, list[Any]] = {uuid: [] for uuid in tracks}
    for packet in trace.packet:
        if packet.HasField("track_event"):
            events[packet.track_event.track_uuid].append(packet)
    return tracks, events


def test_a_timeline_has_every_core_and_engine() -> None:
    pytest.importorskip("perfetto")
    program, simulation, execution = small_run(small_chip())
    steps = list(closely(program, execution.trace, simulation, 0, 8))
    content = timeline(program, steps)
    assert content == timeline(program, steps)
    tracks, events = read(content)
    parents = {track.name: tracks[track.parent_uuid].name for track in tracks.values() if track.parent_uuid}
    busy = np.flatnonzero(sum(s.send_ps + s.receive_ps for s in steps))
    assert sum(name.startswith("core ") for name in parents) == busy.size > 1
    for uuid, track in tracks.items():
        begun, ended, last = 0, 0, 0
        for packet in events[uuid]:
            assert packet.timestamp >= last
            last = packet.timestamp
            begun += packet.track_event.type == 1
            ended += packet.track_event.type == 2
        assert begun == ended
        if track.name == "steps":
            assert [p.track_event.name for p in events[uuid] if p.track_event.name.startswith("step ")] == [
                f"step {k}" for k in range(8)
            ]
            assert last == sum(s.total_ps for s in steps) // 1000
    sending = [
        note.int_value for uuid, track in tracks.items() if track.name == "sending" for packet in events[uuid]
        for note in packet.track_event.debug_annotations if packet.track_event.name == "sending"
    ]  # fmt: skip
    assert sum(sending) == sum(int(s.send_ps.sum()) for s in steps)


def test_counters_are_those_of_the_steps() -> None:
    pytest.importorskip("perfetto")
    program, simulation, execution = small_run(small_chip())
    steps = list(closely(program, execution.trace, simulation, 2, 6))
    tracks, events = read(timeline(program, steps))
    counters = {
        t.name: [p.track_event.counter_value for p in events[u]] for u, t in tracks.items() if t.HasField("counter")
    }
    assert counters["spikes per step"] == [*(s.spikes for s in steps), 0]
    assert counters["packets per step"] == [*(int(s.packets.sum()) for s in steps), 0]
    flits = [sum(values) for name, values in counters.items() if name.startswith("flits ")]
    most = sorted(sum(s.link_flits for s in steps).tolist(), reverse=True)
    assert flits == [n for n in most[: len(flits)] if n]


def trace_processor() -> str:
    """Perfetto's own program: from the PATH, or as its package downloads and checks it (pinned digest)."""
    platform = pytest.importorskip("perfetto.trace_processor.platform")
    found = shutil.which("trace_processor_shell")
    if found is not None:
        return found
    try:
        return platform.PlatformDelegate().get_shell_path(None)
    except Exception as error:  # of curl, of the file system, of a platform that has none
        pytest.skip(f"no trace_processor_shell on the PATH, and it cannot be fetched: {' '.join(str(error).split())}")


def test_the_trace_processor_reads_it(tmp_path: Path) -> None:
    from perfetto import trace_processor as api

    shell = trace_processor()
    program, simulation, execution = small_run(small_chip())
    (tmp_path / "x.pftrace").write_bytes(timeline(program, list(closely(program, execution.trace, simulation, 0, 4))))
    config = api.TraceProcessorConfig(bin_path=shell)
    with api.TraceProcessor(trace=str(tmp_path / "x.pftrace"), config=config) as processor:
        names = [row.name for row in processor.query("select name from slice where name like 'step %' order by ts")]
        counted = [row.value for row in processor.query(
            "select value from counter join track on track.id = track_id where name = 'spikes per step' order by ts"
        )]  # fmt: skip
        broken = next(iter(processor.query("select count(*) as n from stats where severity = 'error' and value > 0"))).n
    steps = list(closely(program, execution.trace, simulation, 0, 4))
    assert names == [f"step {k}" for k in range(4)]
    assert counted == [*(step.spikes for step in steps), 0] and broken == 0


def without(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    real = builtins.__import__

    def refuse(module: str, *rest: Any) -> Any:
        if module.partition(".")[0] == name:
            raise ImportError(module)
        return real(module, *rest)

    monkeypatch.setattr(builtins, "__import__", refuse)


def test_what_is_not_installed_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as patch:
        without(patch, "perfetto")
        with pytest.raises(InputError, match=r'needs perfetto, which is not installed\n  next: pip install "neuroc'):
            check_timeline((0, 8), Path("x"))
    with monkeypatch.context() as patch:
        without(patch, "pandas")
        with pytest.raises(InputError, match=r"needs pandas, which is not installed\n  next: pip install"):
            made_up().to_dataframe()


@pytest.mark.parametrize(
    ("text", "message"),
    [("8", "is '8'; chip steps are needed"), ("a:b", "chip steps are needed"), ("-1:3", "chip steps are needed"),
     ("8:8", "is 8:8; one to 512 steps"), ("0:513", "is 0:513; one to 512 steps"), ("9:2", "one to 512 steps")],
)  # fmt: skip
def test_steps_that_cannot_be_looked_at(text: str, message: str) -> None:
    with pytest.raises(InputError, match=message):
        Job(trace=text)


def test_steps_are_counted_as_slices_are() -> None:
    assert Job(trace="0:8").traced == (0, 8) and Job(trace=" 100:612 ").traced == (100, 612) and Job().traced is None
    assert formats_of("accelergy,json") == ("accelergy", "json") and "accelergy" not in Job().files


# --- pandas and notebooks ---------------------------------------------------------------------------------


def test_a_table_of_layers() -> None:
    pandas = pytest.importorskip("pandas")
    result = made_up()
    frame = result.to_dataframe()
    assert isinstance(frame, pandas.DataFrame) and list(frame.index) == [layer.name for layer in result.layers]
    assert frame["energy_aj"].sum() == sum(layer.energy_aj for layer in result.layers)
    assert frame["energy_pj_per_inference"].sum() == pytest.approx(frame["energy_aj"].sum() / 4e6)
    assert frame["sparsity"].isna().tolist() == [False, False, True] and frame.attrs["chip"] == "tiny"
    assert HOSTILE in frame.index  # a table for programs holds names as they are


def test_notebooks_show_all_stages(report) -> None:  # noqa: F811
    program, simulation, execution = small_run(small_chip())
    for shown in (program.network, program.chip, program, execution, simulation, made_up(), report):
        html = shown._repr_html_()
        assert html.startswith(("<b>", "<table>")) and html.count("<table>") == html.count("</table>") >= 1
    assert "<script>" not in report._repr_html_() and "&lt;script&gt;" in report._repr_html_()
