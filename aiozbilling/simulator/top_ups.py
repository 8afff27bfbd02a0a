"""An account's token deposits: any number of rows, each made when it is asked for."""

from __future__ import annotations

import json
from bisect import bisect_left, bisect_right
from collections import deque
from datetime import UTC, datetime, timedelta
from hashlib import blake2b
from typing import TYPE_CHECKING, Any

from aiozbilling.simulator.credentials import digest

if TYPE_CHECKING:
    from collections.abc import Iterator

    from aiozbilling.simulator.behaviour import Behaviour

__all__ = ["TopUps"]

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_BECH32 = "qpzry9x8gf2tvdw0s3jn54khce6mua7l"
_SCRAMBLE = 0x5DEECE66D5D5  # odd, so that multiplying by it modulo 2^48 can be undone
_UNSCRAMBLE = pow(_SCRAMBLE, -1, 1 << 48)
_EXTRA = ',"memo":null,"source":{"chain":"aioz_168-1"}'
_NOT_SET = "0001-01-01T00:00:00Z"  # Go's zero time


class TopUps:
    """List deposits as they stand now.

    A row is a function of the account's seed and of its serial number, which counts from the oldest and never changes.
    Only the serials that were removed are stored, so a million rows cost nothing.
    """

    def __init__(self, seed: str, count: int, days: int, now: datetime) -> None:
        self._key = digest(seed, "top-ups")
        self._mask = int.from_bytes(digest(seed, "ids", 6), "big")
        self._senders = [_address(seed, f"sender {n}") for n in range(16)]
        self._recipient = _address(seed, "recipient")
        self.end = count
        self._removed: list[int] = []
        now_us = _microseconds(now)
        self._step = max(days, 1) * 86_400_000_000 // max(count, 1)
        # (first serial, its earliest time, microseconds between rows) of each run of rows that came in together
        self._runs = [(0, now_us - count * self._step, self._step), (count, now_us, 1_000_000)]
        self._totals: deque[int] = deque([count], maxlen=1000)

    def __len__(self) -> int:
        return self.end - len(self._removed)

    def total(self, lag: int) -> int:
        """Count the rows as they stood `lag` changes ago."""
        return self._totals[max(0, len(self._totals) - 1 - lag)]

    def add(self, count: int) -> None:
        """Let `count` new deposits come in, each a second after the one before."""
        self.end += count
        self._totals.append(len(self))

    def remove(self, serial: int) -> None:
        """Take a row away; those around it move together."""
        at = bisect_left(self._removed, serial)
        if not 0 <= serial < self.end or self._removed[at : at + 1] == [serial]:
            raise LookupError(f"there is no top-up {serial}")
        self._removed.insert(at, serial)
        self._totals.append(len(self))

    def pass_time(self, now: datetime) -> None:
        """Date the deposits that come in from here on after `now`."""
        first, start, step = self._runs[-1]
        start = max(_microseconds(now), start + (self.end - first) * step)
        if first == self.end:
            self._runs.pop()
        self._runs.append((self.end, start, 1_000_000))

    def serials(self, order: str, offset: int = 0, limit: int | None = None) -> Iterator[int]:
        """Go through the serial numbers of a window, in list order."""
        stop = len(self) if limit is None else min(len(self), offset + limit)
        if not self._removed:
            yield from (
                range(offset, stop)
                if order == "oldest_first"
                else range(self.end - 1 - offset, self.end - 1 - stop, -1)
            )
            return
        for position in range(offset, stop):
            rank = position if order == "oldest_first" else len(self) - 1 - position
            yield rank + self._removed_before(rank)

    def serial_of(self, id: str) -> int:  # noqa: A002 - the provider's name
        """Find the row that carries an id."""
        try:
            serial = (int(id[-12:], 16) ^ self._mask) * _UNSCRAMBLE % (1 << 48)
        except ValueError:
            serial = self.end
        if serial >= self.end or self.id_of(serial) != id:
            raise LookupError(f"there is no top-up {id!r}")
        return serial

    def id_of(self, serial: int) -> str:
        """Make a row's id."""
        return self._id(serial, self._digits(serial))

    def row(self, serial: int, behaviour: Behaviour) -> dict[str, Any] | None:
        """Read a row as it is served; None where that is a null."""
        row: dict[str, Any] | None = json.loads(self.encode(serial, behaviour))
        return row

    def encode(self, serial: int, behaviour: Behaviour) -> str:
        """Write a row as JSON."""
        # A row costs about 5 µs this way and 12 by json.dumps of a dict, which counts with a million of them.
        if behaviour.null_row_every and (serial + 1) % behaviour.null_row_every == 0:
            return "null"
        digits = self._digits(serial)
        bits = int(digits[48:64], 16)
        status = bits & 15 != 0
        created_us = self._created_us(serial, bits)
        amount = _amount(bits)
        seen_by_dashboard = behaviour.money_field == "credit"
        index, block = (
            ("", "")
            if seen_by_dashboard
            else (f'"event_index":{bits >> 4 & 15},', f'"block_number":{created_us // 6_000_000 - 270_000_000},')
        )
        return (
            f'{{"cosmos_tx_hash":"{digits[:64].upper()}",{index}'
            f'"evm_tx_hash":"{"" if bits >> 8 & 7 == 0 else "0x" + digits[64:]}",'
            f'"id":"{self._id(serial, digits)}","sender":"{self._senders[bits >> 12 & 15]}",'
            f'"recipient":"{self._recipient}",{block}"status":{"true" if status else "false"},'
            f'"amount":{{"denom":"attoaioz","amount":"{amount}"}},'
            f"{_money(serial, amount, bits, behaviour) if status else _money_fields('0', behaviour)}"
            f'"created_at":"{_timestamp(created_us, behaviour.nanoseconds)}",'
            f'"updated_at":"{_timestamp(created_us + (bits & 0x3FFFFF), behaviour.nanoseconds) if status else _NOT_SET}"'
            f"{_EXTRA if behaviour.extra_keys else ''}}}"
        )

    def _digits(self, serial: int) -> str:
        return blake2b(serial.to_bytes(8, "big"), digest_size=64, key=self._key).hexdigest()

    def _id(self, serial: int, digits: str) -> str:
        tail = (serial * _SCRAMBLE % (1 << 48)) ^ self._mask
        return f"{digits[66:74]}-{digits[74:78]}-4{digits[79:82]}-a{digits[83:86]}-{tail:012x}"

    def _created_us(self, serial: int, bits: int) -> int:
        first, start, step = self._runs[bisect_right(self._runs, serial, key=_first) - 1]
        return start + (serial - first) * step + bits % max(step, 1)

    def _removed_before(self, rank: int) -> int:
        removed = self._removed
        count: int = bisect_right(range(len(removed)), rank, key=lambda at: removed[at] - at)
        return count


