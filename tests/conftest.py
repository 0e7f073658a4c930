"""Fixtures that tests of every room share."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import settings

# The gate tries the same examples every time and never by the clock; HYPOTHESIS_PROFILE=explore tries others each time.
settings.register_profile("gate", deadline=None, derandomize=True)
settings.register_profile("explore", deadline=None)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "gate"))

# HDF5 files are taken apart in this process: hundreds of damaged ones are read here, and a child takes 0.2 s to start.
# Tests of the child itself unset it.
os.environ.setdefault("NEUROCOMP_NO_CHILD", "1")

SHARED = Path(__file__).resolve().parents[2] / "shared"


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder of reference networks and figures beside the repository; tests skip where it is absent."""
    if not SHARED.is_dir():
        pytest.skip("needs ../shared with the reference networks and figures")
    return SHARED
