"""Redirects, which are followed only within the server, so that credentials are never sent elsewhere."""

from __future__ import annotations

from collections.abc import Callable

import attrs
from yarl import URL

from aiozbilling.errors import RedirectError
from aiozbilling.exchange.server import Server

__all__ = ["Redirects", "redirected", "shown"]

_MOST = 3
_FOLLOWED = frozenset({301, 302, 303, 307, 308})


def redirected(url: str, location: str) -> str:
    """Return the URL of the redirect.

    Only redirects within scheme, host and port are followed. If the redirect has no query, the query of the call is
    kept. If it has another query, it is not followed: another offset would be another page.

    Raises:
        RedirectError: the redirect must not be followed; its message is the reason.
    """
    if not location:
        raise RedirectError("has no target")
    here = URL(url, encoded=True)
    try:
        there = here.join(URL(location))
        same_place = (there.scheme, there.host, there.port) == (here.scheme, here.host, here.port)
    except ValueError:
        raise RedirectError("has an invalid target") from None
    if not same_place or there.user is not None or there.password is not None:
        raise RedirectError(
            "leads to another server, but credentials are sent to the configured server only",
            hint="If the API has moved there, set the new address as base_url",
        )
    if not there.raw_query_string:
        there = there.with_query(here.query)
    if sorted(there.query.items()) != sorted(here.query.items()):
        raise RedirectError("has another query than the call")
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
        server: the server, which remembers the form of the path.
        path: path of the call.
        clean: function that removes credentials from a text.
        followed: number of redirects that were followed.
    """

    server: Server
    path: str
    clean: Callable[[str], str]
    followed: int = 0

    def target(self, url: str, status: int, location: str) -> str:
        """Return the URL of the redirect.

        Raises:
            RedirectError: the redirect must not be followed.
        """
        try:
            target = self._followed(url, status, location)
        except RedirectError as error:
            refused = error
        else:
            self.followed += 1
            self._remember(url, target)
            return target
        where = self.clean(shown(url, location))[:200] if location else ""
        to = f" to {where}" if where else ""
        raise RedirectError(f"the redirect{to} {refused.message}", status=status, location=where, hint=refused.hint)

    def _followed(self, url: str, status: int, location: str) -> str:
        if status not in _FOLLOWED:
            raise RedirectError("can't be followed")
        if self.followed == _MOST:
            raise RedirectError(f"is the {_MOST + 1}th in a row", hint="Check base_url: a login page may have answered")
        return redirected(url, location)

    def _remember(self, url: str, target: str) -> None:
        """Remember whether the server needs a trailing slash in this path."""
        here, there = url.partition("?")[0], target.partition("?")[0]
        asked = self.server.url(self.path, "")
        if here == asked and here != there and here.rstrip("/") == there.rstrip("/"):
            self.server.paths[self.path] = self.path.rstrip("/") + ("/" if there.endswith("/") else "")
