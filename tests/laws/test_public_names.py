"""The public face: every name is there, is explained, and stands in what ``help(neurocomp)`` says first."""

from __future__ import annotations

import inspect
import re
import subprocess
import sys

import pytest

import neurocomp

NAMES = sorted(set(neurocomp.__all__) - {"__version__"})


def test_every_public_name_exists():
    assert set(neurocomp.__all__) <= set(dir(neurocomp))
    with pytest.raises(AttributeError, match="has no attribute 'compil'"):
        neurocomp.compil  # noqa: B018


def test_help_begins_with_all_of_it():
    """Four columns of blanks, a topic, then its names, as in the lines under "All of it"."""
    told = re.search(r"All of it.*?::\n\n(.*?)\n\n", neurocomp.__doc__ or "", re.DOTALL)
    assert told is not None
    assert sorted(set(re.findall(r"\w+", told[1])) & set(NAMES)) == NAMES


@pytest.mark.parametrize("name", NAMES)
def test_each_name_has_types_and_says_what_it_is(name):
    thing = getattr(neurocomp, name)
    assert inspect.getdoc(thing)
    if not inspect.isclass(thing):
        signature = inspect.signature(thing)
        assert signature.return_annotation is not inspect.Signature.empty
        assert all(p.annotation is not inspect.Parameter.empty for p in signature.parameters.values())


def test_importing_it_imports_nothing_else():
    script = "import sys; had = set(sys.modules); import neurocomp; print(*sorted(set(sys.modules) - had))"
    run = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert {name.partition(".")[0] for name in run.stdout.split()} & {"numpy", "torch", "pydantic"} == set()
    assert [name for name in run.stdout.split() if name.startswith("neurocomp")] == ["neurocomp", "neurocomp.version"]


def test_stages_are_packages_that_can_be_called():
    from neurocomp.report.build import report
    from neurocomp.simulate import inference

    assert neurocomp.simulate.inference is inference
    assert inspect.signature(neurocomp.simulate) == inspect.signature(inference.simulate)
    assert inspect.signature(neurocomp.report) == inspect.signature(report)
