"""The page in Chromium: what is drawn, what is asked for, and what a user can do."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from selenium.webdriver.common.keys import Keys

from tests.report.browser import DESKTOP, PHONE, Browser
from tests.report.looks import assert_drawn_everywhere, assert_fit, assert_quiet
from tests.report.pages import given, invented, plain, report_of

# In every text of a record: each would run something, were it markup anywhere.
HOSTILE = (
    "</script><script>window.pwned='script'</script>"
    "<img src=x onerror=\"window.pwned='img'\">"
    '"><svg onload="window.pwned=1">'
    "<a href='javascript:window.pwned=2'>a</a><b>bold</b> {{summary}} %{x} \u2028 ${1} &lt;i&gt;"
)


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """One for all pages of this file."""
    with Browser() as browser:
        yield browser


@pytest.fixture(scope="module")
def fifty(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A page of 50 calls."""
    return report_of(invented(tmp_path_factory.mktemp("fifty"), 50))


@pytest.mark.parametrize("count", [0, 1, 50])
def test_charts_are_drawn_at_every_size(browser: Browser, tmp_path: Path, count: int) -> None:
    """On a desk and on a phone, in the light and in the dark, without a request or an error."""
    page = report_of(invented(tmp_path, count))
    browser.open(page)
    charts = len(browser.all(".chart"))
    assert charts == 0 if count == 0 else charts > 15
    assert_drawn_everywhere(browser, count)
    assert_quiet(browser, page)


COLOURS = (
    "const ink = document.querySelector('.chart .xtick text');"
    "return [getComputedStyle(document.body).backgroundColor, getComputedStyle(ink).fill]"
)


def test_colours_follow_the_user(browser: Browser, fifty: Path) -> None:
    """Page and charts are dark where the user wants it, and the text can be read on it."""
    browser.open(fifty)
    light = [brightness(colour) for colour in browser.ask(COLOURS)]
    browser.show(DESKTOP, "dark")
    dark = [brightness(colour) for colour in browser.ask(COLOURS)]
    assert light[0] > 200 > 130 > light[1]
    assert dark[0] < 50 < 130 < dark[1]


def test_paper_is_white(browser: Browser, fifty: Path) -> None:
    """Whatever the colours on the screen; and what can only be clicked is not printed."""
    browser.open(fifty)
    browser.lay_out_for_paper("dark")
    assert_fit(browser)
    paper, ink = browser.ask(COLOURS)
    assert brightness(paper) > 200 > 130 > brightness(ink)
    assert not any(each.is_displayed() for each in browser.all("nav, .tools, .pages button"))


def brightness(colour: str) -> float:
    """The mean of a colour's three numbers."""
    return sum(map(int, re.findall(r"\d+", colour)[:3])) / 3


def test_table_is_sorted(browser: Browser, fifty: Path) -> None:
    """By a click on a column's name; what was not measured comes last both ways."""
    browser.open(fifty)
    button = browser.one(".calls th:nth-child(10) button")
    assert button.text == "Response"
    browser.click(button)
    assert browser.one(".calls th:nth-child(10)").get_attribute("aria-sort") == "descending"
    down = cells(browser, 10)
    browser.click(browser.one(".calls th:nth-child(10) button"))
    assert browser.one(".calls th:nth-child(10)").get_attribute("aria-sort") == "ascending"
    up = cells(browser, 10)
    measured = [each for each in down if each != "not measured"]
    assert measured == sorted(measured, key=in_seconds, reverse=True)
    assert down[0] != up[0] != "not measured"
    assert sorted(measured, key=in_seconds)[0] not in up or in_seconds(up[0]) <= in_seconds(up[1])


def cells(browser: Browser, column: int) -> list[str]:
    """A column's texts on this page of the table."""
    found: list[str] = browser.ask(
        "return [...document.querySelectorAll(`tr.call > td:nth-child(${arguments[0]})`)]"
        ".map((cell) => cell.innerText.trim())",
        column,
    )
    return found


def in_seconds(text: str) -> float:
    """``1.28 s``, ``870 ms``."""
    number, unit = text.split()
    return float(number) / (1000 if unit == "ms" else 1)


def test_table_is_searched(browser: Browser, fifty: Path) -> None:
    """All words must be there, in the row or behind it; none leaves a sentence."""
    browser.open(fifty)
    field = browser.one("input[type=search]")
    field.send_keys("support PHONE")
    agents, callers = cells(browser, 2), cells(browser, 3)
    assert set(agents) == {"support"} and set(callers) == {"phone"}
    assert f"of {len(agents)} calls" in browser.text(".pages")
    field.clear()
    field.send_keys("nobody has said this")
    assert cells(browser, 2) == []
    assert "No call has all these words." in browser.text(".calls")
    assert_quiet(browser, fifty)


def test_table_has_pages(browser: Browser, fifty: Path) -> None:
    """25 rows at a time."""
    browser.open(fifty)
    assert "1 to 25 of 50 calls" in browser.text(".pages")
    first = cells(browser, 1)
    previous, following = browser.all(".pages button")
    assert not previous.is_enabled()
    browser.click(following)
    assert "26 to 50 of 50 calls" in browser.text(".pages")
    assert not set(cells(browser, 1)) & set(first)
    assert not following.is_enabled()


