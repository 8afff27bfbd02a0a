"""Where a redirect may lead: credentials never follow it to another place."""

from __future__ import annotations

from yarl import URL

__all__ = ["redirected", "shown"]


def redirected(url: str, location: str) -> str | None:
    """Give the URL to ask instead, or None where the redirect must not be followed.

    Followed are redirects within scheme, host and port. A redirect that leaves the query out keeps ours, and one that
    changes it is refused: another offset would be another page.
    """
    if not location:
        return None
    here = URL(url, encoded=True)
    try:
        there = here.join(URL(location))
        same_place = (there.scheme, there.host, there.port) == (here.scheme, here.host, here.port)
    except ValueError:
        return None
    if not same_place or there.user is not None or there.password is not None:
        return None
    if not there.raw_query_string:
        there = there.with_query(here.query)
    return str(there.with_fragment(None)) if there.query == here.query else None


def shown(url: str, location: str) -> str:
    """Give a redirect's target for an error message, without query and user info."""
    try:
        there = URL(url, encoded=True).join(URL(location))
        return str(there.with_query(None).with_fragment(None).with_user(None))
    except ValueError:
        return "an address that can't be read"
