"""The error tree: documented, exported, picklable, and with messages that say what to do."""

from __future__ import annotations

import copy
import pickle
import re

import pytest

import aiozbilling
from aiozbilling import errors

TREE = [kind for kind in vars(errors).values() if isinstance(kind, type) and issubclass(kind, Exception)]

CALL = {"endpoint": "GET /api/billing/topUp", "attempts": 3}
REPLY = {**CALL, "status": 400, "code": "400228", "request_id": "req_1", "hint": "Check offset and page_size"}
WALK = {"delivered": 12, "report": None, "cursor": None, "hint": "Go on with its cursor"}
EXAMPLES = {
    errors.AiozBillingError: errors.AiozBillingError("something"),
    errors.ConfigurationError: errors.ConfigurationError("set the environment variable AIOZ_PIN_API_KEY"),
    errors.ClientClosedError: errors.ClientClosedError(),
    errors.DecodeError: errors.DecodeError(["a", "b"], excerpt="<html>", malformed=True, **CALL),
    errors.ExportError: errors.ExportError("disk full", path="top-ups.csv", hint="Free some space"),
    errors.FeedError: errors.FeedError("the subscriber missed 3 rows", hint="Load the list again"),
    errors.ExportLockedError: errors.ExportLockedError("in use", path="top-ups.csv", hint="Wait"),
    errors.CheckpointError: errors.CheckpointError("newer", path="top-ups.csv", hint="Upgrade"),
    errors.RateLimitedError: errors.RateLimitedError("slow down", retry_after=7.5, **REPLY | {"status": 429}),
    errors.NotSentError: errors.NotSentError("the rate limit leaves no turn", retry_after=7.5, hint="Try again in 8 s"),
    errors.ServerError: errors.ServerError("down", retry_after=2.0, **REPLY | {"status": 503}),
    errors.RedirectError: errors.RedirectError("to b", location="https://b.example/", **REPLY | {"status": 302}),
}
for _kind in TREE:
    if issubclass(_kind, errors.TransportError):
        EXAMPLES[_kind] = _kind("the connection was lost", hint="Check base_url and the network", **CALL)
    elif issubclass(_kind, errors.ListingError):
        EXAMPLES[_kind] = _kind("the order changed", **WALK)
    elif issubclass(_kind, errors.ApiError):
        EXAMPLES.setdefault(_kind, _kind("no such thing", **REPLY))


def documented_tree() -> dict[str, tuple[str, str]]:
    """Read parent and standard-library twin of each class from the drawing in the docstring."""
    drawn: dict[str, tuple[str, str]] = {}
    parents: list[str] = []
    for line in (errors.__doc__ or "").splitlines():
        match = re.match(r"    ([│├└─ ]*)(\w+)(?:\((\w+)\))?(?:  |$)", line)
        if match:
            depth = len(match[1]) // 3
            parents[depth:] = [match[2]]
            drawn[match[2]] = (parents[depth - 1] if depth else "Exception", match[3] or "")
    return drawn


def test_the_drawn_tree_is_the_real_one():
    """The docstring draws each class under its real parent, with its real twin, and draws no other."""
    real = {
        kind.__name__: (kind.__bases__[0].__name__, kind.__bases__[1].__name__ if len(kind.__bases__) > 1 else "")
        for kind in TREE
    }
    assert documented_tree() == real
    assert len(real) > 20


@pytest.mark.parametrize("kind", TREE, ids=lambda kind: kind.__name__)
def test_each_class_is_exported_and_documented(kind):
    """Each class is importable from the package, listed in both `__all__`, and has a sentence of its own."""
    assert getattr(aiozbilling, kind.__name__) is kind
    assert kind.__name__ in aiozbilling.__all__
    assert kind.__name__ in errors.__all__
    assert "__doc__" in vars(kind)
    assert kind.__doc__.partition("\n")[0].endswith(".")


