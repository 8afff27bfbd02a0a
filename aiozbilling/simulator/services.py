"""The three services on one port: find the account that asks, and build the reply, without any I/O."""

from __future__ import annotations

import math
import re
import time
from collections.abc import Callable, Mapping
from email.utils import formatdate
from typing import Protocol

import attrs

from aiozbilling.simulator.accounts import Account
from aiozbilling.simulator.aioz import Aioz
from aiozbilling.simulator.b3os import B3os
from aiozbilling.simulator.behaviour import Behaviour
from aiozbilling.simulator.credentials import Signature
from aiozbilling.simulator.metered import Metered
from aiozbilling.simulator.reply import Reply, html, text

__all__ = ["Services", "System"]

Answer = Callable[[Account, Mapping[str, str], re.Match[str]], Reply]


class System(Protocol):
    """One of the three services."""

    routes: dict[str, Answer]

    def signature(self, headers: Mapping[str, str]) -> Signature:
        """Read what a request is signed with."""
        ...

    def refusal(self, status: int, message: str) -> Reply:
        """Build an error reply."""
        ...

    def rejection(self, good: Reply, *, with_data: bool) -> Reply:
        """Build a 200 whose envelope reports failure."""
        ...


class Services:
    """Build the replies of all three systems."""

    def __init__(self, behaviour: Behaviour, advance: Callable[[int], object]) -> None:
        self._behaviour = behaviour
        self._accounts: dict[Signature, Account] = {}
        self._systems: tuple[System, ...] = (Aioz(advance), B3os(), Metered())

    def add(self, account: Account) -> None:
        """Serve another account."""
        self._accounts |= dict.fromkeys(account.credentials.signatures(), account)

    def system_of(self, path: str) -> System:
        """Find the system that a path belongs to; AIOZ where none does."""
        return self._route(path)[0]

    def account_of(self, path: str, headers: Mapping[str, str]) -> Account | None:
        """Find the account that signed a request, or None."""
        return self._accounts.get(self.system_of(path).signature(headers))

    def answer(
        self,
        method: str,
        path: str,
        query: Mapping[str, str],
        account: Account | None,
        *,
        raw_query: str,
        at: float,
    ) -> Reply:
        """Build the reply to a request of `account`, received `at` seconds of any steady clock."""
        system, match, answer = self._route(path)
        if match is None or answer is None:
            return text(404, "404 page not found")
        if method != "GET":
            return text(405, "405 method not allowed")
        if (redirect := self._slash_redirect(path, raw_query)) is not None:
            return redirect
        if account is None or account.is_revoked:
            return system.refusal(401, "invalid credentials")
        wait_s = account.seconds_to_wait(at)
        return _too_many(system, account.behaviour, wait_s) if wait_s > 0 else answer(account, query, match)

    def _route(self, path: str) -> tuple[System, re.Match[str] | None, Answer | None]:
        bare = path.removesuffix("/")
        for system in self._systems:
            for route, answer in system.routes.items():
                if match := re.fullmatch(route, bare):
                    return system, match, answer
        return self._systems[0], None, None

    def _slash_redirect(self, path: str, raw_query: str) -> Reply | None:
        has_slash = path.endswith("/")
        wanted = {"add": True, "drop": False, "none": has_slash}[self._behaviour.slash_redirect]
        if has_slash == wanted:
            return None
        target = path + "/" if wanted else path.rstrip("/")
        page = html(301, "Moved Permanently")
        location = f"{target}?{raw_query}" if raw_query else target
        return attrs.evolve(page, headers={"Location": location})


def _too_many(system: System, behaviour: Behaviour, wait_s: float) -> Reply:
    match behaviour.rate_limit_body:
        case "json":
            reply = system.refusal(429, "Too Many Requests")
        case "html":
            reply = html(429, "Too Many Requests")
        case _:
            reply = text(429, "Too Many Requests")
    return attrs.evolve(reply, headers=_retry_after(behaviour.retry_after, wait_s))


def _retry_after(form: str, wait_s: float) -> dict[str, str]:
    match form:
        case "seconds":
            return {"Retry-After": str(math.ceil(wait_s))}
        case "http-date":
            # Clients compare it with real clocks, so this is the one place with real time.
            return {"Retry-After": formatdate(math.ceil(time.time() + wait_s), usegmt=True)}
        case "ms":
            return {"retry-after-ms": str(math.ceil(wait_s * 1000))}
        case _:
            return {}
