"""The first account, which most programs and tests need alone, without its name in every line."""

from __future__ import annotations

from typing import Any

from aiozbilling.simulator.accounts import Account

__all__ = ["FirstAccount"]


class FirstAccount:
    """Credentials, rows and changes of the first of several accounts."""

    accounts: list[Account]
    """All accounts; `add_account` adds more."""

    @property
    def account(self) -> Account:
        """The first account."""
        return self.accounts[0]

    @property
    def api_key(self) -> str:
        """Key of its AIOZ key pair."""
        return self.account.api_key

    @property
    def secret_key(self) -> str:
        """Secret of its AIOZ key pair."""
        return self.account.secret_key

    @property
    def token(self) -> str:
        """Its AIOZ token, which can be used instead of the key pair."""
        return self.account.token

    @property
    def b3os_token(self) -> str:
        """Its token at B3OS."""
        return self.account.b3os_token

    @property
    def organization(self) -> str:
        """Its organization at B3OS."""
        return self.account.organization

    @property
    def metered_token(self) -> str:
        """Its session token of metered billing."""
        return self.account.metered_token

    def top_up_rows(self) -> list[dict[str, Any] | None]:
        """List the first account's top-ups as they are served now, null rows included."""
        return self.account.top_up_rows()

    def top_up_ids(self) -> list[str]:
        """List the ids of the first account's top-ups that are not null, in list order."""
        return self.account.top_up_ids()

    def history_rows(self) -> list[dict[str, Any] | None]:
        """List the first account's days as they are served now, null rows included."""
        return self.account.history_rows()

    def add_top_ups(self, count: int = 1) -> list[str]:
        """Add deposits to the first account, and return their ids, oldest first."""
        return self.account.add_top_ups(count)

    def remove_top_up(self, which: str | int) -> str:
        """Delete one of the first account's top-ups, by id or by position, and return its id."""
        return self.account.remove_top_up(which)

    def restore_top_up(self, id: str) -> None:  # noqa: A002 - the provider's name
        """Put one of the first account's removed top-ups back at its place in the list."""
        self.account.restore_top_up(id)
