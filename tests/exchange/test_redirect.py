from __future__ import annotations

import pytest

from aiozbilling.exchange.redirect import NotFollowedError, redirected, shown

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
def test_redirects_within_the_server_are_followed_with_our_query(location: str, there: str) -> None:
    """Same scheme, host and port are followed; a query that the redirect leaves out is kept."""
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
    """Another place, a user name, no address, or another query: the credentials stay here."""
    if "\\" in location:
        assert redirected(HERE, location).startswith("https://api.example.com/")
    else:
        with pytest.raises(NotFollowedError):
            redirected(HERE, location)


def test_the_order_of_a_query_does_not_matter() -> None:
    """A server that sorts the query, as Go does, redirects to the same rows."""
    assert redirected(HERE, "/api/billing/topUp/?limit=10&offset=20").endswith("/topUp/?limit=10&offset=20")


def test_a_redirect_is_shown_without_query_and_user() -> None:
    """An error's text names the place, and nothing that may be secret."""
    text = shown(HERE, "https://user:word@evil.example.com/path?key=secret#part")
    assert text == "https://evil.example.com/path"
    assert shown(HERE, "https://[::1") == "an address that can't be read"
