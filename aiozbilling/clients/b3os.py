"""The B3OS workflow API: compute units (CU) of an organisation."""

from __future__ import annotations

import re
from collections.abc import AsyncGenerator
from typing import TYPE_CHECKING, Self

from aiozbilling.clients.client import Client, Settings, concurrency_of, refuse_unknown
from aiozbilling.clients.environment import environment
from aiozbilling.clients.months import Month, by_month, month_of, months_between
from aiozbilling.errors import ConfigurationError
from aiozbilling.exchange.credentials import Secret, bearer, concealed
from aiozbilling.exchange.endpoint import Endpoint, System
from aiozbilling.exchange.envelope import b3os_envelope
from aiozbilling.records.b3os import CuBalance, CuUsage

if TYPE_CHECKING:
    from typing_extensions import Unpack

__all__ = ["B3OS_URL", "B3osBilling"]

B3OS_URL = "https://api.b3os.org"

_B3OS = System(
    name="B3OS",
    envelope=b3os_envelope,
    hints={
        401: "Check the token (B3OS_API_KEY; it begins with b3sk_)",
        403: "The token has no access to this organisation",
        404: "The organisation id is wrong, or not visible to this token",
    },
)
_PAGE = "B3OS API reference, Organizations, "
CU_USAGE = Endpoint(_B3OS, "/v1/organizations/{organization}/cu/usage", CuUsage, _PAGE + "Get CU usage")
CU_BALANCE = Endpoint(_B3OS, "/v1/organizations/{organization}/cu", CuBalance, _PAGE + "Get CU balance")
# A ".." or a "/" would be normalised into another path.
_ORGANIZATION = re.compile(r"[A-Za-z0-9_-]{1,128}", re.ASCII)


class B3osBilling(Client):
    """Client of the B3OS workflow API.

    Args:
        token: a server key, ``b3sk_…``.
        base_url: another server than `B3OS_URL`.
        **settings: see `Settings`. The provider publishes no rate limit, so there is none by default.

    Raises:
        ConfigurationError: one of these can't be right.
    """

    def __init__(self, *, token: str | Secret, base_url: str = B3OS_URL, **settings: Unpack[Settings]) -> None:
        token = concealed(token)
        refuse_unknown(settings)
        super().__init__(base_url, bearer(token, variable="B3OS_API_KEY"), **settings)

    @classmethod
    def from_env(cls, *, base_url: str | None = None, **settings: Unpack[Settings]) -> Self:
        """Build a client from ``B3OS_API_KEY`` and, where it is set, ``B3OS_SERVER_URL`` (`base_url` comes before it).

        Raises:
            ConfigurationError: a variable is missing or can't be right.
        """
        refuse_unknown(settings)
        token, from_environment = environment("B3OS_API_KEY", optional="B3OS_SERVER_URL")
        base_url = base_url or from_environment
        return cls(token=token, base_url=base_url or B3OS_URL, **settings)

    def with_credentials(self, *, token: str | Secret) -> Self:
        """Give a client for another account on the same connections, with a rate and a pause of its own."""
        token = concealed(token)
        return self._with(bearer(token))

    async def cu_usage(self, organization: str, month: Month) -> CuUsage:
        """Read the compute units of an organisation in a month.

        Args:
            organization: its id, ``"org_…"``.
            month: ``"2026-10"``, a date or a datetime in it.

        Raises:
            ConfigurationError: the id or the month can't be right; no request is made.
            TransportError: no usable reply came.
            ApiError: the reply says no.
            DecodeError: the reply is not what the API promises.

        Source: B3OS API reference, "Get CU usage".
        """
        return await self._cu_usage(_checked(organization), month_of(month))

    def cu_usage_by_month(
        self, organization: str, *, since: Month, until: Month | None = None, concurrency: int = 4
    ) -> AsyncGenerator[CuUsage, None]:
        """Iterate the months from `since` to `until` (None: the current one), both included, oldest first.

        Raises:
            ConfigurationError: at once, where an argument can't be right. Otherwise as `cu_usage`.
        """
        organization = _checked(organization)

        async def fetch(month: tuple[int, int]) -> CuUsage:
            return await self._cu_usage(organization, month)

        return by_month(months_between(since, until), fetch, concurrency_of(concurrency))

    async def cu_balance(self, organization: str) -> CuBalance:
        """Read the compute units that an organisation has left.

        Raises:
            ConfigurationError: the id can't be right. Otherwise as `cu_usage`.
        """
        return await self._exchange.call(CU_BALANCE, organization=_checked(organization))

    async def _cu_usage(self, organization: str, month: tuple[int, int]) -> CuUsage:
        query = f"yearMonth={month[0]:04}-{month[1]:02}"
        return await self._exchange.call(CU_USAGE, query, organization=organization)


def _checked(organization: object) -> str:
    if not isinstance(organization, str) or not _ORGANIZATION.fullmatch(organization):
        raise ConfigurationError(
            f"organization must be an id as 'org_…', of letters, digits, '_' and '-', not {organization!r}"
        )
    return organization
