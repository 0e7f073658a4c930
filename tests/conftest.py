"""Fixtures that tests of every room share."""

from __future__ import annotations

from pathlib import Path

import pytest

SHARED = Path(__file__).resolve().parents[2] / "shared"


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder of reference networks and figures beside the repository; tests skip where it is absent."""
    if not SHARED.is_dir():
        pytest.skip("needs ../shared with the reference networks and figures")
    return SHARED
