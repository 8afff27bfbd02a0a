"""The Python sample of the provider's page, in a loop. Its default limit is 10."""

from __future__ import annotations

import requests

from benchmarks.task import KEYS, PATH, Tally, Task


def walk(task: Task) -> Tally:
    rows = amount = 0
    offset, total, limit = 0, 1, task.page_size or 10
    while offset < total:
        url = f"{task.base_url}{PATH}?offset={offset}&limit={limit}"
        response = requests.request("GET", url, headers=KEYS, data={})
        page = response.json()["data"]
        total = page["totals"]
        offset += limit
        for top_up in page["top_up_usages"]:
            if top_up["id"] and top_up["created_at"]:
                rows += 1
            amount += int(top_up["amount"]["amount"])
    return Tally.of(rows, amount)
