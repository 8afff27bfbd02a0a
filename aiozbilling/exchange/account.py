"""One account of a server: its credentials, its throttle and its label."""

from __future__ import annotations

import attrs

from aiozbilling.errors import ConfigurationError
from aiozbilling.exchange.credential_source import CredentialSource
from aiozbilling.exchange.credentials import Credentials, keyed_fingerprint, label_fingerprint, scrubbed
from aiozbilling.exchange.throttle import Throttle

__all__ = ["Account"]


@attrs.frozen(eq=False)
class Account:
    """One account.

    Attributes:
        source: credentials, or where they are asked for.
        throttle: its rate limit and its pause.
        label: the user's name for it, which is no secret, or "".
    """

    source: Credentials | CredentialSource
    throttle: Throttle
    label: str = ""

    @property
    def credentials(self) -> Credentials | None:
        """The credentials, or None where they were not asked for yet."""
        return self.source if isinstance(self.source, Credentials) else self.source.current

    def clean(self, text: str) -> str:
        """Take this account's credentials out of a text of the server's."""
        credentials = self.credentials
        return text if credentials is None else scrubbed(text, credentials)

    def fingerprint(self, host: str, key: bytes) -> str:
        """Return what identifies the account at a host, under a key.

        Raises:
            ConfigurationError: the credentials change, and the account has no label to identify it.
        """
        return fingerprint(self.source, self.label, host, key)


def fingerprint(source: Credentials | CredentialSource, label: str, host: str, key: bytes) -> str:
    """Return what identifies an account: its credentials or, where they change, its label."""
    if isinstance(source, Credentials):
        return keyed_fingerprint(source, host, key)
    if not label:
        raise ConfigurationError("credentials that change do not identify an account: give the client an account=")
    return label_fingerprint(label, host, key)
