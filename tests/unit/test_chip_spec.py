"""The typed chip: integer units, look-ups, provenance paths, round trips."""

from __future__ import annotations

import json

import pytest
from pydantic import ValidationError

from neurocomp.chip.datasheet import describe, rows
from neurocomp.chip.load import chip_from_json, parse_chip
from neurocomp.chip.part import Cost
from neurocomp.chip.power import Power
from neurocomp.chip.provenance import KINDS, Provenance
from neurocomp.chip.spec import ChipSpec
from tests.chip_text import TINY, tiny

TINY_CHIP = parse_chip(TINY)


@pytest.mark.parametrize(
    ("energy_pj", "latency_ns", "energy_aj", "latency_ps"),
    [
        (0.0, 0.0, 0, 0), (4.1, 4.1, 4_100_000, 4_100), (0.03, 0.001, 30_000, 1), (1e-6, 0.51, 1, 510),
        (None, 70.6, None, 70_600), (1e9, 1e9, 10**15, 10**12), (111, 5, 111_000_000, 5_000),
    ],
)  # fmt: skip
def test_costs_in_integers(energy_pj: float | None, latency_ns: float, energy_aj: int | None, latency_ps: int) -> None:
    cost = Cost(energy_pj=energy_pj, latency_ns=latency_ns)
    assert (cost.energy_aj, cost.latency_ps) == (energy_aj, latency_ps)


def test_power_in_microwatts() -> None:
    power = Power(static_mw=107.001, per_core_mw=None, host_mw=18)
    assert (power.static_uw, power.per_core_uw, power.host_uw) == (107_001, 0, 18_000)


@pytest.mark.parametrize("value", [-1.0, float("nan"), float("inf"), 1e10, 1e-9, "1", True])
def test_costs_out_of_bounds(value: object) -> None:
    with pytest.raises(ValidationError):
        Cost(energy_pj=value, latency_ns=1.0)
    with pytest.raises(ValidationError):
        Cost(energy_pj=1.0, latency_ns=value)


def test_frozen() -> None:
    with pytest.raises(ValidationError):
        TINY_CHIP.core.count = 3


@pytest.mark.parametrize(("used", "ps"), [(0, 600_000), (1, 600_000), (2, 1_000_000), (3, 1_000_000), (99, 1_400_000)])
def test_barrier_takes_the_largest_entry_not_above(used: int, ps: int) -> None:
    assert TINY_CHIP.barrier_ps(used) == ps


@pytest.mark.parametrize(
    ("line", "ps"),
    [("floor_ns: 1500", 1_500_000), ("period_ns: 2000", 2_000_000), ("period_ns: null", 0),
     ("floor_ns: 1\n  period_ns: 2", 2_000)],
)  # fmt: skip
def test_least_step(line: str, ps: int) -> None:
    assert parse_chip(tiny(("floor_ns: 1500", line))).step.least_ps == ps


def test_look_ups() -> None:
    assert (TINY_CHIP.cores, TINY_CHIP.neurons, TINY_CHIP.noc.routers) == (4, 4096, 4)
    assert TINY_CHIP.memory_of("neuron_state").name == "main"
    assert TINY_CHIP.memory_of("axons_in").size_bits == 65_536
    assert (TINY_CHIP.core.neuron_state_bits, TINY_CHIP.core.axon_in_bits, TINY_CHIP.core.axon_out_bits) == (32, 4, 16)
    without = parse_chip(tiny(("holds: [axons_in, axons_out]", "holds: [axons_in]")))
    assert without.memory_of("axons_out") is None
    assert TINY_CHIP.noc.link_flit_ps == 0


def test_provenance_of_a_value() -> None:
    assert TINY_CHIP.provenance["core.neurons_max"] == Provenance(
        value=1024, source="A. Author, A Paper, 2020", kind="measured", note="counted"
    )
    assert TINY_CHIP.provenance["core.count"] == Provenance(value=4, source="", kind="unstated")
    assert TINY_CHIP.provenance["core.memories[1].size_kib"].source == "a data sheet"
    assert TINY_CHIP.provenance["step.barrier_ns.4"].value == 1400
    assert TINY_CHIP.provenance["noc.input_port[1]"].value == 1


