"""The C library's own tests, where there is a C compiler, and its names beside those of the Python side."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from neurocomp._core.status import TEXTS
from neurocomp.activity import plan, plan_neuron, plan_ops

CSRC = Path(__file__).resolve().parents[2] / "csrc"
COMPILER = os.environ.get("CC", "cc")


def has_sanitizers(folder: Path) -> bool:
    source = folder / "empty.c"
    source.write_text("int main(void) { return 0; }\n")
    command = [COMPILER, "-fsanitize=address,undefined", str(source), "-o", str(folder / "empty")]
    built = subprocess.run(command, capture_output=True, check=False).returncode == 0
    return built and subprocess.run([folder / "empty"], capture_output=True, check=False).returncode == 0


@pytest.mark.skipif(shutil.which(COMPILER) is None, reason="needs a C compiler")
@pytest.mark.parametrize("mode", ["plain", "sanitize"])
def test_the_c_library_passes_its_own_tests(mode, tmp_path):
    if mode == "sanitize" and not has_sanitizers(tmp_path):
        pytest.skip("the C compiler has no address and undefined-behaviour sanitizers")
    done = subprocess.run([CSRC / "tests" / "run", mode], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    passed = set(re.findall(rf"^{mode} (test_\w+): ok ", done.stdout, re.MULTILINE))
    assert passed == {path.stem for path in (CSRC / "tests").glob("test_*.c")}
    assert "FAIL" not in done.stdout


def codes(header: str, first: str) -> dict[str, int]:
    """Names and values of the enum of a header whose first name is ``first``."""
    text = (CSRC / header).read_text()
    body = re.search(r"typedef enum \{\s*(" + first + r"\b[^}]*)\}", text)
    assert body, f"no enum that starts with {first} in {header}"
    return {name: int(value) for name, value in re.findall(r"(\w+) = (\d+)", body[1])}


def test_every_status_has_the_same_sentence_on_both_sides():
    sentences = dict(re.findall(r"case (\w+):\s*return \"([^\"]+)\"", (CSRC / "nc_status.c").read_text()))
    named = codes("nc_status.h", "NC_OK")
    assert sentences.keys() == named.keys()
    assert {value: sentences[name] for name, value in named.items() if value} == TEXTS


def test_the_codes_of_the_engine_are_the_same_on_both_sides():
    kinds = codes("spikes.h", "NC_DENSE")
    assert len(kinds) == 12 and kinds == {name: getattr(plan_ops, name.removeprefix("NC_")) for name in kinds}
    assert list(codes("neuron.h", "NC_RESET_ZERO").values()) == list(plan_neuron.RESETS.values())
    assert list(codes("neuron.h", "NC_OUT_BINARY").values()) == list(plan_neuron.OUTPUTS.values())
    assert list(codes("neuron.h", "NC_ADAPTS_THRESHOLD").values()) == list(plan_neuron.ADAPTS.values())
    assert list(codes("network.h", "NC_INPUT").values()) == [plan.INPUT, plan.RELAY, plan.NEURONS]
