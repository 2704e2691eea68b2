"""The page in a real browser: offline, by keyboard alone, in both languages, on a phone."""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import FileChooser, Page, expect

from serving.auth import new_key
from serving.samples import sample_pictures
from tests.serving.conftest import png, running, toy_settings

Opened = Callable[..., Page]


def overlay(page: Page, side: str = "a") -> str:
    """What is drawn, as text that changes when a pixel does."""
    found: str = page.evaluate(f"document.getElementById('canvas-{side}').toDataURL()")
    return found


def until(page: Page, condition: str, argument: object = None) -> None:
    """Playwright's own waiting needs eval, which the page's security policy forbids."""
    end = time.monotonic() + 15
    while not page.evaluate(condition, argument):
        assert time.monotonic() < end, condition
        page.wait_for_timeout(30)


def upload(page: Page, seed: int = 0) -> None:
    picture = {"name": "a.png", "mimeType": "image/png", "buffer": png(160, 200, seed)}
    page.set_input_files("#file", picture)  # type: ignore[arg-type]
    until(page, "document.getElementById('canvas-a').width > 300")


def focused(page: Page) -> str:
    name: str = page.evaluate("document.activeElement.id || document.activeElement.textContent")
    return name


def tab_to(page: Page, name: str, most: int = 40) -> None:
    for _ in range(most):
        if focused(page) == name:
            return
        page.keyboard.press("Tab")
    raise AssertionError(f"{name} cannot be reached with the Tab key; at {focused(page)!r}")


def test_by_keyboard_alone_in_both_languages(opened: Opened) -> None:
    page = opened()
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.className") == "skip"
    tab_to(page, "choose")
    choosers: list[FileChooser] = []
    # Playwright wraps what it is given, which a bound method of a list does not allow.
    page.on("filechooser", lambda chooser: choosers.append(chooser))  # noqa: PLW0108
    for _ in range(30):  # a browser that just started may not count the first key as a gesture
        assert focused(page) == "choose"
        page.keyboard.press("Enter")
        page.wait_for_timeout(400)
        if choosers:
            break
    picture = {"name": "a.png", "mimeType": "image/png", "buffer": png(160, 200)}
    choosers[0].set_files(picture)  # type: ignore[arg-type]
    expect(page.locator("#instruction")).to_be_focused()
    bare = overlay(page)
    page.keyboard.type("only the left leg")
    page.keyboard.press("Enter")
    expect(page.locator("#result-a .understood")).to_contain_text("left knee")
    left = overlay(page)
    assert left != bare
    expect(page.locator("#says")).to_contain_text("left knee")
    expect(page.locator("#canvas-a")).to_have_attribute("aria-label", re.compile("left knee"))
    page.keyboard.press("Control+A")
    page.keyboard.type("只看右腿")
    page.keyboard.press("Enter")
    expect(page.locator("#result-a .understood")).to_contain_text("right knee")
    assert overlay(page) not in (bare, left)
    tab_to(page, "language")
    page.keyboard.press("Enter")
    expect(page.locator("html")).to_have_attribute("lang", "zh-CN")
    expect(page.locator("#result-a .understood")).to_contain_text("右膝")
    expect(page.locator("#go")).to_have_text("查找")
    tab_to(page, "show-circles", 60)
    before = overlay(page)
    page.keyboard.press("Space")
    assert overlay(page) != before
    tab_to(page, "tab-curl", 60)
    page.keyboard.press("ArrowRight")
    expect(page.locator("#snippet")).to_contain_text("client.pose")
    tab_to(page, "copy")
    page.keyboard.press("Enter")
    expect(page.locator("#copy")).to_have_text("已复制")
    copied = page.evaluate("navigator.clipboard.readText()")
    assert "from posealign.client import Client" in copied
    compile(copied, "snippet", "exec")


def test_everything_comes_from_this_server(opened: Opened, server: object) -> None:
    page = opened()
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.reload()
    page.wait_for_selector(".health.good")
    expect(page.locator("#samples button")).to_have_count(len(sample_pictures()))
    page.locator("#samples button").first.click()
    expect(page.locator("#result-a .understood")).to_be_visible()
    url = page.url
    assert asked
    assert all(one.startswith((url, "blob:")) for one in asked), asked