@pytest.mark.parametrize("kind", TREE, ids=lambda kind: kind.__name__)
def test_each_message_holds_its_facts(kind):
    """A message consists of the attributes: what was called, what happened, how often, and what to do next."""
    error = EXAMPLES[kind]
    message = str(error)
    facts = ("reason", "message", "endpoint", "hint", "code", "request_id", "path")
    wanted = [getattr(error, name) for name in facts if getattr(error, name, None)]
    assert [fact for fact in wanted if fact not in message] == []
    assert "\n" not in message
    assert message
    if getattr(error, "attempts", 0):
        assert "after 3 attempts" in message
    if hasattr(error, "delivered"):
        assert "12 rows were delivered" in message
    if getattr(error, "status", 0):
        assert f"HTTP {error.status}" in message


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
@pytest.mark.parametrize("kind", TREE, ids=lambda kind: kind.__name__)
def test_each_error_survives_pickle(kind, protocol):
    """Pickling by any protocol keeps class, message, args and every attribute."""
    error = EXAMPLES[kind]
    assert same(pickle.loads(pickle.dumps(error, protocol)), error)


@pytest.mark.parametrize("copied", [copy.copy, copy.deepcopy])
@pytest.mark.parametrize("kind", TREE, ids=lambda kind: kind.__name__)
def test_each_error_survives_copy(kind, copied):
    """Copying keeps class, message, args and every attribute, and makes another object."""
    error = EXAMPLES[kind]
    twin = copied(error)
    assert twin is not error
    assert same(twin, error)


def same(twin: BaseException, error: BaseException) -> bool:
    """Compare the classes, messages and attributes of two errors."""
    return (
        type(twin) is type(error)
        and str(twin) == str(error)
        and repr(twin) == repr(error)
        and twin.args == error.args
        and vars(twin) == vars(error)
    )


@pytest.mark.parametrize(
    ("kind", "twin"),
    [
        (errors.ConfigurationError, ValueError),
        (errors.ConnectError, ConnectionError),
        (errors.ConnectError, OSError),
        (errors.CallTimeoutError, TimeoutError),
        (errors.DecodeError, ValueError),
    ],
)
def test_standard_twins_catch_ours(kind, twin):
    """Code that catches the standard library's error also catches the library's error, with its attributes."""
    with pytest.raises(twin) as caught:
        raise EXAMPLES[kind]
    assert caught.value is EXAMPLES[kind]
    assert isinstance(caught.value, errors.AiozBillingError)


def test_twins_of_oserror_keep_their_message():
    """OSError builds its own message from two arguments; the library's errors pass one and keep their message."""
    error = errors.ConnectError("no connection: refused", endpoint="GET /x", attempts=1)
    assert str(error) == "GET /x: no connection: refused"
    assert error.errno is None


def test_a_decode_error_shows_five_problems_and_counts_the_rest():
    """The message for many bad fields has a bounded length and says where the others are."""
    error = errors.DecodeError([f"problem {number}" for number in range(9)])
    assert "problem 4" in str(error)
    assert "problem 5" not in str(error)
    assert "and 4 more in .problems" in str(error)
    assert len(error.problems) == 9


def test_a_single_attempt_and_an_equal_code_are_not_mentioned():
    """A message does not mention a single attempt, or a code that only repeats the status."""
    assert str(errors.NotFoundError("gone", status=404, code="404", attempts=1)) == "HTTP 404: gone"


def test_one_delivered_row_is_singular():
    """Messages are grammatical for one row."""
    assert "(1 row was delivered before)" in str(errors.DriftError("the place was lost", delivered=1))


def test_an_error_that_is_created_again_from_its_message_shows_no_status():
    """Celery stores the arguments of an error only, so the status that it does not know is left out."""
    error = errors.AuthenticationError("Unauthorized", status=401)
    assert str(error) == "HTTP 401: Unauthorized"
    assert str(errors.AuthenticationError(*error.args)) == "AuthenticationError: Unauthorized"
