"""What every page of a report must look like."""

from __future__ import annotations

from pathlib import Path

from tests.report.browser import DESKTOP, PHONE, Browser


def assert_fit(browser: Browser) -> None:
    """Nothing is wider than the window, and each chart has drawn its data."""
    wide, window = browser.ask("return [document.documentElement.scrollWidth, innerWidth]")
    assert wide <= window
    empty = browser.ask(
        """
        const marks = '.trace path, .hm image, .hm path, .points path, .point path';
        return [...document.querySelectorAll('.chart')].filter((chart) => {
            const svg = chart.querySelector('svg.main-svg');
            const fits = svg && Math.abs(svg.clientWidth - chart.clientWidth) <= 1;
            return !fits || !chart.querySelector(marks);
        }).map((chart) => chart.getAttribute('aria-label'));
        """
    )
    assert empty == []


def assert_quiet(browser: Browser, page: Path) -> None:
    """No word in the console, and nothing asked for but the page itself."""
    browser.listen()
    assert browser.said == []
    assert browser.asked == [page.resolve().as_uri()]


def assert_drawn_everywhere(browser: Browser, calls: int) -> None:
    """The open page fits a desk and a phone, light and dark, and its bars are so many calls."""
    assert_fit(browser)
    for size, colours in ((DESKTOP, "dark"), (PHONE, "dark"), (PHONE, "light")):
        browser.show(size, colours)
        assert_fit(browser)
    shown = browser.ask(
        "const chart = [...document.querySelectorAll('.chart')]"
        ".find((c) => c.getAttribute('aria-label').startsWith('Chart: Calls each'));"
        "return chart ? chart.data.flatMap((t) => t.y).reduce((a, b) => a + b, 0) : 0"
    )
    assert shown == calls
