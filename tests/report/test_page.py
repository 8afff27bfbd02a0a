"""The page: its content, its safety and its size."""

from __future__ import annotations

import re
import subprocess
import sys
from datetime import date
from decimal import Decimal
from html.parser import HTMLParser

import attrs
import pytest

from aiozbilling import ConfigurationError
from aiozbilling.report import html_report
from aiozbilling.report.charts import months_chart
from aiozbilling.report.figures import figures
from aiozbilling.report.grid import shown
from aiozbilling.report.grids import accounts_grid, months_grid
from aiozbilling.report.numbers import NOTHING
from aiozbilling.report.period import ReportMonth
from aiozbilling.report.sheets import sheets
from aiozbilling.statement import AccountFacts, Facts, SpendDay, statement
from tests.report.cases import CASES, HOSTILE, READ_AT, account, usual

QUICK = {"usual", "nothing"}


class Outline(HTMLParser):
    """Collects the elements and the text of a page."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.texts: list[str] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note an element."""
        self.elements.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        """Note a text."""
        if data.strip():
            self.texts.append(data.strip())


def test_the_tiles_hold_the_months_figures(static_page):
    """Spend, balances, deposits, runway and this month are at the top, with the figures of the statement."""
    texts = Outline(static_page("usual")).texts
    tiles = texts[texts.index("Spend, October 2026") :]
    assert tiles[1:7] == ["$40.02", "AIOZ", "Pin;", "+9.7\u00a0%", "on", "September"]
    assert {"Opening balance", "Deposits credited", "Closing balance", "Runway", "November so far"} <= set(tiles)


def test_every_chart_has_a_title_a_text_and_a_table(static_page):
    """Each of the four figures has its caption, a text alternative, the drawing and its values."""
    page = static_page("usual")
    assert page.count("<figure ") == page.count('<svg class="chart"') == page.count('role="img" aria-label=') == 4
    assert page.count("Values as a table") == 4
    assert "2026-10-04" in page


def test_tables_are_reached_by_keyboard_and_have_titles(static_page):
    """Each scrolling region takes the focus and has a name, each column has a title, and no name occurs twice."""
    page = static_page("usual")
    regions = [attributes for _, attributes in Outline(page).elements if attributes.get("class") == "scroll"]
    assert len(regions) > 10
    assert all((each["role"], each["tabindex"]) == ("region", "0") for each in regions)
    assert len({each["aria-label"] for each in regions}) == len(regions)
    assert not re.search(r'<th scope="col"[^>]*>\s*<', page.replace("<th", "\n<th"))


def test_unusual_days_are_marked_without_colour():
    """An unusual day has a mark above its bar, for readers who see no red and for black ink."""
    month = ReportMonth(statement(usual()), "2026-10")
    days = figures(month, static=True)[3]
    unusual = [day for day in month.statement.unusual if str(day.day) in {row[0] for row in days.grid.rows}]
    marks = re.search(r'<g class="mark-symbol.*?</g>', days.svg, re.DOTALL)
    assert marks
    assert marks[0].count("<path") == len(unusual) > 0
    assert ("mark", f"unusual: {len(unusual)}") in days.legend


def test_a_refund_is_copied_as_a_number():
    """A negative amount in a table has a hyphen, which a spreadsheet reads; with the sign U+2212 it would be text."""
    one = account("main", 60)
    days = tuple(attrs.evolve(day, usd=-day.usd) for day in one.days)
    page = html_report(statement(Facts((attrs.evolve(one, days=days, snapshots=()),))), static=True, now=READ_AT)
    cells = re.findall(r"<td>([^<]*\$[^<]*)", page)
    assert [cell for cell in cells if cell.startswith("-$")]
    assert not [cell for cell in cells if "\u2212" in cell]


def test_every_section_is_there(static_page):
    """The page has the accounts, days, months, deposits, both other systems, and the methods."""
    titles = {
        "Spend by month", "Balance and forecast", "October 2026, day by day", "Spend by day", "Accounts",
        "Top days of October 2026", "Unusual days", "Months", "Deposits", "Compute units by node, October 2026",
        "Metered billing, October 2026", "Control totals", "How the figures are computed",
    }  # fmt: skip
    assert titles <= set(Outline(static_page("usual")).texts)
    assert "balance is derived" in static_page("usual")


