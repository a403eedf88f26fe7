"""Debian's chromium, driven by Playwright in a thread of its own.

Playwright's synchronous interface refuses to run beside an asyncio loop, and the tests' reactor
is one; so every step of a visit runs in this thread.
"""

import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TypeVar

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, Playwright, sync_playwright

from tests.peers.missing import require_program

T = TypeVar("T")

# *.test: of one family, and of both.
NAMES = (
    "MAP *.check.page.test 127.0.0.1, "
    "MAP v4.page.test 127.0.0.1, MAP v6.page.test [::1], MAP *.test 127.0.0.1"
)
ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    f"--host-resolver-rules={NAMES}",
]
PHONE = {"width": 390, "height": 844}
DESKTOP = {"width": 1280, "height": 900}


class ChromiumThread:
    """One browser; of arguments that are given twice the last counts."""

    def __init__(self, *arguments: str) -> None:
        self._arguments = [*ARGUMENTS, *arguments]
        self._thread = ThreadPoolExecutor(1, "chromium")
        self._playwright: Playwright | None = None
        self._browser: Browser | None = None
        self._thread.submit(self._start).result(60)

    def visit(
        self,
        walk: Callable[[Page], T],
        *,
        size: dict[str, int] = PHONE,
        dark: bool = False,
        script: bool = True,
        language: str = "en",
    ) -> T:
        """Let `walk` use a fresh window, with no cookies; a fault of the page's script fails it."""
        return self._thread.submit(self._visit, walk, size, dark, script, language).result(120)

    def close(self) -> None:
        """End the browser."""
        self._thread.submit(self._stop).result(60)
        self._thread.shutdown()

    def _start(self) -> None:
        self._playwright = sync_playwright().start()
        self._browser = self._playwright.chromium.launch(
            executable_path=require_program("chromium", "chromium"), args=self._arguments
        )

    def _visit(
        self,
        walk: Callable[[Page], T],
        size: dict[str, int],
        dark: bool,
        script: bool,
        language: str,
    ) -> T:
        assert self._browser is not None
        context = self._browser.new_context(
            viewport={"width": size["width"], "height": size["height"]},
            color_scheme="dark" if dark else "light",
            java_script_enabled=script,
            locale=language,
            permissions=["clipboard-read", "clipboard-write"],
        )
        context.set_default_timeout(20_000)
        page = context.new_page()
        faults: list[str] = []
        page.on("pageerror", lambda error: faults.append(str(error)))
        page.on(
            "console",
            lambda message: (
                faults.append(message.text) if "Content Security" in message.text else None
            ),
        )
        try:
            result = walk(page)
            broken = [fault for fault in faults if "Failed to load resource" not in fault]
            assert not broken, broken
            return result
        finally:
            context.close()

    def _stop(self) -> None:
        if self._browser is not None:
            self._browser.close()
        if self._playwright is not None:
            self._playwright.stop()


def serious_findings(page: Page) -> list[str]:
    """What axe-core finds that keeps somebody out, as one line each."""
    found = Axe().run(page).response["violations"]
    return [
        f"{one['id']} ({one['impact']}): {one['help']}: {one['nodes'][0]['html'][:200]}"
        for one in found
        if one["impact"] in {"serious", "critical", "moderate"}
    ]


def take_picture(page: Page, name: str) -> None:
    """Keep a picture where MEDIASTREAMER_PICTURES names a folder, to be looked at."""
    if folder := os.environ.get("MEDIASTREAMER_PICTURES"):
        Path(folder).mkdir(parents=True, exist_ok=True)
        page.screenshot(path=str(Path(folder) / f"{name}.png"), full_page=True)
