"""The JSON Schema of a finished point of a sweep, made from the type that holds it."""

from __future__ import annotations

from pydantic import TypeAdapter

from neurocomp.report.schema import schema_text
from neurocomp.sweep.outcome import SCHEMA, Outcome


def point_schema() -> str:
    """Of the files in a sweep's folder ``points``."""
    return schema_text(SCHEMA, TypeAdapter(Outcome).json_schema(mode="serialization"))
