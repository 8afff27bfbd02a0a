"""Where a redirect may lead: credentials never follow it to another place."""

from __future__ import annotations

from collections.abc import Callable

import attrs
from yarl import URL

from aiozbilling.errors import RedirectError
from aiozbilling.exchange.server import Server

__all__ = ["NotFollowedError", "Redirects", "redirected", "shown"]

_MOST = 3
_FOLLOWED = frozenset({301, 302, 303, 307, 308})


class NotFollowedError(ValueError):
    """A redirect must not be followed; its text says why, and `hint` what to do."""

    def __init__(self, reason: str, hint: str = "") -> None:
        super().__init__(reason)
        self.hint = hint


def redirected(url: str, location: str) -> str:
    """Return the URL to ask instead.

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
    """Return a redirect's target for an error message, without query and user info."""
    try:
        there = URL(url, encoded=True).join(URL(location))
        return str(there.with_query(None).with_fragment(None).with_user(None))
    except ValueError:
        return "an address that can't be read"


@attrs.define(eq=False)
class Redirects:
    """The redirects of one attempt: follows up to three of them within the server.

    Attributes:
        server: where the form of the path that it wants is remembered.
        path: of the call.
        clean: takes credentials out of a text.
        followed: how many were followed.
    """

    server: Server
    path: str
    clean: Callable[[str], str]
    followed: int = 0

    def target(self, url: str, status: int, location: str) -> str:
        """Return the URL to ask instead.

        Raises:
            RedirectError: it must not be followed.
        """
        try:
            target = self._followed(url, status, location)
        except NotFollowedError as error:
            refused = error
        else:
            self.followed += 1
            self._remember(url, target)
            return target
        where = self.clean(shown(url, location))[:200] if location else ""
        to = f" to {where}" if where else ""
        raise RedirectError(f"the redirect{to} {refused}", status=status, location=where, hint=refused.hint)

    def _followed(self, url: str, status: int, location: str) -> str:
        if status not in _FOLLOWED:
            raise NotFollowedError("is none that a call can follow")
        if self.followed == _MOST:
            raise NotFollowedError("is one too many")
        return redirected(url, location)

    def _remember(self, url: str, target: str) -> None:
        """Remember whether the server wants this path with a slash at its end."""
        here, there = url.partition("?")[0], target.partition("?")[0]
        asked = self.server.url(self.path, "")
        if here == asked and here != there and here.rstrip("/") == there.rstrip("/"):
            self.server.paths[self.path] = self.path.rstrip("/") + ("/" if there.endswith("/") else "")
