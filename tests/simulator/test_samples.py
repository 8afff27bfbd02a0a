"""The provider pages' own samples work with only the host and the credentials changed."""

from __future__ import annotations

import asyncio
import json
import shutil
import subprocess

import pytest
import requests


async def curl(*arguments):
    """Run curl and read the JSON that it prints."""
    process = await asyncio.create_subprocess_exec(
        "curl", "--silent", "--show-error", *arguments, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    printed, problems = await process.communicate()
    assert process.returncode == 0, problems
    return json.loads(printed)


needs_curl = pytest.mark.skipif(shutil.which("curl") is None, reason="curl is not installed")


@needs_curl
@pytest.mark.parametrize("name", ["thisMonthUsage", "historyUsage"])
async def test_aiozs_curl_samples(simulator, name):
    """`curl --location --request GET` with the two headers."""
    reply = await curl(
        *("--location", "--request", "GET", f"{simulator.url}/api/billing/{name}?offset=0&limit=10"),
        *("--header", f"pinning_api_key: {simulator.api_key}"),
        *("--header", f"pinning_secret_key: {simulator.secret_key}"),
    )
    assert reply["status"] == "success"


@needs_curl
@pytest.mark.parametrize("redirect", ["none", "add"])
async def test_the_top_up_sample_sends_a_body_with_a_get(simulator, redirect):
    """The page's sample sends a JSON body, which has no effect; a redirect to the slash form is followed too."""
    simulator.behaviour.slash_redirect = redirect
    body = """{
    "name": "test-api-key3",
    "scopes": {
        "data": {
            "pinList": true
        },
        "pinning": {
            "unpin": true
        }
    }
}"""
    reply = await curl(
        *("--location", "--request", "GET", f"{simulator.url}/api/billing/topUp?offset=0&limit=10"),
        *("--header", f"pinning_api_key: {simulator.api_key}"),
        *("--header", f"pinning_secret_key: {simulator.secret_key}"),
        *("--header", "Content-Type: application/json", "--data-raw", body),
    )
    assert len(reply["data"]["top_up_usages"]) == 10


@needs_curl
async def test_b3os_curl_sample(simulator):
    """`curl -X GET` with the bearer token and an empty JSON object."""
    reply = await curl(
        *("-X", "GET", f"{simulator.url}/v1/organizations/{simulator.organization}/cu/usage?yearMonth=2026-10"),
        *("-H", f"Authorization: Bearer {simulator.b3os_token}"),
        *("-H", "Content-Type: application/json", "-d", "{}"),
    )
    assert reply["code"] == 0


@needs_curl
@pytest.mark.parametrize("query", ["", "?startDate=2026-01-01&endDate=2026-01-31", "?metrics=api_calls,storage"])
async def test_metered_curl_samples(simulator, query):
    """Current period, date range, and chosen metrics."""
    url = f"{simulator.url}/api/billing/usage{query}"
    reply = await curl("-X", "GET", url, "-H", f"Authorization: Bearer {simulator.metered_token}")
    assert reply["success"] is True


async def test_aiozs_python_sample(simulator):
    """`requests.request("GET", url, headers=headers, data={})`."""
    url = f"{simulator.url}/api/billing/thisMonthUsage?offset=0&limit=10"
    headers = {"pinning_api_key": simulator.api_key, "pinning_secret_key": simulator.secret_key}
    response = await asyncio.to_thread(requests.request, "GET", url, headers=headers, data={}, timeout=60)
    assert response.json()["status"] == "success"


async def test_b3os_python_sample(simulator):
    """`requests.get(url, headers=headers, json={})`."""
    url = f"{simulator.url}/v1/organizations/{simulator.organization}/cu/usage?yearMonth=2026-10"
    headers = {"Authorization": f"Bearer {simulator.b3os_token}"}
    response = await asyncio.to_thread(requests.get, url, headers=headers, json={}, timeout=60)
    assert len(response.json()["data"]["daily"]) == 31


@pytest.mark.skipif(shutil.which("node") is None, reason="node is not installed")
async def test_metered_typescript_sample(simulator):
    """The page's `fetch` with URLSearchParams, in Node."""
    script = """
    const [base, sessionToken] = process.argv.slice(1);
    const query = new URLSearchParams();
    query.set('startDate', '2026-01-01');
    query.set('endDate', '2026-01-31');
    query.set('metrics', ['api_calls', 'storage'].join(','));
    fetch(`${base}/api/billing/usage?${query}`, {headers: {'Authorization': `Bearer ${sessionToken}`}})
      .then(response => response.json()).then(reply => console.log(Object.keys(reply.data.metrics).join()));
    """
    process = await asyncio.create_subprocess_exec(
        "node", "-e", script, simulator.url, simulator.metered_token, stdout=subprocess.PIPE
    )
    printed, _ = await process.communicate()
    assert printed.decode().strip() == "apiCalls,storage"