def test_a_refusal_is_kind(opened: Opened) -> None:
    page = opened()
    upload(page)
    page.fill("#instruction", "a large pizza please")
    page.click("#go")
    refusal = page.locator("#result-a .refusal")
    expect(refusal).to_contain_text("something else")
    expect(page.locator("#trouble")).to_be_hidden()
    refusal.locator("button").first.click()
    expect(page.locator("#result-a .understood")).to_be_visible()
    page.click("#language")
    page.fill("#instruction", "比萨")
    page.click("#go")
    expect(page.locator("#result-a .refusal")).to_contain_text("没有对应的关键点")


def test_a_premise_that_does_not_hold_is_told_in_both_languages(opened: Opened) -> None:
    page = opened()
    told = """async (language) => {
      const words = await import("/web/words.js");
      const { people } = await import("/web/results.js");
      words.setLanguage(language);
      const joint = { name: "nose", x: 1, y: 2, z: 3, state: "visible", confidence: 1, radius: 9 };
      const finding = { code: "premise_does_not_hold", message: "taken for prone", joints: [] };
      const pose = { joints: [joint], filtered: [], plausibility: [finding], z_unit: "torso" };
      const answer = { instruction: { refused: false }, poses: [pose] };
      return people(answer, (name) => name, () => {}).map((node) => node.textContent).join("");
    }"""
    assert "taken for prone" in page.evaluate(told, "en")
    assert "卧姿" in page.evaluate(told, "zh")


def test_compare_skeleton_and_filter(opened: Opened) -> None:
    page = opened()
    upload(page)
    page.fill("#instruction", "the visible arm leg")
    page.check("#compare")
    page.fill("#instruction-b", "the nose")
    page.keyboard.press("Enter")
    expect(page.locator("#view-b")).to_be_visible()
    assert overlay(page, "a") != overlay(page, "b")
    expect(page.locator("#result-a")).to_contain_text("set aside")
    expect(page.locator("#result-b .understood")).to_contain_text("nose")
    page.uncheck("#compare")
    expect(page.locator("#view-b")).to_be_hidden()
    page.select_option("#skeleton", "halpe26")
    expect(page.locator("#result-a .understood")).to_contain_text("halpe26")
    expect(page.locator("#snippet")).to_contain_text("skeleton=halpe26")


def test_paste_drop_and_what_is_no_picture(opened: Opened) -> None:
    page = opened()
    give = """([kind, bytes, type]) => {
      const data = new DataTransfer();
      data.items.add(new File([new Uint8Array(bytes)], "a", { type }));
      const event = kind === "drop" ? new DragEvent("drop", { dataTransfer: data, bubbles: true })
        : new ClipboardEvent("paste", { clipboardData: data, bubbles: true });
      document.body.dispatchEvent(event);
    }"""
    page.evaluate(give, ["drop", list(b"no picture"), "image/png"])
    expect(page.locator("#trouble")).to_contain_text("not a picture")
    page.evaluate(give, ["paste", list(png(100, 100)), "image/png"])
    expect(page.locator("#canvas-a")).to_be_visible()
    first = overlay(page)
    page.evaluate(give, ["drop", list(png(100, 100, 5)), "image/png"])
    until(page, "first => document.getElementById('canvas-a').toDataURL() !== first", first)
    page.click("#another")
    expect(page.locator("#drop")).to_be_visible()


def test_the_camera(opened: Opened) -> None:
    page = opened()
    page.fill("#instruction", "the nose")
    page.click("#camera")
    until(page, "document.getElementById('video').videoWidth > 0")
    page.click("#stream")
    expect(page.locator("#result-a .understood")).to_contain_text("nose")
    page.click("#shoot")
    expect(page.locator("#live")).to_be_hidden()
    expect(page.locator("#result-a .understood")).to_contain_text("nose")


