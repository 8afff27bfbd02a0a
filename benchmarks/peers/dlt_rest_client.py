"""dlt's REST client with its offset paginator."""

from __future__ import annotations

from dlt.sources.helpers.rest_client import RESTClient
from dlt.sources.helpers.rest_client.paginators import OffsetPaginator

from benchmarks.task import KEYS, PATH, Tally, Task


def walk(task: Task) -> Tally:
    rows = amount = 0
    client = RESTClient(
        base_url=task.base_url,
        headers=KEYS,
        paginator=OffsetPaginator(limit=task.page_size or 10, total_path="data.totals"),
        data_selector="data.top_up_usages",
    )
    for page in client.paginate(PATH):
        for top_up in page:
            if top_up["id"] and top_up["created_at"]:
                rows += 1
            amount += int(top_up["amount"]["amount"])
    return Tally.of(rows, amount)
