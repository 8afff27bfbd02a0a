"""Sends one HTTP request. Together with `connections`, this is the only code of the client that uses aiohttp."""

from __future__ import annotations

import asyncio
import ipaddress
import ssl
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any
from urllib.request import getproxies

import aiohttp
import attrs
from aiohttp.client_middlewares import ClientHandlerType, ClientMiddlewareType
from aiohttp.http_exceptions import ContentEncodingError
from multidict import CIMultiDict
from yarl import URL

from aiozbilling.errors import (
    BodyTooLargeError,
    ConfigurationError,
    ConnectError,
    ProtocolError,
    TLSError,
    TransportError,
)
from aiozbilling.exchange.connections import Connections
from aiozbilling.exchange.credentials import Credentials, reveal

__all__ = ["Reply", "checked_base_url", "send"]

_NO_TIMEOUT = aiohttp.ClientTimeout(total=None, connect=None, sock_connect=None, sock_read=None)
_CUT = "Try again later; if it happens again, check proxies and the network on the way to the server"
_PROXY = "Check the proxy, its user name and its password"
_NOT_CONNECTED = (aiohttp.ClientConnectorError, aiohttp.ClientHttpProxyError)
_ERROR_BODY = 64 * 1024  # of an error's body, only the beginning is read, which has the message
_ERROR_BODY_S = 2.0
_BYTE_ORDER_MARK = b"\xef\xbb\xbf"  # some servers send it before JSON, which must not have it


@attrs.define(eq=False, repr=False)
class Reply:
    """A reply: status, headers (case-insensitive) and decompressed body."""

    status: int
    headers: Mapping[str, str]
    body: bytes


async def send(
    connections: Connections,
    url: str,
    credentials: Credentials,
    error_body_s: float,
    max_body: int,
    headers: Mapping[str, str] | None = None,
) -> Reply:
    """Send one GET and read its whole reply. Redirects are not followed, and the caller limits the time.

    Args:
        connections: connections to the server.
        url: complete URL with its query.
        credentials: credentials that sign the request.
        error_body_s: longest wait for the body of an error, in seconds; without the body, the error has no message.
        max_body: largest body in bytes.
        headers: additional headers, such as a traceparent.

    Raises:
        TransportError: there was no usable reply; the subclass says why.
        ConfigurationError: the caller's session can't be used.
    """
    session = connections.session()
    begun = False
    try:
        response = await session.get(
            _url(url),
            headers=_signed(credentials, headers),
            allow_redirects=False,
            raise_for_status=False,
            timeout=_NO_TIMEOUT,
            middlewares=_middlewares(session),
        )
        begun = True
        try:
            body = await _body(response, max_body, error_body_s)
        finally:
            if not response.closed:  # the rest is not read, so the connection can't be reused
                response.close()
        return Reply(response.status, response.headers, body.removeprefix(_BYTE_ORDER_MARK))
    except (aiohttp.ClientError, OSError, ValueError, EOFError, RuntimeError, _LostError, TransportError) as error:
        failure = _translated(error, url)
        if isinstance(failure, ConnectError):
            failure.before_reply = not begun and not isinstance(error, _NOT_CONNECTED)
    # Raised here, so that the error refers to no stack frame or context of the HTTP library, which contain the headers.
    raise failure


def _url(url: str) -> URL:
    """Parse a URL without changing it. The part before the query is parsed only once."""
    where, _, query = url.partition("?")
    place, (scheme, authority, path) = _place(where)
    if not query:
        return place
    return URL.build(scheme=scheme, authority=authority, path=path, query_string=query, encoded=True)


@lru_cache(64)
def _place(url: str) -> tuple[URL, tuple[str, str, str]]:
    """Return a parsed URL and its parts, which are properties that take longer than the rest of `_url`."""
    place = URL(url, encoded=True)
    return place, (place.scheme, place.raw_authority, place.raw_path)


def _middlewares(session: aiohttp.ClientSession) -> Sequence[ClientMiddlewareType] | None:
    """Prevent the caller's session from sending a request twice; the client's own ones never do (`connections`)."""
    if getattr(session, "_retry_connection", True):
        return (*getattr(session, "_middlewares", ()), _one_attempt)
    return None


class _LostError(Exception):
    """The connection was lost before the reply began."""


async def _one_attempt(request: aiohttp.ClientRequest, handler: ClientHandlerType) -> aiohttp.ClientResponse:
    """Convert the two errors after which aiohttp sends a GET again by itself (client.py, 3.14) to another one."""
    try:
        return await handler(request)
    except aiohttp.ClientConnectorError:
        raise
    except (aiohttp.ServerDisconnectedError, aiohttp.ClientOSError) as error:
        raise _LostError(type(error).__name__) from None


async def _body(response: aiohttp.ClientResponse, max_body: int, error_body_s: float) -> bytes:
    if response.status >= 300:
        return await _error_body(response, min(_ERROR_BODY, max_body), min(_ERROR_BODY_S, error_body_s))
    if response.content.is_eof():  # it came with the headers, so there is nothing to wait for
        body = response.content.read_nowait()
        _refuse_large(len(body), max_body)
        return body
    chunks: list[bytes] = []
    size = 0
    async for chunk in response.content.iter_any():
        chunks.append(chunk)
        size += len(chunk)
        _refuse_large(size, max_body)
    return b"".join(chunks)


