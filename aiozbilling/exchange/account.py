"""One account of a server: its credentials, its throttle and its label."""

from __future__ import annotations

import attrs

from aiozbilling.errors import ConfigurationError
from aiozbilling.exchange.credential_source import CredentialSource
from aiozbilling.exchange.credentials import Credentials, keyed_fingerprint, label_fingerprint, scrubbed
from aiozbilling.exchange.throttle import Throttle
from aiozbilling.records.texts import printable

__all__ = ["Account", "fingerprint"]


@attrs.frozen(eq=False, repr=False)
class Account:
    """One account.

    Attributes:
        source: credentials, or a source that asks for them.
        throttle: rate limit and pause of the account.
        label: the user's label for the account, or ""; it is not secret.
    """

    source: Credentials | CredentialSource
    throttle: Throttle
    label: str = ""

    def clean(self, text: str) -> str:
        """Remove control characters and this account's credentials, also replaced ones, from a text from the server."""
        source = self.source
        known = [source] if isinstance(source, Credentials) else filter(None, (source.current, *source.earlier))
        return printable(scrubbed(text, *known))


def fingerprint(source: Credentials | CredentialSource, label: str, host: str, key: bytes) -> str:
    """Return a text, keyed with `key`, that identifies an account at a host.

    It depends on the credentials or, if they change, on the label.

    Raises:
        ConfigurationError: the credentials change, and the account has no label.
    """
    if isinstance(source, Credentials):
        return keyed_fingerprint(source, host, key)
    if not label:
        raise ConfigurationError("credentials that change do not identify an account: pass account= to the client")
    return label_fingerprint(label, host, key)
