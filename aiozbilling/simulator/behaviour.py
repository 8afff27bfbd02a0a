"""How the simulated services behave: a mutable object, read at every request."""

from __future__ import annotations

from typing import Any, Literal

import attrs
from attrs.validators import ge, gt, in_, optional

__all__ = ["Behaviour"]

_COUNT = ge(0)
_SECONDS = ge(0.0)


def _choice(*others: str, default: str) -> Any:
    return attrs.field(default=default, validator=in_((default, *others)))


@attrs.define(kw_only=True)
class Behaviour:
    """Settings of the simulated replies, which can be changed at any time. The defaults are a healthy service."""

    latency_s: float = attrs.field(default=0.0, validator=_SECONDS)
    """Seconds from reading a reply's rows to sending it."""
    jitter_s: float = attrs.field(default=0.0, validator=_SECONDS)
    """Up to this many seconds more, drawn from the seed, so that replies overtake each other."""

    order: Literal["newest_first", "oldest_first"] = _choice("oldest_first", default="newest_first")
    """Order of both lists. New rows come in at the head, or at the tail."""
    max_limit: int | None = attrs.field(default=None, validator=optional(gt(0)))
    """Silently serve no more rows than this, whatever `limit` asks."""
    refuse_limit_above: int | None = attrs.field(default=None, validator=optional(gt(0)))
    """Answer 400 to a `limit` above this."""
    grow_per_request: int = attrs.field(default=0, validator=_COUNT)
    """New top-ups after each page of top-ups that was served."""
    remove_per_request: int = attrs.field(default=0, validator=_COUNT)
    """Top-ups removed, from anywhere in the list, after each page of top-ups that was served."""
    grow_days_per_request: int = attrs.field(default=0, validator=_COUNT)
    """Days that pass after each page of the daily history that was served."""
    total_lag: int = attrs.field(default=0, validator=_COUNT)
    """Totals are those of this many changes (additions or removals) ago."""
    null_row_every: int = attrs.field(default=0, validator=_COUNT)
    """Every n-th row, counted from the oldest, is `null`; 0 for none. The same rows each time."""
    null_lists: Literal["never", "when_empty", "always"] = _choice("when_empty", "always", default="never")
    """Whether lists, B3OS's too, are `null` instead of `[]`, or instead of any rows."""

    money_field: Literal["total_amount", "credit", "both", "neither"] = _choice(
        "credit", "both", "neither", default="total_amount"
    )
    """Name of a top-up's value in USD. With `credit`, `event_index` and `block_number` are missing too, as seen."""
    credit_after_s: float | None = attrs.field(default=None, validator=optional(_SECONDS))
    """Top-ups are uncredited at first and credited so many simulated seconds after their creation; by default they are
    credited at once, except one in sixteen that never is."""
    deposit_divisor: int = attrs.field(default=1, validator=gt(0))
    """Top-ups are this many times smaller; 250 makes balances that about a year of usage takes up."""
    empty_money_every: int = attrs.field(default=0, validator=_COUNT)
    """Every n-th top-up's value in USD is an empty string; 0 for none."""
    nanoseconds: bool = False
    """Times have nine fraction digits, and a day of the history is stamped with its last nanosecond."""
    extra_keys: bool = False
    """Rows, data and envelopes hold undocumented keys."""
    b3os_success_code: int | None = 0
    """B3OS's `code` in a success: 0, 200 and 201 were seen; None leaves it out."""

    slash_redirect: Literal["none", "add", "drop"] = _choice("add", "drop", default="none")
    """Answer 301 with an HTML body to paths without a trailing slash (`add`), or with one (`drop`)."""

    rate_requests: int = attrs.field(default=0, validator=_COUNT)
    """Requests that each account may make within `rate_per_s`, counted in a sliding window; 0 for no limit."""
    rate_per_s: float = attrs.field(default=60.0, validator=gt(0.0))
    """Length in seconds of the window of `rate_requests`."""
    retry_after: Literal["seconds", "http-date", "ms", "none"] = _choice("http-date", "ms", "none", default="seconds")
    """Form of a 429's `Retry-After`; `ms` is the header `retry-after-ms`."""
    rate_limit_body: Literal["text", "json", "html"] = _choice("json", "html", default="text")
    """Body of a 429: plain text (as was seen), the system's own JSON, or HTML."""

    drip_bytes: int = attrs.field(default=1, validator=gt(0))
    """Bytes in each piece of a dripping body."""
    drip_interval_s: float = attrs.field(default=0.05, validator=_SECONDS)
    """Seconds between the pieces of a dripping body."""
    gigantic_bytes: int = attrs.field(default=256 << 20, validator=gt(0))
    """Size of a gigantic body, and of a decompressed gzip bomb."""
