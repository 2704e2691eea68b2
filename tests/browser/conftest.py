"""Debian's chromium through Playwright; it can reach this machine and nothing else."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect, sync_playwright

from tests.serving.conftest import Running, running, toy_settings
from tests.serving.toy import toy_bundle

OFFLINE = "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1"
PATIENCE = 60_000  # milliseconds, on a machine that is busy with something else; waits end early


@pytest.fixture(scope="session")
def toy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return toy_bundle(tmp_path_factory.mktemp("bundle") / "toy")


@pytest.fixture(scope="session")
def server(toy: Path) -> Iterator[Running]:
    with running(toy_settings(toy)) as found:
        yield found


@pytest.fixture(scope="module")
def browser(debian: Callable[[str, str], str]) -> Iterator[Browser]:
    # Of the module, not the session: while playwright runs, its event loop holds the thread.
    chromium = debian("chromium", "chromium")
    expect.set_options(timeout=PATIENCE)
    with sync_playwright() as playwright:
        found = playwright.chromium.launch(
            executable_path=chromium,
            args=[
                "--no-sandbox", "--disable-background-networking", OFFLINE,
                "--use-fake-ui-for-media-stream", "--use-fake-device-for-media-stream",
            ],
        )  # fmt: skip
        yield found
        found.close()


@pytest.fixture
def opened(browser: Browser, server: Running) -> Iterator[Callable[..., Page]]:
    """opened(width=…, locale=…) → the page, ready; errors on its console fail the test."""
    troubles: list[str] = []
    contexts = []

    def open_page(
        width: int = 1200, height: int = 850, locale: str = "en-US", scheme: str = "light",
        url: str = "",
    ) -> Page:  # fmt: skip
        context = browser.new_context(
            viewport={"width": width, "height": height}, locale=locale, color_scheme=scheme,
            permissions=["camera", "clipboard-read", "clipboard-write"],
        )  # fmt: skip
        contexts.append(context)
        page = context.new_page()
        page.set_default_timeout(PATIENCE)
        page.on("pageerror", lambda error: troubles.append(str(error)))
        page.on(
            "console", lambda line: troubles.append(line.text) if line.type == "error" else None
        )
        page.goto(url or server.url)
        page.wait_for_selector(".health.good")
        return page

    yield open_page
    for context in contexts:
        context.close()
    # A refused key is shown to the user; the browser also notes it on the console.
    assert [text for text in troubles if "401" not in text] == []
