"""The names of fields in the provider's replies."""

from __future__ import annotations

from typing import Any

import attrs

__all__ = ["on_wire", "wire_name"]

_WIRE_NAME = "aiozbilling.wire_name"


def on_wire(name: str) -> dict[str, Any]:
    """Return the metadata of a field that has another name in the provider's replies."""
    return {_WIRE_NAME: name}


def wire_name(record: type, field: str) -> str:
    """Return the name that a field of a record class has in the provider's replies."""
    metadata = getattr(attrs.fields(record), field).metadata
    name: str = metadata.get(_WIRE_NAME, field)
    return name