def test_a_call_opens_to_its_timeline(browser: Browser, fifty: Path) -> None:
    """With a key as with the mouse: words, tools, latency and cost, in the order of time."""
    browser.open(fifty)
    for opener in browser.all(".opener"):
        opener.send_keys(Keys.ENTER)
    assert {o.get_attribute("aria-expanded") for o in browser.all(".opener")} == {"true"}
    times: list[list[str]] = browser.ask(
        "return [...document.querySelectorAll('.timeline')].map((list) =>"
        " [...list.querySelectorAll('time')].map((t) => t.innerText).filter(Boolean))"
    )
    assert len(times) == 25
    for each in times:
        moments = [clock(text) for text in each]
        assert moments == sorted(moments) and len(moments) > 1
    assert browser.all(".timeline .user") and browser.all(".timeline .agent")
    assert browser.all(".timeline .tool code")
    text = browser.text(".calls")
    assert "The record has no transcript." in text and "LATENCY" in text and "USD" in text
    browser.show(PHONE, "light")
    assert_fit(browser)
    browser.click(browser.all("tr.call > td")[1])
    assert browser.all(".opener")[0].get_attribute("aria-expanded") == "false"
    assert_quiet(browser, fifty)


def clock(text: str) -> int:
    """``1:02:03`` in seconds."""
    total = 0
    for part in text.split(":"):
        total = 60 * total + int(part)
    return total


def test_stages_can_be_chosen_and_charts_read_as_tables(browser: Browser, fifty: Path) -> None:
    """The same numbers without the picture."""
    browser.open(fifty)
    before = browser.ask(STAGE)
    browser.ask("document.querySelectorAll('.choices input')[3].click()")
    after = browser.ask(STAGE)
    assert before != after
    opened = browser.ask(
        "const box = document.querySelector('figure:has(.choices)');"
        "box.querySelector('summary').click();"
        "return new Promise((done) => setTimeout(() => done("
        " box.querySelectorAll('tbody tr').length), 100))"
    )
    assert opened == len(after)
    assert_quiet(browser, fifty)


STAGE = "return document.querySelector('figure:has(.choices) .chart').data[0].y"


def hostile(value: Any, name: str = "") -> Any:
    """The value with every text that a caller, an agent or a model may choose made hostile."""
    if isinstance(value, dict):
        opened = name in ("discovered_signals", "user_metadata", "arguments", "counts", "truncated")
        return {(key + HOSTILE if opened else key): hostile(v, key) for key, v in value.items()}
    if isinstance(value, list):
        return [hostile(each, name) for each in value]
    fixed = ("session_id", "status", "record_status", "role", "schema_version", "amount")
    moment = isinstance(value, str) and re.fullmatch(r"\d{4}-.*Z", value)
    if not isinstance(value, str) or name in fixed or moment:
        return value
    return value + HOSTILE


def test_words_of_a_record_stay_words(browser: Browser, tmp_path: Path) -> None:
    """Whatever a caller says, nothing runs, nothing is loaded, and it is shown as it was said."""
    page = report_of(given(tmp_path, [hostile(each) for each in plain(40)]))
    browser.open(page)
    for opener in browser.all(".opener"):
        browser.ask("arguments[0].click()", opener)
    for summary in browser.all("summary"):
        browser.ask("arguments[0].click()", summary)
    assert_fit(browser)
    assert browser.ask("return typeof window.pwned") == "undefined"
    assert browser.ask("return document.scripts.length") == 4
    foreign = "img, iframe, object, embed, body b, [onerror], [onload], [href^=javascript], svg a"
    assert browser.all(foreign) == []
    assert HOSTILE.split("\u2028")[0].strip() in browser.text(".calls")
    assert_quiet(browser, page)


def test_what_was_kept_back_is_said(browser: Browser, tmp_path: Path) -> None:
    """Of private data the page says that there were some, and which."""
    (value,) = plain(1)
    value["privacy"] = {
        "redacted": True,
        "counts": {"phone": 2, "email": 1},
        "withheld": ["transcript", "signals.text"],
    }
    value["transcript"] = None
    browser.open(report_of(given(tmp_path, [value])))
    browser.click(browser.one(".opener"))
    text = browser.text(".calls")
    assert "The transcript was withheld for privacy." in text
    assert "transcript, signals.text" in text
    assert "2 phone" in text and "1 email" in text
    assert "Withheld" in browser.text("main") and "Masked" in browser.text("main")


def test_what_was_not_measured_is_no_zero(browser: Browser, tmp_path: Path) -> None:
    """Not in the tiles, not in the table, not below a call."""
    (value,) = plain(1)
    value["latency"] = {
        stage: {**dict.fromkeys(figures), "num": 0} for stage, figures in value["latency"].items()
    }
    value["cost_summary"], value["costs"], value["outcome"] = {}, [], None
    value["completeness"]["missing"] = ["everything but the times"]
    value["metrics_summary"]["total_llm_calls"] = None
    browser.open(report_of(given(tmp_path, [value])))
    tiles = browser.text(".tiles").splitlines()
    for name, shown in (
        ("Response, median", "not measured"),
        ("Cost", "no prices"),
        ("Interruptions", "not measured"),
        ("Successful", "no outcomes"),
    ):
        assert tiles[tiles.index(name) + 1] == shown
    row = browser.text("tr.call")
    assert row.count("not measured") >= 3 and "no price" in row
    browser.click(browser.one(".opener"))
    facts = browser.text(".calls").splitlines()
    assert facts[facts.index("llm calls") + 1] == "not measured"
