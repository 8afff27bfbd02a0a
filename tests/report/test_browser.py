"""The page in headless Chromium: no error, no request, no overflow, at each width, in both schemes, and printed."""

from __future__ import annotations

import re
import shutil

import pytest

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
pytestmark = [pytest.mark.slow, pytest.mark.skipif(CHROMIUM is None, reason="Chromium is not installed")]

OVERFLOWING = """() => [...document.querySelectorAll('body *')]
  .filter(e => !e.closest('.scroll') && !e.closest('svg'))
  .filter(e => e.getBoundingClientRect().right > document.documentElement.clientWidth + 1)
  .map(e => e.tagName + '.' + e.className)"""
CUT_TEXT = """() => [...document.querySelectorAll('.tile *, h1, h2, .legend span')]
  .filter(e => e.scrollWidth > e.clientWidth + 1 && getComputedStyle(e).display !== 'inline')
  .map(e => e.textContent)"""
OVERLAPPING_LABELS = """() => [...document.querySelectorAll('.drawing svg')].flatMap(svg => {
  const texts = [...svg.querySelectorAll('.role-axis-label text:not([opacity="0"])')];
  const boxes = texts.map(text => text.getBoundingClientRect()).filter(box => box.width);
  const over = (a, b) => a.left < b.right && b.left < a.right && a.top < b.bottom - 1 && b.top < a.bottom - 1;
  return boxes.flatMap((a, i) => boxes.slice(i + 1).filter(b => over(a, b)).map(b => [a.left, b.left]));
})"""
WIDER_THAN_THEIR_SPACE = """() => [...document.querySelectorAll('.scroll table')]
  .filter(e => e.getBoundingClientRect().width > e.parentElement.clientWidth + 2)
  .map(e => e.getAttribute('aria-label'))"""


PATIENCE_MS = 300_000  # a busy machine needs more than the 30 s of the default


@pytest.fixture(scope="module")
def browser():
    """Start a browser that has no network."""
    playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    with playwright.sync_playwright() as started:
        browser = started.chromium.launch(
            executable_path=CHROMIUM, args=["--no-sandbox", "--disable-gpu", "--disable-quic"], timeout=PATIENCE_MS
        )
        yield browser
        browser.close()


def opened(browser, **options):
    """Open an empty page in a window of its own."""
    context = browser.new_context(**options)
    context.set_default_timeout(PATIENCE_MS)
    return context.new_page()


@pytest.mark.parametrize("case", ["usual", "hostile", "one-day", "huge"])
def test_a_page_draws_itself_without_error_request_or_overflow(case, browser, full_page):
    """On a phone in dark and on a desk in light, nothing fails, nothing is fetched and nothing sticks out."""
    for width, scheme in ((390, "dark"), (1280, "light")):
        page = opened(browser, viewport={"width": width, "height": 900}, color_scheme=scheme)
        seen: list[str] = []
        page.on("console", lambda message, seen=seen: seen.append(message.text))
        page.on("pageerror", lambda error, seen=seen: seen.append(str(error)))
        page.on("request", lambda request, seen=seen: seen.append(request.url))
        page.on("dialog", lambda dialog, seen=seen: seen.append(dialog.message))
        page.goto(full_page(case).as_uri())
        page.wait_for_function("document.documentElement.dataset.drawn")
        assert seen == [full_page(case).as_uri()]
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        assert page.evaluate(OVERFLOWING) == []
        assert page.evaluate(CUT_TEXT) == []
        assert page.evaluate(OVERLAPPING_LABELS) == []
        page.context.close()


@pytest.mark.parametrize("case", ["usual", "200-accounts", "24-months"])
def test_a_page_prints_on_two_pages_in_light(case, browser, full_page):
    """A year of three accounts, two years, and 200 accounts fit two A4 pages; dark is never printed."""
    page = opened(browser, color_scheme="dark")
    page.goto(full_page(case).as_uri())
    page.wait_for_function("document.documentElement.dataset.drawn")
    data = page.pdf(prefer_css_page_size=True, print_background=True)
    assert len(re.findall(rb"/Type\s*/Page\b", data)) == 2
    page.emulate_media(media="print")
    assert page.evaluate("getComputedStyle(document.documentElement).getPropertyValue('--ink')") == "#15232e"
    page.context.close()


@pytest.mark.parametrize("case", ["usual", "trillions"])
def test_tables_fit_the_paper(case, browser, full_page):
    """Neither usual amounts nor a trillion dollars a day make a table wider than the paper."""
    page = opened(browser, viewport={"width": 703, "height": 1030})  # A4 without its margins
    page.goto(full_page(case).as_uri())
    page.emulate_media(media="print")
    assert page.evaluate(WIDER_THAN_THEIR_SPACE) == []
    page.context.close()


def test_a_tablet_shows_every_column_of_short_tables(browser, full_page):
    """At 768 pixels the tables that stand in pairs on a desk are one below the other, with all of their columns."""
    page = opened(browser, viewport={"width": 768, "height": 1024})
    page.goto(full_page("usual").as_uri())
    wide = page.evaluate(WIDER_THAN_THEIR_SPACE)
    assert not {"Compute units", "Metered billing", "Top days", "Unusual days", "Months"} & set(wide)
    page.context.close()


def test_a_finger_on_a_bar_shows_its_value(browser, full_page):
    """The tooltip has the day and its amount, as text."""
    page = opened(browser)
    page.goto(full_page("usual").as_uri())
    page.wait_for_function("document.documentElement.dataset.drawn")
    page.hover("#months .mark-rect path >> nth=-1")
    assert re.fullmatch(r"\w+ 2026 \(21 days\), [a-z ]+\n\$[\d.]+", page.inner_text(".tip"))
    page.context.close()


def test_high_contrast_keeps_the_colours_of_the_legend(browser, full_page):
    """In the high contrast mode of Windows, the colours of the legend are those of the charts, which keep them."""
    page = opened(browser, forced_colors="active")
    page.goto(full_page("usual").as_uri())
    colour = "getComputedStyle(document.querySelector('.legend .orange')).backgroundColor"
    assert page.evaluate(colour) == "rgb(208, 124, 20)"
    page.context.close()


def test_without_scripts_the_charts_are_there(browser, full_page):
    """With scripts turned off the same four charts are drawn."""
    page = opened(browser, java_script_enabled=False)
    page.goto(full_page("usual").as_uri())
    assert page.locator("svg.chart").count() == 4
    page.context.close()