def _refuse_large(size: int, max_body: int) -> None:
    if size > max_body:
        raise BodyTooLargeError(
            f"the body is larger than {max_body} bytes", hint="Request smaller pages, or raise `max_body`"
        )


async def _error_body(response: aiohttp.ClientResponse, most: int, timeout_s: float) -> bytes:
    """Read as much as possible of an error's body. Status and headers are valid even if this fails."""
    chunks: list[bytes] = []
    try:
        async with asyncio.timeout(timeout_s):
            async for chunk in response.content.iter_any():
                chunks.append(chunk)
                if sum(map(len, chunks)) > most:
                    break
    except (aiohttp.ClientError, TimeoutError, OSError, ValueError, EOFError):
        pass
    return b"".join(chunks)[:most]


def _translated(error: Exception, url: str) -> Exception:
    host = _host(url)
    match error:
        case TransportError() | ConfigurationError():
            return error.with_traceback(None)
        case aiohttp.ClientSSLError() | ssl.SSLError():
            is_plain = "WRONG_VERSION_NUMBER" in str(error) or "RECORD_LAYER" in str(error).upper()
            plain, usual = "Check that the server uses https on this port", "Check the host name and its certificate"
            return TLSError(f"TLS with {host} failed: {_first_line(error)}", hint=plain if is_plain else usual)
        case aiohttp.ClientProxyConnectionError():
            return ConnectError(f"no connection to the session's proxy: {_first_line(error)}", hint=_PROXY)
        case aiohttp.ClientHttpProxyError():
            kind = ConnectError if error.status >= 500 else ProtocolError  # a wrong password is not sent again
            return kind(f"the session's proxy refused to connect to {host}: HTTP {error.status}", hint=_PROXY)
        case aiohttp.ClientConnectorError():
            unused = "; the proxy in the environment is not used" if getproxies().get("https") else ""
            hint = f"Check base_url and the network{unused}"
            return ConnectError(f"no connection to {host}: {_first_line(error)}", hint=hint)
        case aiohttp.ClientPayloadError() if isinstance(error.__cause__, ContentEncodingError):
            return ProtocolError("the body can't be decompressed", hint=_CUT)
        case aiohttp.ClientPayloadError():
            return ConnectError(f"the connection to {host} was lost before the body was complete", hint=_CUT)
        case aiohttp.ClientResponseError() if "content-encoding" in error.message.lower():
            return ProtocolError("the body has a Content-Encoding that was not requested and can't be decoded")
        case aiohttp.ClientResponseError():
            return ProtocolError(f"the reply of {host} is not valid HTTP", hint="Check that base_url is an HTTP server")
        case aiohttp.ClientConnectionError() | OSError() | EOFError() | _LostError():
            return ConnectError(f"the connection to {host} was lost before the reply", hint=_CUT)
        case _:
            return ProtocolError(f"the request failed in the HTTP library ({type(error).__name__})")


def _host(url: str) -> str:
    return url.partition("://")[2].partition("/")[0].partition("?")[0]


def _signed(credentials: Credentials, headers: Mapping[str, str] | None) -> CIMultiDict[str]:
    signed = reveal(credentials)
    if headers:
        signed.update(headers)
    return signed


def _first_line(error: Any) -> str:
    """Return the message of the operating system, or of a certificate error, but never the request."""
    cause = getattr(error, "certificate_error", None) or getattr(error, "os_error", None) or error
    return (str(cause).strip() or type(cause).__name__).splitlines()[0][:200]


def checked_base_url(base_url: object, *, allow_http: bool, name: str = "base_url") -> str:
    """Return the base URL without a trailing slash. `name` is what an error calls it.

    Raises:
        ConfigurationError: it is not an http(s) URL, has user info, query or fragment, or is plain http to another
            machine.
    """
    if not isinstance(allow_http, bool):  # the text "false" would allow it
        raise ConfigurationError(f"allow_http must be True or False, not {allow_http!r}")
    if not isinstance(base_url, str | URL):
        raise ConfigurationError(f"{name} must be a str such as 'https://api.example.com'")
    try:
        url = URL(str(base_url).strip())
        host, port_is_good = url.host, url.port is not None
    except ValueError:
        host, port_is_good, url = None, False, URL()
    if url.scheme not in ("http", "https") or not host or not port_is_good:
        raise ConfigurationError(f"{name} must begin with https:// and a host, such as 'https://api.example.com'")
    if url.user is not None or url.password is not None:
        raise ConfigurationError(f"{name} must not contain a user name or password")
    if url.raw_query_string or url.raw_fragment:
        raise ConfigurationError(f"{name} must not have a query or a fragment")
    if url.scheme == "http" and not (allow_http or _is_loopback(host)):
        raise ConfigurationError(
            f"{name} is plain http, which sends the credentials to {host} unencrypted: use https, or allow_http=True"
        )
    return str(url).rstrip("/")


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
