from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from aiozbilling.report import html_report
from aiozbilling.statement import statement
from tests.report.cases import CASES, READ_AT


@pytest.fixture(scope="session")
def static_page() -> Callable[[str], str]:
    """Return the function that lays out the page of a case without a script, each once."""
    made: dict[str, str] = {}

    def page(case: str) -> str:
        if case not in made:
            made[case] = html_report(statement(CASES[case]()), static=True, now=READ_AT)
        return made[case]

    return page


@pytest.fixture(scope="session")
def full_page(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """Return the function that writes the page of a case with its script, each once."""
    folder, made = tmp_path_factory.mktemp("pages"), {}

    def page(case: str) -> Path:
        if case not in made:
            made[case] = folder / f"{case}.html"
            made[case].write_text(html_report(statement(CASES[case]()), now=READ_AT), encoding="utf-8")
        return made[case]

    return page
