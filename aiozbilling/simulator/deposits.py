"""One token deposit: a function of its account's seed and of its serial number."""

from __future__ import annotations

from datetime import datetime, timedelta
from hashlib import blake2b
from typing import NamedTuple

from aiozbilling.simulator.behaviour import Behaviour
from aiozbilling.simulator.credentials import digest

__all__ = ["Deposits", "RowTimes"]

_EPOCH = datetime(1970, 1, 1)  # noqa: DTZ001 - naive is twice as quick to write, and all of it is UTC
_BECH32 = "qpzry9x8gf2tvdw0s3jn54khce6mua7l"
_SCRAMBLE = 0x5DEECE66D5D5  # odd, so that multiplying by it modulo 2^48 can be undone
_UNSCRAMBLE = pow(_SCRAMBLE, -1, 1 << 48)
_EXTRA = ',"memo":null,"source":{"chain":"aioz_168-1"}'
_NOT_SET = "0001-01-01T00:00:00Z"  # Go's zero time


class RowTimes(NamedTuple):
    """The times, in microseconds, that a deposit's row depends on."""

    earliest: int
    spread: int  # it was created between `earliest` and `earliest + spread`
    now: int
    credited: int | None  # when it was credited by hand


class Deposits:
    """Write the deposits of one account."""

    def __init__(self, seed: str) -> None:
        self._key = digest(seed, "top-ups")
        self._mask = int.from_bytes(digest(seed, "ids", 6), "big")
        self._senders = [_address(seed, f"sender {n}") for n in range(16)]
        self._recipient = _address(seed, "recipient")

    def id_of(self, serial: int) -> str:
        """Make a row's id."""
        return self._id(serial, self._digits(serial))

    def serial_of(self, id: str) -> int | None:  # noqa: A002 - the provider's name
        """Find the serial number of an id; None for an id of another account."""
        try:
            serial = (int(id[-12:], 16) ^ self._mask) * _UNSCRAMBLE % (1 << 48)
        except ValueError:
            return None
        return serial if self.id_of(serial) == id else None

    def encode(self, serial: int, times: RowTimes, behaviour: Behaviour) -> str:
        """Write a row as JSON."""
        # 7.7 µs a row; json.dumps of a dict would take 5 more, which counts with a million of them.
        digits = self._digits(serial)
        bits = int(digits[48:64], 16)
        created_us = times.earliest + bits % max(times.spread, 1)
        credited, updated_us = _credit(bits, created_us, times, behaviour.credit_after_s)
        amount = _amount(bits) // behaviour.deposit_divisor
        worth = _worth(serial, amount if credited else 0, bits, behaviour)
        index = block = ""
        if behaviour.money_field != "credit":  # the dashboard that reads `credit` has neither
            index, block = (
                f'"event_index":{bits >> 4 & 15},',
                f'"block_number":{created_us // 6_000_000 - 270_000_000},',
            )
        return (
            f'{{"cosmos_tx_hash":"{digits[:64].upper()}",{index}'
            f'"evm_tx_hash":"{"" if bits >> 8 & 7 == 0 else "0x" + digits[64:]}",'
            f'"id":"{self._id(serial, digits)}","sender":"{self._senders[bits >> 12 & 15]}",'
            f'"recipient":"{self._recipient}",{block}"status":{"true" if credited else "false"},'
            f'"amount":{{"denom":"attoaioz","amount":"{amount}"}},{worth}'
            f'"created_at":"{_timestamp(created_us, behaviour)}",'
            f'"updated_at":"{_timestamp(updated_us, behaviour) if credited else _NOT_SET}"'
            f"{_EXTRA if behaviour.extra_keys else ''}}}"
        )

    def _digits(self, serial: int) -> str:
        return blake2b(serial.to_bytes(8, "big"), digest_size=64, key=self._key).hexdigest()

    def _id(self, serial: int, digits: str) -> str:
        tail = (serial * _SCRAMBLE % (1 << 48)) ^ self._mask
        return f"{digits[66:74]}-{digits[74:78]}-4{digits[79:82]}-a{digits[83:86]}-{tail:012x}"


def _credit(bits: int, created_us: int, times: RowTimes, after_s: float | None) -> tuple[bool, int]:
    """Return whether a deposit is credited, and when."""
    if times.credited is not None:
        return True, times.credited
    if after_s is not None:
        credited_us = created_us + int(after_s * 1_000_000)
        return credited_us <= times.now, credited_us
    return bits & 15 != 0, created_us + (bits & 0x3FFFFF)  # one in sixteen never is


def _amount(bits: int) -> int:
    # Three in four are round sums typed by a person; the rest carry all eighteen places. Most are beyond 2^64.
    if bits >> 16 & 3:
        return (1 + (bits >> 18) % 5000) * 10**18
    scale = (10_000, 100_000, 1_000_000, 10_000_000)[bits & 3]
    return (bits >> 18) * scale + (bits & 0xFFFF)


def _worth(serial: int, amount: int, bits: int, behaviour: Behaviour) -> str:
    dollars_per_10_000_aioz = 1500 + (bits >> 40) % 6000
    worth = str(amount * dollars_per_10_000_aioz // 10_000)
    if behaviour.empty_money_every and (serial + 1) % behaviour.empty_money_every == 0:
        worth = ""
    match behaviour.money_field:
        case "both":
            return f'"total_amount":"{worth}","credit":"{worth}",'
        case "neither":
            return ""
        case name:
            return f'"{name}":"{worth}",'


def _timestamp(us: int, behaviour: Behaviour) -> str:
    text = (_EPOCH + timedelta(microseconds=us)).isoformat()
    if behaviour.nanoseconds:
        return f"{text[:19]}.{us % 1_000_000:06d}{us % 997:03d}Z"
    # Go writes as many places as there are, and none for a whole second.
    return text.rstrip("0") + "Z" if len(text) > 19 else text + "Z"


def _address(seed: str, purpose: str) -> str:
    return "aioz1" + "".join(_BECH32[byte & 31] for byte in digest(seed, purpose, 38))