def test_provenance_of_a_group_reaches_its_values_and_can_be_overruled() -> None:
    operation = "engines.fp.synaptic_operation"
    assert TINY_CHIP.provenance[f"{operation}.dense.latency_ns"].kind == "estimated"
    assert TINY_CHIP.provenance[f"{operation}.conv.energy_pj"].kind == "derived"
    assert TINY_CHIP.provenance[f"{operation}.conv.latency_ns"].kind == "estimated"
    assert TINY_CHIP.engines.fp.synaptic_operation.conv == Cost(energy_pj=4.0, latency_ns=2.0)


def test_words_and_nulls_have_provenance_only_if_it_is_stated() -> None:
    chip = parse_chip(tiny(
        ("topology: mesh", "topology: {value: mesh, source: paper, kind: measured}"),
        ("link_flit_ns: null", "link_flit_ns: {value: null, source: paper, kind: measured, note: looked for}"),
    ))  # fmt: skip
    assert chip.provenance["noc.topology"].value == "mesh"
    assert chip.provenance["noc.link_flit_ns"].note == "looked for"
    assert "noc.multicast" not in chip.provenance
    assert "noc.hop_north_south.energy_pj" not in chip.provenance


def test_every_number_has_provenance() -> None:
    stated = {path for path, origin in TINY_CHIP.provenance.items() if isinstance(origin.value, int | float)}
    in_rows = set()
    for row in rows(TINY_CHIP):
        path = f"{row.section}.{row.path}"
        in_rows |= {known for known in stated if known == path or known.startswith(f"{path}[")}
        if row.text.lstrip("-").replace(".", "", 1).isdigit():
            assert path in stated
    assert in_rows == stated


def test_kinds_used_counts_lists_once_and_nulls_never() -> None:
    assert TINY_CHIP.kinds_used(["core.weight_bits", "core.neurons_max"]) == {"measured": 1, "unstated": 1}
    assert TINY_CHIP.kinds_used(["engines.fp.synaptic_operation"]) == {"derived": 1, "estimated": 5}
    assert list(TINY_CHIP.kinds_used()) == [kind for kind in KINDS if kind in TINY_CHIP.kinds_used()]
    change = ("link_flit_ns: null", "link_flit_ns: {value: null, source: paper, kind: published-vendor}")
    assert "published-vendor" not in parse_chip(tiny(change)).kinds_used(["noc"])


def test_json_round_trip() -> None:
    again = chip_from_json(TINY_CHIP.to_json())
    assert again == TINY_CHIP
    assert again.to_json() == TINY_CHIP.to_json()
    assert json.loads(TINY_CHIP.to_json())["schema"] == "neurocomp/chip/1"


def test_digest_tells_profiles_apart() -> None:
    assert parse_chip(TINY).digest() == TINY_CHIP.digest()
    assert parse_chip(tiny(("note: counted", "note: guessed"))).digest() != TINY_CHIP.digest()
    assert parse_chip(tiny(("static_mw: 107.5", "static_mw: 107.6"))).digest() != TINY_CHIP.digest()


def test_laws_hold_for_chips_made_in_python() -> None:
    tree = TINY_CHIP.model_dump(by_alias=True)
    tree["core"]["count"] = 9
    with pytest.raises(ValidationError, match=r"core\.count: is 9, but the mesh has places for 4 cores"):
        ChipSpec.model_validate(tree)


def test_shows_itself() -> None:
    assert repr(TINY_CHIP) == "ChipSpec('tiny': 4 cores on a 2x2 mesh)"
    text = describe(TINY_CHIP)
    assert "  neurons_max                              1024           measured [1]\n      counted\n" in text
    assert "  [1] A. Author, A Paper, 2020\n  [2] a data sheet\n" in text


def test_html_escapes_all_text() -> None:
    chip = parse_chip(tiny(
        ("title: A chip for tests", "title: <script>t</script>"), ("process: none", 'process: "<b>"'),
        ("note: counted", 'note: "<i>&"'), ("A. Author, A Paper, 2020", "<a href=x>"),
    ))  # fmt: skip
    html = chip._repr_html_()
    assert html.startswith("<table><caption>tiny: &lt;script&gt;")
    assert not any(tag in html for tag in ("<script", "<b>", "<i>", "<a "))
    assert "&lt;i&gt;&amp;" in html
