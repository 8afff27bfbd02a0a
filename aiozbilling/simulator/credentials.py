"""Keys and tokens that look like the providers', made from a seed."""

from __future__ import annotations

import base64
import hashlib
import json

import attrs

__all__ = ["Credentials", "digest"]


def digest(seed: str, purpose: str, size: int = 32) -> bytes:
    """Make `size` bytes (at most 64) that depend on nothing but their arguments."""
    return hashlib.blake2b(f"{seed}/{purpose}".encode(), digest_size=size).digest()


@attrs.frozen
class Credentials:
    """Everything that one account signs its requests with."""

    api_key: str
    secret_key: str
    token: str
    b3os_token: str
    organization: str
    metered_token: str

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
    # Real keys hold `+ / =` now and then. These always do, so that a client that mangles them is found out.
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
