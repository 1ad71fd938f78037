"""Chromium without a window, without a network, and with everything that it says written down."""

from __future__ import annotations

import json
import shutil
from contextlib import AbstractContextManager
from pathlib import Path
from types import TracebackType
from typing import Any

from selenium import webdriver
from selenium.webdriver.chrome.service import Service
from selenium.webdriver.common.by import By
from selenium.webdriver.remote.webelement import WebElement
from selenium.webdriver.support.wait import WebDriverWait

from tests.servers import ToolUnavailable

DESKTOP = (1280, 900)
PHONE = (390, 844)

# The longest wait: 30 charts on a machine that is busy with other tests.
PATIENCE = 90.0

_BROWSERS = ("chromium", "chromium-browser", "google-chrome")


class Browser(AbstractContextManager["Browser"]):
    """A browser for pages from files."""

    def __init__(self) -> None:
        program = next(filter(None, map(shutil.which, _BROWSERS)), None)
        driver = shutil.which("chromedriver")
        if not (program and driver):
            raise ToolUnavailable("chromium (apt-get install chromium chromium-driver)")
        options = webdriver.ChromeOptions()
        options.binary_location = program
        for argument in (
            "--headless=new",
            "--no-sandbox",
            "--disable-gpu",
            "--disable-background-networking",
            "--hide-scrollbars",
            # No name leads anywhere: what asks for one fails, and is seen.
            "--host-resolver-rules=MAP * ~NOTFOUND",
        ):
            options.add_argument(argument)
        options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
        self._driver = webdriver.Chrome(options=options, service=Service(driver))
        self._driver.set_page_load_timeout(PATIENCE)
        self.said: list[str] = []
        """What stood in the console since the page was opened: errors, warnings, violations."""
        self.asked: list[str] = []
        """The addresses that were asked for since then, but for ``data:``, which is no request."""

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._driver.quit()

    def open(self, page: Path) -> None:
        """Show a page as on a desk, in light colours, and wait until its charts are drawn."""
        self._driver.get("about:blank")
        self._emulate(DESKTOP, "light")
        self.listen()
        self.said, self.asked = [], []
        self._driver.get(page.resolve().as_uri())
        self._drawn(DESKTOP, "light")

    def show(self, size: tuple[int, int], colours: str) -> None:
        """Change the window and the colours that its user prefers, and wait for the charts."""
        self._emulate(size, colours)
        self._drawn(size, colours)

    def lay_out_for_paper(self, colours: str) -> None:
        """Show the page as it is printed by a user who prefers these colours on a screen."""
        self._emulate(DESKTOP, colours, medium="print")
        self._drawn(DESKTOP, "print")

    def ask(self, script: str, *arguments: Any) -> Any:
        """What a script returns in the page."""
        return self._driver.execute_script(script, *arguments)

    def all(self, selector: str) -> list[WebElement]:
        """The elements that a CSS selector finds."""
        return self._driver.find_elements(By.CSS_SELECTOR, selector)

    def one(self, selector: str) -> WebElement:
        """The first of them."""
        return self._driver.find_element(By.CSS_SELECTOR, selector)

    def click(self, element: WebElement) -> None:
        """Click where the element is, in the middle of the window."""
        self.ask("arguments[0].scrollIntoView({block: 'center'})", element)
        element.click()

    def text(self, selector: str = "body") -> str:
        """The text that an element shows, with what is scrolled away."""
        return str(self.ask("return document.querySelector(arguments[0]).innerText", selector))

    def picture(self, path: Path) -> None:
        """Save what the window shows."""
        self._driver.save_screenshot(str(path))

    def listen(self) -> None:
        """Note what was said and asked for since the last time."""
        self.said += [entry["message"] for entry in self._log("browser")]
        for entry in self._log("performance"):
            message = json.loads(entry["message"])["message"]
            if message["method"] == "Network.requestWillBeSent":
                address = message["params"]["request"]["url"]
                self.asked += [] if address.startswith("data:") else [address]

    def _log(self, name: str) -> list[dict[str, Any]]:
        entries: list[dict[str, Any]] = self._driver.get_log(name)  # type: ignore[no-untyped-call]  # selenium has no types here
        return entries

    def _emulate(self, size: tuple[int, int], colours: str, medium: str = "") -> None:
        width, height = size
        self._driver.execute_cdp_cmd(
            "Emulation.setDeviceMetricsOverride",
            {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": size == PHONE},
        )
        # Without smooth scrolling a click hits what it is meant for.
        wishes = {"prefers-color-scheme": colours, "prefers-reduced-motion": "reduce"}
        features = [{"name": name, "value": value} for name, value in wishes.items()]
        emulated = {"media": medium, "features": features}
        self._driver.execute_cdp_cmd("Emulation.setEmulatedMedia", emulated)

    def _drawn(self, size: tuple[int, int], colours: str) -> None:
        wanted = f" {size[0]} {colours}"
        WebDriverWait(self._driver, PATIENCE).until(
            lambda _: (self.ask("return document.documentElement.dataset.drawn") or "").endswith(
                wanted
            )
        )
