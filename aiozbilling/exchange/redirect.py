"""Where a redirect may lead: credentials never follow it to another place."""

from __future__ import annotations

from yarl import URL

__all__ = ["NotFollowedError", "redirected", "shown"]


class NotFollowedError(ValueError):
    """A redirect must not be followed; its text says why, and `hint` what to do."""

    def __init__(self, reason: str, hint: str = "") -> None:
        super().__init__(reason)
        self.hint = hint


def redirected(url: str, location: str) -> str:
    """Give the URL to ask instead.

    Followed are redirects within scheme, host and port. A redirect that leaves the query out keeps ours, and one that
    changes it is refused: another offset would be another page.

    Raises:
        NotFollowedError: it leads elsewhere, or nowhere.
    """
    if not location:
        raise NotFollowedError("names no place to go to")
    here = URL(url, encoded=True)
    try:
        there = here.join(URL(location))
        same_place = (there.scheme, there.host, there.port) == (here.scheme, here.host, here.port)
    except ValueError:
        raise NotFollowedError("leads to an address that can't be read") from None
    if not same_place or there.user is not None or there.password is not None:
        raise NotFollowedError(
            "leads elsewhere, and credentials go to the configured server only",
            "If the API has moved there, give the new address as base_url",
        )
    if not there.raw_query_string:
        there = there.with_query(here.query)
    if sorted(there.query.items()) != sorted(here.query.items()):
        raise NotFollowedError("asks for something else than the call did")
    return str(there.with_fragment(None))


def shown(url: str, location: str) -> str:
    """Give a redirect's target for an error message, without query and user info."""
    try:
        there = URL(url, encoded=True).join(URL(location))
        return str(there.with_query(None).with_fragment(None).with_user(None))
    except ValueError:
        return "an address that can't be read"
