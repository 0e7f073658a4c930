"""The version of the package; results carry it."""

from __future__ import annotations

VERSION = "0.1.0"
