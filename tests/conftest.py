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

SHARED = Path(__file__).resolve().parents[2] / "shared"


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder of reference networks and figures beside the repository; tests skip where it is absent."""
    if not SHARED.is_dir():
        pytest.skip("needs ../shared with the reference networks and figures")
    return SHARED
