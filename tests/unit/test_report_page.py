"""The HTML page, the tables and the advice: what they say, that they are safe, and that chance plays no part."""

from __future__ import annotations

import csv
import io
import itertools
import re
from dataclasses import replace
from html.parser import HTMLParser

import numpy as np
import pytest

from neurocomp.commands.formats import formats_of, result_writers
from neurocomp.errors import InputError
from neurocomp.report.advice import advice
from neurocomp.report.csv import cores_csv, layers_csv
from neurocomp.report.model import Result
from neurocomp.report.page.figures import SERIES, grouped_bars, kept_and_rest, series, stacked_bars
from neurocomp.report.page.mesh import mesh_map
from neurocomp.report.units import label
from tests.reports import HOSTILE, made_up, small_result

VOID = {"meta", "br", "hr", "img", "input", "link"}


class _Walk(HTMLParser):
    """Collects tags and text, and checks that every tag is closed where it should be."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self.open and self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text.append(data)


def walked(page: str) -> _Walk:
    walk = _Walk()
    walk.feed(page)
    assert not walk.open
    return walk


@pytest.fixture(scope="module")
def result() -> Result:
    return small_result()


def test_the_page_is_one_small_file_that_asks_for_nothing(result: Result) -> None:
    page = result.to_page()
    walk = walked(page)
    assert len(page.encode()) < 1_000_000
    assert not {"script", "iframe", "object", "img", "link"} & {tag for tag, _ in walk.tags}
    for _, attributes in walk.tags:
        for name in ("src", "href", "xlink:href"):
            assert (attributes.get(name) or "#").startswith("#")
        assert not any(name.startswith("on") for name in attributes)
    assert not re.search(r"@import|url\((?!#)", page)
    assert page == result.to_page()


@pytest.mark.parametrize("make", [made_up, small_result])
def test_hostile_names_are_text(make) -> None:
    result = make()
    name = "<script>alert(1)</script>$x^2$&amp;"
    layers = tuple(replace(layer, name=name) for layer in result.layers)
    page = replace(result, layers=layers, network=replace(result.network, name=name)).to_page()
    walk = walked(page)
    assert "script" not in {tag for tag, _ in walk.tags}
    assert any("<script>alert(1)</script>$x^2$&amp;" in text for text in walk.text)


def test_the_answer_stands_first(result: Result) -> None:
    page = result.to_page()
    assert re.findall("<h2>(.*?)</h2>", page)[:8] == [
        "What bounds it", "Energy", "Sparsity and synaptic operations", "The chip", "Time per step", "Cores and memory",
        "Mapping", "NeuroBench",
    ]  # fmt: skip
    text = " ".join(walked(page).text)
    first = text[: text.index("What bounds it")]
    assert all(name in first for name in ("Energy per inference", "Latency", "Power", "Fit", "Accuracy on the chip"))
    for value in result.values:
        assert value.path in text
    assert result.chip.sha256 in text and result.run.trace_sha256 in text


def test_every_section_of_a_full_report_is_there() -> None:
    text = " ".join(walked(made_up().to_page()).text)
    for part in (
        "Warning: energy is a lower bound", "a lower bound: some costs are not known", "≥ ", "metis partition",
        "The chip differs from the network as trained", "the weather", "something was assumed", "as trained",
    ):  # fmt: skip
        assert part in text
    assert HOSTILE not in text


def test_figures_follow_the_theme_and_not_the_clock() -> None:
    bars = stacked_bars(["a & b", "c"], {"x": [1, 2], "y": [0, 3]}, "energy")
    lines = series({"one": (np.arange(3), np.arange(3)), "two": (np.arange(3), np.ones(3))}, "step", "ns")
    cells = np.array([[0.5, np.nan], [1.0, 0.0]])
    chip = mesh_map(cells, (np.ones((2, 1)), np.zeros((1, 2))), "share")
    for svg in (bars, lines, chip):
        walked(svg)
        assert svg.startswith("<svg") and "var(--ink)" in svg and "#0102" not in svg
        assert not re.search(r"20\d\d-\d\d-\d\d", svg)
    assert "a &amp; b" in bars and bars == stacked_bars(["a & b", "c"], {"x": [1, 2], "y": [0, 3]}, "energy")


def test_an_axis_of_whole_numbers_has_no_ticks_between_them_and_lines_end_below_its_top() -> None:
    epochs = np.arange(1.0, 5.0)
    whole, shares = (series({"a": (x, np.full(4, 800.0))}, "epoch", "updates") for x in (epochs, epochs / 3))
    ticks = [float(text) for text in re.findall(r">([0-9.]+)</text>", whole)]
    assert ticks and all(tick == int(tick) for tick in ticks)
    assert re.search(r">[0-9]\.[1-9]", shares)
    assert re.search(r">1(\.0)?</text>", series({"a": (epochs, np.zeros(4))}, "epoch", "updates"))


def test_what_has_no_known_cost_is_not_said_to_cost_nothing(result: Result) -> None:
    known = result.energy.by_unit
    dynamic = result.energy.total_aj - known["static"]
    spent = {**known, "synapse": 0, "neuron": 0, "routing": 0, "memory": 0}
    energy = replace(result.energy, by_unit=spent, total_aj=result.energy.total_aj - dynamic, chip_wide_aj=0)
    energy = replace(energy, unknown=("packet_in", "synaptic_operation.conv"))
    assert energy.unknown_units == ("synapse", "routing")
    poorer = replace(result, energy=energy)
    text = " ".join(" ".join(walked(poorer.to_page()).text).split())
    assert "synapse unknown" in text and "routing unknown" in text and "neuron 0" in text
    assert "the dynamic part is not known" in text and "0 dynamic" not in text
    assert "100 % less of the energy that is known" in text
    assert re.search(r"synapse +unknown +and not in the total", poorer.to_text())


def test_csv_holds_the_totals(result: Result) -> None:
    layers = list(csv.DictReader(io.StringIO(layers_csv(result))))
    assert [row["layer"] for row in layers] == [layer.name for layer in result.layers]
    assert sum(int(row["energy_aj"]) for row in layers) == sum(layer.energy_aj for layer in result.layers)
    cores = list(csv.DictReader(io.StringIO(cores_csv(result))))
    assert len(cores) == result.fit.cores_used
    assert sum(int(row["neurons"]) for row in cores) == result.fit.neurons
    assert max(int(row["busy_ps"]) for row in cores) == result.timing.busiest_core_ps
    assert sum(int(row["busy_ps"]) for row in cores) == result.timing.all_cores_ps
    inputs = sum(layer.energy_aj for layer in result.layers if layer.role == "input")
    dynamic = result.energy.total_aj - result.energy.by_unit["static"] - result.energy.chip_wide_aj
    assert sum(int(row["energy_aj"]) for row in cores) in (dynamic, dynamic - inputs)
    fullest = result.fit.fullest
    assert max(float(row["share"]) for row in cores) == pytest.approx(fullest.share)


def test_steps_sum_to_the_run(result: Result) -> None:
    bins = result.steps
    assert bins[0].first == 0 and bins[-1].last == result.timing.chip_steps - 1
    assert all(a.last + 1 == b.first for a, b in itertools.pairwise(bins))
    total = sum(b.mean_ps * (b.last - b.first + 1) for b in bins)
    assert total == pytest.approx(result.timing.total_ps)
    assert max(b.max_ps for b in bins) == result.timing.step_max_ps
    for b in bins:
        assert b.compute_ps + b.routing_ps + b.barrier_ps == pytest.approx(b.mean_ps)


def test_advice_is_the_largest_part_of_time_and_of_energy(result: Result) -> None:
    found = advice(result)
    assert 1 <= len(found) <= 2 and [a.share for a in found] == sorted((a.share for a in found), reverse=True)
    time = max(bound.time_ps for bound in result.timing.bounds) / result.timing.total_ps
    energy = max(result.energy.by_unit.values()) / result.energy.total_aj
    assert {a.share for a in found} <= {time, energy}


def test_formats() -> None:
    assert formats_of("json,html,json") == ("json", "html") and formats_of("none") == ()
    with pytest.raises(InputError, match="there is no format 'htm'\n  next: did you mean html"):
        formats_of("htm,json")


def test_writers_write_what_was_asked_for(tmp_path, result: Result) -> None:
    for writer in result_writers(result, formats_of("json,txt,html,csv")):
        writer(tmp_path)
    assert {p.name for p in tmp_path.iterdir()} == {
        "result.json",
        "report.txt",
        "report.html",
        "layers.csv",
        "cores.csv",
    }


def test_bars_leave_nothing_out() -> None:
    names = [f"layer{k}" for k in range(60)]
    parts = [{"a": float(k), "b": 1.0} for k in range(60)]
    shown, values = kept_and_rest(names, parts)
    assert len(shown) == 41 and shown[-1] == "20 other layers" and shown[0] == "layer20"
    assert sum(values["a"]) == sum(range(60)) and sum(values["b"]) == 60
    many = {f"part{k}": [float(k + 1), 1.0] for k in range(len(SERIES) + 3)}
    svg = stacked_bars(["x", "y"], many, "energy")
    assert "part0" not in svg and "other" in svg and f"part{len(SERIES) + 2}" in svg
    assert "other" not in stacked_bars(["x"], {f"part{k}": [1.0] for k in range(len(SERIES))}, "energy")
    grouped = grouped_bars(["x", "y"], {"one": [1, 2], "two <b>": [3, 4]}, "energy")
    walked(grouped)
    assert "two &lt;b&gt;" in grouped and grouped == grouped_bars(
        ["x", "y"], {"one": [1, 2], "two <b>": [3, 4]}, "energy"
    )


def test_a_mesh_of_thousands_stays_small() -> None:
    cells = np.arange(64 * 64, dtype=float).reshape(64, 64) / 4096
    cells[0, :5] = np.nan
    svg = mesh_map(cells, (np.ones((64, 63)), np.zeros((63, 64))), "share")
    walked(svg)
    assert len(svg) < 200_000
    filled = [path for path in re.findall("<path [^>]*>", svg) if "fill-opacity" in path]
    assert sum(path.count("M") for path in filled) == 64 * 64 - 5
    lines = [path for path in re.findall("<path [^>]*>", svg) if "stroke-width" in path and 'fill="none"' in path]
    assert sum(path.count("M") for path in lines) == 64 * 63  # links without load are not drawn


def test_a_page_of_a_large_result_stays_below_a_megabyte() -> None:
    result = made_up()
    layers = tuple(replace(result.layers[1], name=f"a_rather_long_name.of_layer_{k}") for k in range(60))
    cores = tuple(replace(result.cores[0], core=k, x=k % 64, y=k // 64) for k in range(4000))
    flits = tuple(tuple((k, k, k, k) for k in range(64)) for _ in range(64))
    routing = replace(result.routing, link_flits=flits, link_stalls=flits)
    page = replace(result, layers=layers, cores=cores, routing=routing).to_page()
    assert len(page.encode()) < 1_000_000 and page.count("<svg") == 5


def test_sections_with_nothing_in_them_are_left_out() -> None:
    result = made_up()
    routing = replace(result.routing, links=(), packets=0, link_flits=(((0, 0, 0, 0),),))
    page = replace(result, routing=routing, not_modelled=()).to_page()
    assert "<h2>The chip</h2>" not in page and "<h2>Not modelled</h2>" not in page and "<h2>Assumed</h2>" in page


def test_labels_keep_both_ends() -> None:
    assert label("features.stage1.block2.conv3", 16) == "featur...2.conv3"
    assert label("short\x1b") == "short?" and len(label("x" * 500)) == 28
