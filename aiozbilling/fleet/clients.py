"""Clients of many accounts that share their connections."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from typing import Any, Self, TypeAlias

from aiozbilling.clients.aioz import AIOZ_PIN_URL, AiozBilling
from aiozbilling.clients.b3os import B3OS_URL, B3osBilling
from aiozbilling.clients.client import Client
from aiozbilling.clients.environment import url_variable
from aiozbilling.clients.metered import MeteredBilling
from aiozbilling.errors import ConfigurationError
from aiozbilling.exchange.credentials import Credentials, bearer, key_pair, keyed_fingerprint
from aiozbilling.exchange.rate import Limiter
from aiozbilling.export.in_thread import in_thread
from aiozbilling.fleet.accounts import Account, System

__all__ = ["Clients", "Secrets", "resolved_secrets"]

_CLASSES: dict[System, Any] = {"aioz": AiozBilling, "b3os": B3osBilling, "metered": MeteredBilling}
_VARIABLES = {"aioz": "AIOZ_PIN_BASE_URL", "b3os": "B3OS_SERVER_URL", "metered": "METERED_BILLING_URL"}
_URLS: dict[System, str | None] = {"aioz": AIOZ_PIN_URL, "b3os": B3OS_URL, "metered": None}


Secrets: TypeAlias = Mapping[str, Any]


class Clients:
    """Opens a client for each account. Clients of one server share connections, but each has its own rate limit.

    Only AIOZ has a rate limit; the other systems publish none. Events, logs and traces contain the account's label.
    """

    def __init__(self, rate_limit: Limiter | None) -> None:
        self._rate_limit = rate_limit
        self._parents: dict[tuple[System, str | None], Client] = {}

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        for parent in self._parents.values():
            await parent.close()

    def client(self, account: Account, secrets: Secrets | ConfigurationError) -> Any:
        """Return the client of an account with resolved secrets.

        Raises:
            ConfigurationError: a secret is invalid or missing.
        """
        if isinstance(secrets, ConfigurationError):
            raise secrets
        system = account.system
        server = (system, account.base_url or url_variable(_VARIABLES[system]) or _URLS[system])
        if server in self._parents:
            return self._parents[server].with_credentials(**secrets, account=account.label)  # type: ignore[attr-defined]
        settings: dict[str, Any] = {"account": account.label}
        if system == "aioz":
            settings["rate_limit"] = self._rate_limit
        if url := server[1]:
            settings["base_url"] = url
        self._parents[server] = client = _CLASSES[system](**secrets, **settings)
        return client


async def resolved_secrets(accounts: Iterable[Account]) -> dict[str, Secrets | ConfigurationError]:
    """Read the secrets of all accounts, by label. If a secret is missing, the value is the error.

    Raises:
        ConfigurationError: two accounts have the same key.
    """
    return await in_thread(_resolved, tuple(accounts))


def _resolved(accounts: tuple[Account, ...]) -> dict[str, Secrets | ConfigurationError]:
    found: dict[str, Secrets | ConfigurationError] = {}
    labels: dict[tuple[object, ...], str] = {}
    key = os.urandom(16)  # so that a fingerprint is useless outside this call
    for account in accounts:
        try:
            found[account.label] = secrets = account.resolve()
            fingerprint = keyed_fingerprint(_credentials(secrets), account.base_url or "", key)
        except ConfigurationError as error:
            found[account.label] = error
            continue
        other = labels.setdefault((account.system, account.organization, fingerprint), account.label)
        if other != account.label:
            raise ConfigurationError(f"accounts {other!r} and {account.label!r} have the same key")
    return found


def _credentials(secrets: Secrets) -> Credentials:
    if "token" in secrets:
        return bearer(secrets["token"])
    return key_pair(secrets["api_key"], secrets["secret_key"])
