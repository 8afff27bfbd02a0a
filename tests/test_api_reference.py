"""The API reference describes every public name as it is in the code."""

from __future__ import annotations

from tests.api_reference import PACKAGES, PAGE, public_names, reference


def test_the_page_is_what_the_code_says() -> None:
    """The page is the one that `python -m tests.api_reference` writes from the signatures and docstrings."""
    assert PAGE.read_text(encoding="utf-8") == reference(), "run: python -m tests.api_reference"


def test_every_public_name_has_an_entry() -> None:
    """Each public name has a heading, and each heading of a name is public."""
    names = {name for package in PACKAGES for name in public_names(package)}
    headings = {
        line[5:].strip("`") for line in PAGE.read_text(encoding="utf-8").splitlines() if line.startswith("#### `")
    }
    assert headings == names