def _amount(bits: int) -> int:
    # Three in four are round sums typed by a person; the rest carry all eighteen places. Most are beyond 2^64.
    if bits >> 16 & 3:
        return (1 + (bits >> 18) % 5000) * 10**18
    return (bits >> 18) * 10 ** (4 + (bits & 3)) + (bits & 0xFFFF)


def _money(serial: int, amount: int, bits: int, behaviour: Behaviour) -> str:
    if behaviour.empty_money_every and (serial + 1) % behaviour.empty_money_every == 0:
        return _money_fields("", behaviour)
    dollars_per_aioz_1e4 = 1500 + (bits >> 40) % 6000
    return _money_fields(str(amount * dollars_per_aioz_1e4 // 10_000), behaviour)


def _money_fields(worth: str, behaviour: Behaviour) -> str:
    match behaviour.money_field:
        case "both":
            return f'"total_amount":"{worth}","credit":"{worth}",'
        case "neither":
            return ""
        case name:
            return f'"{name}":"{worth}",'


def _first(run: tuple[int, int, int]) -> int:
    return run[0]


def _microseconds(moment: datetime) -> int:
    return (moment - _EPOCH) // timedelta(microseconds=1)


def _timestamp(us: int, nanoseconds: bool) -> str:  # noqa: FBT001
    seconds, fraction = divmod(us, 1_000_000)
    text = (_EPOCH + timedelta(seconds=seconds)).isoformat()[:19]
    if nanoseconds:
        return f"{text}.{fraction:06d}{us % 997:03d}Z"
    # Go writes as many places as there are, and none for a whole second.
    return f"{text}.{fraction:06d}".rstrip("0").rstrip(".") + "Z"


def _address(seed: str, purpose: str) -> str:
    return "aioz1" + "".join(_BECH32[byte & 31] for byte in digest(seed, purpose, 38))
