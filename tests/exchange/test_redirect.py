from __future__ import annotations

import pytest

from aiozbilling import RedirectError
from aiozbilling.exchange.redirect import redirected, shown

HERE = "https://api.example.com/api/billing/topUp?offset=20&limit=10"


@pytest.mark.parametrize(
    ("location", "there"),
    [
        ("/api/billing/topUp/?offset=20&limit=10", "https://api.example.com/api/billing/topUp/?offset=20&limit=10"),
        ("https://api.example.com:443/x?offset=20&limit=10", "https://api.example.com/x?offset=20&limit=10"),
        ("/api/billing/topUp/", "https://api.example.com/api/billing/topUp/?offset=20&limit=10"),
        ("topUp/", "https://api.example.com/api/billing/topUp/?offset=20&limit=10"),
        ("/api/billing/topUp/#top", "https://api.example.com/api/billing/topUp/?offset=20&limit=10"),
    ],
)
def test_redirects_within_the_server_keep_the_query(location: str, there: str) -> None:
    """Redirects with the same scheme, host and port are followed; if they have no query, that of the call is kept."""
    assert redirected(HERE, location) == there


@pytest.mark.parametrize(
    "location",
    [
        "",
        "https://evil.example.com/api/billing/topUp?offset=20&limit=10",
        "http://api.example.com/api/billing/topUp/?offset=20&limit=10",
        "https://api.example.com:8443/x?offset=20&limit=10",
        "//evil.example.com/api/billing/topUp?offset=20&limit=10",
        "https://user:word@api.example.com/x?offset=20&limit=10",
        "https://api.example.com@evil.example.com/?offset=20&limit=10",
        "javascript:alert(1)",
        "https://[::1",
        "https://api.example.com:99999/",
        "/api/billing/topUp/?offset=0&limit=10",
        "\\\\evil.example.com\\x",
    ],
)
def test_redirects_elsewhere_are_not_followed(location: str) -> None:
    """Redirects to another server, with a user name, without a valid target or with another query are not followed."""
    if "\\" in location:
        assert redirected(HERE, location).startswith("https://api.example.com/")
    else:
        with pytest.raises(RedirectError):
            redirected(HERE, location)


def test_the_order_of_a_query_does_not_matter() -> None:
    """A redirect with the same query in another order, as by Go, is followed."""
    assert redirected(HERE, "/api/billing/topUp/?limit=10&offset=20").endswith("/topUp/?limit=10&offset=20")


def test_a_redirect_is_shown_without_query_and_user() -> None:
    """An error message names the target without the parts that may be secret."""
    text = shown(HERE, "https://user:word@evil.example.com/path?key=secret#part")
    assert text == "https://evil.example.com/path"
    assert shown(HERE, "https://[::1") == "an address that can't be read"
