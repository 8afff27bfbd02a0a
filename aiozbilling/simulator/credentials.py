"""Keys and tokens that look like the providers', made from a seed."""

from __future__ import annotations

import base64
import hashlib
import json

import attrs

__all__ = ["Credentials", "Signature", "digest"]

Signature = tuple[str, str | None, str | None]  # (system, key or Authorization header, secret key)


def digest(seed: str, purpose: str, size: int = 32) -> bytes:
    """Derive `size` bytes (at most 64) from a seed and a purpose."""
    return hashlib.blake2b(f"{seed}/{purpose}".encode(), digest_size=size).digest()


@attrs.frozen
class Credentials:
    """Everything that one account signs its requests with; all of it differs from account to account."""

    api_key: str
    secret_key: str
    token: str
    b3os_token: str
    organization: str
    metered_token: str

    def signatures(self) -> tuple[Signature, ...]:
        """List what valid requests of the account are signed with."""
        return (
            ("AIOZ", self.api_key, self.secret_key),
            ("AIOZ", f"Bearer {self.token}", None),
            ("B3OS", f"Bearer {self.b3os_token}", None),
            ("metered", f"Bearer {self.metered_token}", None),
        )

    @classmethod
    def from_seed(cls, seed: str) -> Credentials:
        """Make the credentials of the account that `seed` names."""
        return cls(
            api_key=_awkward_base64(seed, "api key", 16),
            secret_key=_awkward_base64(seed, "secret key", 32),
            token=_jwt(seed, "aioz token"),
            b3os_token=f"b3sk_{digest(seed, 'b3os token', 24).hex()}",
            organization=f"org_{digest(seed, 'organization', 12).hex()}",
            metered_token=_jwt(seed, "session"),
        )


def _awkward_base64(seed: str, purpose: str, size: int) -> str:
    # Real keys sometimes hold `+ / =`. These always do, so that a client that mangles them fails.
    for attempt in range(10_000):
        key = base64.b64encode(digest(seed, f"{purpose} {attempt}", size)).decode()
        if "+" in key and "/" in key:
            return key
    raise AssertionError("unreachable: one in ten keys holds both")


def _jwt(seed: str, purpose: str) -> str:
    head = {"alg": "HS256", "typ": "JWT"}
    claims = {"sub": digest(seed, f"{purpose} subject", 8).hex(), "exp": 4102444800}
    parts = [json.dumps(part, separators=(",", ":")).encode() for part in (head, claims)]
    return ".".join(
        base64.urlsafe_b64encode(part).decode().rstrip("=") for part in (*parts, digest(seed, f"{purpose} signature"))
    )