@pytest.mark.parametrize(
    "case", [name if name in QUICK else pytest.param(name, marks=pytest.mark.slow) for name in CASES]
)
def test_a_static_page_is_small_and_has_no_script(case, static_page):
    """Without a script the page fits a mail: under 150 kB, no script, no handler, no address of another file."""
    page = static_page(case)
    elements = Outline(page).elements
    assert len(page.encode()) < 150_000
    assert not {"script", "img", "link", "iframe", "object", "base", "form", "image", "use"} & {
        tag for tag, _ in elements
    }
    for _, attributes in elements:
        assert not [
            name for name in attributes if name.startswith("on") or name in ("href", "src", "style", "xlink:href")
        ]
    assert "script-src" not in page


@pytest.mark.slow
def test_two_hundred_accounts_stay_small(static_page):
    """The largest spenders are shown, the others are folded away, and all add up."""
    page = static_page("200-accounts")
    assert len(page.encode()) < 150_000
    assert "Further accounts (180)" in page
    assert "all 200" in page


def test_provider_text_is_cleaned():
    """Control and bidirectional characters are replaced, and a long name is cut."""
    assert shown(HOSTILE) == "<script>alert(1)</script>\"'&=cmd|�[31m�gnp�"
    assert len(shown("a" * 500)) == 60


def test_names_keep_their_writing():
    """A Hebrew name is one unit with its own direction, and an emoji of several signs stays whole."""
    assert shown("חשבון ראשי") == "\u2068חשבון\u00a0ראשי\u2069"
    assert shown("👩\u200d👧 می\u200cخواهم") == "\u2068👩\u200d👧\u00a0می\u200cخواهم\u2069"
    assert shown("pro\u200dd") == "pro�d"


def luminance(colour):
    """Return the relative luminance of a colour such as ``#1f6fb2``, as WCAG defines it."""
    parts = [part / 255 for part in bytes.fromhex(colour[1:])]
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def test_colours_are_visible_in_both_schemes(static_page):
    """Text has a contrast of at least 4.5 with the page, and what charts draw of at least 3, as WCAG 2.2 asks."""
    schemes = [
        dict(re.findall(r"--(\w+):(#\w+)", rules)) for rules in re.findall(r":root\{(.*?)\}", static_page("nothing"))
    ]
    assert len(schemes) == 2
    for colours in schemes:
        page = luminance(colours["page"])
        for name, least in {"ink": 4.5, "muted": 4.5, "red": 4.5, "blue": 3, "orange": 3, "grey": 3}.items():
            dark, light = sorted((luminance(colours[name]), page))
            assert (light + 0.05) / (dark + 0.05) >= least, name


def test_a_part_of_a_month_is_no_month(static_page):
    """The month in which the history begins has its number of days, the running one is bold in its own report."""
    rows = {row[0]: row for row in months_grid(ReportMonth(statement(usual()), "2026-10")).rows}
    page = html_report(statement(CASES["one-month"]()), static=True, now=READ_AT)
    assert re.search(r'<tr class="now"><th scope="row" class="l">2026-11 \*', page)
    assert "2025-10 (14 days)" in static_page("usual")
    assert "2026-11 *" in rows


def test_a_part_of_a_month_is_not_compared():
    """No table compares a month with the 14 known days of the month before; two whole months are compared."""
    facts = Facts((account("one", 66), account("two", 66, seed=2)))
    months = months_grid(ReportMonth(statement(facts), "2026-10")).rows
    assert [row[:3:2] for row in months] == [
        ["2026-11 *", NOTHING],
        ["2026-10", NOTHING],
        ["2026-09 (14 days)", NOTHING],
    ]
    accounts = accounts_grid(ReportMonth(statement(facts), "2026-10"))
    assert [row[3] for row in (*accounts.rows, accounts.total)] == [NOTHING] * 3
    for name, place in (("Months", 14), ("Accounts", 3)):
        (sheet,) = (sheet for sheet in sheets(ReportMonth(statement(facts), "2026-10")) if sheet.name == name)
        assert sheet.columns[place][0] == "change"
        assert {row[place] for row in sheet.rows} == {None}
    assert [row[6] == NOTHING for row in months] == [True, False, True], "nor is its cost per TB a month's"
    longer = months_grid(ReportMonth(statement(Facts((account("one", 96),))), "2026-10")).rows
    assert [row[2] == NOTHING for row in longer] == [True, False, True, True]


