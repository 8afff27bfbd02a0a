"""Credentials of AIOZ: a key pair, a token, or a function that returns either."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from aiozbilling.clients.environment import variable
from aiozbilling.errors import ConfigurationError
from aiozbilling.exchange.credential_source import CredentialSource
from aiozbilling.exchange.credentials import Credentials, Secret, bearer, concealed, key_pair

__all__ = ["AiozCredentials", "aioz_credentials", "credentials_from_env"]

_Found = str | Secret | tuple[str | Secret, str | Secret]
AiozCredentials = Callable[[], _Found | Awaitable[_Found]]


def credentials_from_env() -> tuple[Secret | None, Secret | None, Secret | None]:
    """Read the key pair or the token from the environment: ``(api_key, secret_key, token)``.

    Raises:
        ConfigurationError: a variable is missing, or both the key pair and the token are set.
    """
    api_key, secret_key = variable("AIOZ_PIN_API_KEY"), variable("AIOZ_PIN_SECRET_KEY")
    token = variable("AIOZ_PIN_TOKEN")
    if token is not None and (api_key is not None or secret_key is not None):
        raise ConfigurationError("a token (AIOZ_PIN_TOKEN) and a key pair (AIOZ_PIN_API_KEY) are set: unset one")
    if token is None:
        missing = [
            name
            for name, secret in (("AIOZ_PIN_API_KEY", api_key), ("AIOZ_PIN_SECRET_KEY", secret_key))
            if secret is None
        ]
        if missing:
            if len(missing) == 1:
                raise ConfigurationError(f"set the environment variable {missing[0]}")
            raise ConfigurationError(f"set the environment variables {' and '.join(missing)} (or AIOZ_PIN_TOKEN)")
    return api_key, secret_key, token


def aioz_credentials(
    api_key: Secret | None, secret_key: Secret | None, token: Secret | None, ask: AiozCredentials | None
) -> Credentials | CredentialSource:
    """Return the credentials from a key pair or a token, or a source that calls the user's function.

    Raises:
        ConfigurationError: none or more than one of these is set, or one is invalid.
    """
    pair = (api_key, secret_key)
    if ask is not None and (token, *pair) == (None, None, None):
        return CredentialSource(ask, _built)
    if ask is None and token is not None and pair == (None, None):
        return bearer(token, variable="AIOZ_PIN_TOKEN")
    if ask is None and token is None and api_key is not None and secret_key is not None:
        return key_pair(api_key, secret_key)
    raise ConfigurationError(
        "pass either api_key and secret_key, or token, or credentials;"
        " AiozBilling.from_env() takes them from the environment"
    )


def _built(found: Any) -> Credentials:
    """Return the credentials that the user's function returned."""
    if isinstance(found, str | Secret):
        found = concealed(found)
        return bearer(found)
    parts: list[Any] = [concealed(part) for part in found] if isinstance(found, tuple | list) else []
    del found
    if len(parts) == 2:
        return key_pair(*parts)
    raise ConfigurationError("credentials must return a token, or a pair (api_key, secret_key)")