def test_a_stream_may_be_stopped_at_any_moment(opened: Opened) -> None:
    page = opened()
    page.evaluate(SLOW_FRAMES)
    page.click("#camera")
    until(page, "document.getElementById('video').videoWidth > 0")
    for moment in (0, 0, 100, 200, 300):  # not open yet, a frame on its way, an answer on its way
        page.click("#stream")
        page.wait_for_timeout(moment)
        page.click("#stream")
    page.wait_for_timeout(500)
    expect(page.locator("#stream")).to_have_attribute("aria-pressed", "false")


SLOW_FRAMES = """() => {
  const read = Blob.prototype.arrayBuffer;
  Blob.prototype.arrayBuffer = async function () {
    await new Promise((done) => setTimeout(done, 150));
    return read.call(this);
  };
}"""


@pytest.mark.parametrize("width", [320, 390, 820])
def test_nothing_is_wider_than_a_phone(opened: Opened, width: int) -> None:
    page = opened(width, 800, locale="zh-CN")
    wide = "document.documentElement.scrollWidth > document.documentElement.clientWidth"
    assert not page.evaluate(wide)
    upload(page)
    page.fill("#instruction", "all joints")
    page.click("#go")
    expect(page.locator("#result-a .understood")).to_be_visible()
    assert not page.evaluate(wide)


def test_everything_has_a_name_and_enough_contrast(opened: Opened) -> None:
    for scheme in ("light", "dark"):
        page = opened(scheme=scheme)
        upload(page)
        page.fill("#instruction", "the nose")
        page.click("#go")
        expect(page.locator("#result-a .understood")).to_be_visible()
        assert page.evaluate(NAMELESS) == []
        assert page.evaluate(PALE) == []


NAMELESS = """() => [...document.querySelectorAll('button, input, select, canvas, [tabindex="0"]')]
  .filter((node) => node.offsetParent !== null)
  .filter((node) => !(node.getAttribute('aria-label') || node.getAttribute('aria-labelledby')
    || node.textContent.trim() || node.labels?.length))
  .map((node) => node.outerHTML.slice(0, 80))"""

# WCAG's 4.5 : 1 for every piece of text on its own background.
PALE = """() => {
  const parse = (text) => (text.match(/[\\d.]+/g) || []).map(Number);
  const light = ([r, g, b]) => [r, g, b].map((v) => v / 255)
    .map((v) => v <= 0.03928 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4)
    .reduce((sum, v, i) => sum + v * [0.2126, 0.7152, 0.0722][i], 0);
  const behind = (node) => {
    for (let n = node; n; n = n.parentElement) {
      const c = parse(getComputedStyle(n).backgroundColor);
      if (c.length === 3 || c[3] > 0.99) return c;
    }
    return [255, 255, 255];
  };
  const texts = [...document.querySelectorAll('body *')].filter((node) =>
    node.offsetParent !== null && !node.closest('.unseen, .skip') &&
    [...node.childNodes].some((child) => child.nodeType === 3 && child.textContent.trim()));
  return texts.map((node) => {
    const [a, b] = [light(parse(getComputedStyle(node).color)), light(behind(node))];
    return [(Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05), node.outerHTML.slice(0, 80)];
  }).filter(([ratio]) => ratio < 4.5);
}"""


def test_a_server_that_wants_a_key_is_given_one(opened: Opened, toy: Path, tmp_path: Path) -> None:
    plain, stored = new_key("page", ("infer",))
    (tmp_path / "keys").write_text(stored.model_dump_json())
    with running(toy_settings(toy, keys_file=tmp_path / "keys")) as server:
        page = opened(url=server.url)
        expect(page.locator("#key-card")).to_be_visible()
        page.fill("#key", plain)
        page.keyboard.press("Enter")
        expect(page.locator("#key-card")).to_be_hidden()
        upload(page)
        page.fill("#instruction", "the nose")
        page.click("#go")
        expect(page.locator("#result-a .understood")).to_be_visible()
        expect(page.locator("#snippet")).to_contain_text("$POSEALIGN_KEY")
        assert plain not in page.content()
        kept = page.evaluate("JSON.stringify({...localStorage, ...sessionStorage})")
        assert plain not in kept