def test_what_is_not_whole_is_drawn_paler():
    """The bars of the running month, of the first month and of the running day are paler, and the legend says so."""
    months, _, _, days = figures(ReportMonth(statement(usual()), "2026-10"), static=True)
    assert ("pale", "paler: not the whole month") in months.legend
    assert ("pale", "paler: the day so far") in days.legend
    chart = months_chart(statement(usual()).months, tooltips=False)
    pale = [row for row in chart["data"]["values"] if row["opacity"] < 1]
    assert {row["month"] for row in pale} == {"2025-10", "2026-11"}
    assert not [row for row in pale if row["outline"] == "var(--page)"], "a pale bar has an edge in its full colour"
    whole = statement(usual()).months[1:-1]
    assert all(row["opacity"] == 1 for row in months_chart(whole, tooltips=False)["data"]["values"])


@pytest.mark.slow
def test_hostile_text_is_text(static_page):
    """Tags from the provider are shown as text; control and bidirectional characters are replaced."""
    page = static_page("hostile")
    outline = Outline(page)
    assert "alert(1)" in page
    assert not [tag for tag, _ in outline.elements if tag == "script"]
    assert any(text.startswith("<script>alert(1)</script>") for text in outline.texts)
    for character in "\x1b\u202e\x00":
        assert character in HOSTILE
        assert character not in page


@pytest.mark.slow
def test_the_page_with_a_script_is_one_file_below_its_limit(full_page):
    """With its script the page has at most 1.2 MB, the drawing library once, and refers to nothing."""
    page = full_page("usual").read_text(encoding="utf-8")
    assert len(page.encode()) < 1_200_000
    assert page.count("window.vegaEmbed=") == 1
    assert "unsafe-eval" not in page.partition("<title>")[0]
    assert not re.search(
        r"<(?:link|img|iframe)|<script[^>]+src=|@import|url\(", page.split('<script type="module">')[0]
    )


def test_a_page_without_facts_says_so(static_page):
    """Without facts each section says what is missing."""
    page = static_page("nothing")
    assert "No months." in page
    assert "Nothing is known of it" not in page


def test_the_table_of_accounts_names_its_time(static_page):
    """The balance of an account is that of the reading, not of the month's end: a note says so."""
    assert "Balance, runway and not credited: as of 2026-11-21 12:00 UTC." in static_page("usual")


@pytest.mark.slow
def test_another_month_can_be_asked_for():
    """The page of an earlier month has the figures of that month, and a text that is not a month is refused."""
    facts = statement(usual())
    page = html_report(facts, month="2026-08", static=True, now=READ_AT)
    assert "Billing report, August 2026" in page
    assert "B3OS was not read for this month." in page
    with pytest.raises(ConfigurationError, match="is not a month"):
        html_report(facts, month="August", static=True)


def test_a_missing_extra_is_one_sentence(monkeypatch):
    """Without Jinja2 the error names the command that installs it."""
    monkeypatch.setitem(sys.modules, "jinja2", None)
    with pytest.raises(ConfigurationError, match=r"pip install 'aiozbilling\[report\]'"):
        html_report(statement(usual()), static=True)


def test_importing_the_report_draws_nothing():
    """Altair, which takes a second to import, is loaded only by drawing."""
    script = "import sys, aiozbilling.report as r; r.html_report; r.write_report; print('altair' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"


def test_axes_of_nothing_and_of_large_amounts_are_readable():
    """An axis without amounts begins with $0.00 at its foot, and large amounts have the abbreviations of the tiles."""

    def labels(usd: str) -> list[str]:
        days = tuple(SpendDay(date(2026, 10, day), Decimal(usd), 10**12, 0) for day in range(1, 32))
        page = html_report(statement(Facts((AccountFacts("main", (), days, (), READ_AT),))), static=True)
        return re.findall(r">(−?\$[^<]*)</text>", page)

    nothing = labels("0")
    assert "$0.00" in nothing
    assert "$1.00" in nothing
    assert "$30tn" in labels("1e12")
    assert not [label for label in nothing if "e" in label]
    assert "$0" in labels("1e-9")
    assert "$0e+0" not in labels("1e-9")


def test_the_runway_is_unknown_until_a_day_is_complete():
    """An account without a complete day has no runway, rather than one without an end."""
    page = html_report(statement(Facts((AccountFacts("main", (), (), (), READ_AT),))), static=True)
    text = " ".join(Outline(page).texts)
    assert "Runway – no complete day yet" in text
    assert "no end " not in text
