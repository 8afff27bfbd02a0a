"""A position in a list that another process can continue from."""

from __future__ import annotations

import json
import zlib
from typing import Any, Literal

import attrs

from aiozbilling.errors import ConfigurationError
from aiozbilling.listing.sketch import Sketch
from aiozbilling.listing.source import key_from_text

__all__ = ["HEAD", "Cursor"]

HEAD = 32  # keys of the list's first rows that a cursor keeps
_VERSION = 2
_UNCHECKED = 1  # the version before: it has no check number


@attrs.frozen
class Cursor:
    """The position after the last row yielded. Store ``str(cursor)`` anywhere, and continue with ``after=``.

    Attributes:
        endpoint: path of the list, such as ``"/api/billing/topUp"``.
        made_by: ``"walk"``, to continue reading with ``after=``, or ``"follow"``, to continue following.
        position: position of the last row in the list.
        total: the server's total when that row was read.
        anchors: keys of the last rows yielded, at most 32, in list order.
        head: keys of the first rows of the list, at most 32, in list order; empty where the walk began elsewhere.
        finished: whether the list was read to its end.
        checksum: of the keys of all rows known to ``follow``, in a cursor of an earlier release; else None.
        sketch: a summary of the keys of all rows known to ``follow``; None for a walk.
    """

    endpoint: str
    made_by: Literal["walk", "follow"]
    position: int
    total: int
    anchors: tuple[str, ...] = attrs.field(repr=False)
    head: tuple[str, ...] = attrs.field(repr=False)
    finished: bool = False
    checksum: int | None = None
    sketch: str | None = attrs.field(default=None, repr=False)

    def __str__(self) -> str:
        fields = {name: value for name, value in attrs.asdict(self).items() if value is not None}
        text = json.dumps({"v": _VERSION} | fields, separators=(",", ":"))
        return f'{text[:-1]},"check":{zlib.crc32(text.encode())}}}'

    @classmethod
    def parse(cls, text: str) -> Cursor:
        """Read what `str(cursor)` returned.

        Raises:
            ConfigurationError: it is not a cursor, was changed, or has a newer version.
        """
        try:
            fields: Any = json.loads(text)
            version = fields.pop("v")
            if version in (_VERSION, _UNCHECKED):
                check = fields.pop("check") if version != _UNCHECKED else None
                cursor = cls(**fields | {name: tuple(fields[name]) for name in ("anchors", "head")})
                cursor._check_fields()
                if version != _UNCHECKED:
                    cursor._compare(check)
                return cursor
        except (TypeError, ValueError, KeyError, AttributeError, RecursionError):
            raise ConfigurationError("this is not a cursor: pass the text of str(listing.cursor), unchanged") from None
        raise ConfigurationError(f"this cursor has version {version!r}, this release reads {_VERSION}: upgrade")

    def _compare(self, check: object) -> None:
        if not str(self).endswith(f',"check":{json.dumps(check)}}}'):
            raise ValueError("changed")

    def _check_fields(self) -> None:
        texts = (self.endpoint, self.made_by, *self.anchors, *self.head)
        numbers = (self.position, self.total, *(() if self.checksum is None else (self.checksum,)))
        if not all(isinstance(text, str) for text in texts) or self.made_by not in ("walk", "follow"):
            raise ValueError("not texts")
        if not isinstance(self.finished, bool):
            raise TypeError("not a truth")
        if not all(isinstance(number, int) and not isinstance(number, bool) and number >= -1 for number in numbers):
            raise ValueError("not numbers")
        for key in (*self.anchors, *self.head):
            key_from_text(key)
        if self.sketch is not None:
            Sketch.from_text(self.sketch)
