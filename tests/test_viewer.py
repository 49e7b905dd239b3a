"""The page of lbic compare: the content of the file, and its behaviour in a browser."""

from __future__ import annotations

import base64
import hashlib
import io
import re
from collections.abc import Iterator
from functools import partial
from html.parser import HTMLParser
from pathlib import Path

import chromium
import numpy as np
import pytest
from conftest import skip_or_fail
from helpers import gray, noise, photo
from numpy.typing import NDArray
from PIL import Image, ImageOps

from lbic.compare.viewer import Shown, page

COLUMNS = ("codec", "bytes", "PSNR")
RED, BLUE, GREEN = (255, 0, 0), (0, 0, 255), (0, 255, 0)
HOSTILE = (
    "<img src=x onerror=alert(1)>.png",
    "\"'&amp;</script><script>alert(2)</script>.png",
    "a\" autofocus onfocus='x'",
)


def shown(name: str, picture: Image.Image, *cells: str) -> Shown:
    return Shown(name, cells or ("jpeg q10", "4,211", "31.20"), picture)


def flat(colour: tuple[int, int, int], size: tuple[int, int] = (200, 150)) -> Image.Image:
    return Image.new("RGB", size, colour)


class Elements(HTMLParser):
    """Every start tag with its attributes, and the text of every element with text."""

    def __init__(self, html: bytes) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.texts: list[tuple[str, str]] = []
        self.feed(html.decode())

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.texts.append((self.tags[-1][0] if self.tags else "", data))

    def all(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.tags if name == tag]

    def text(self, tag: str) -> list[str]:
        return [text for name, text in self.texts if name == tag and text.strip()]


# --- the file ------------------------------------------------------------------------------------


@pytest.mark.parametrize("picture", [photo(33, 20), gray(20, 33), photo(16_400, 2)], ids=["colour", "gray", "long"])
def test_pictures_are_embedded_without_loss(picture: Image.Image) -> None:
    elements = Elements(page(COLUMNS, [shown("a", picture), shown("b", ImageOps.invert(picture))]))
    for image, expected in zip(elements.all("img"), (picture, ImageOps.invert(picture)), strict=True):
        kind, data = str(image["src"]).split(";base64,")
        assert kind == ("data:image/png" if picture.width > 16_383 else "data:image/webp")
        with Image.open(io.BytesIO(base64.b64decode(data))) as opened:
            assert np.array_equal(np.asarray(opened.convert("RGB")), np.asarray(expected.convert("RGB")))


def test_the_policy_allows_this_style_and_script_and_nothing_else() -> None:
    html = page(COLUMNS, [shown("a", photo(8, 8)), shown("b", photo(8, 8))])
    text = html.decode()
    (meta,) = [row for row in Elements(html).all("meta") if row.get("http-equiv") == "Content-Security-Policy"]
    rules = dict(rule.split(" ", 1) for rule in str(meta["content"]).split("; "))
    for tag in ("style", "script"):
        (content,) = re.findall(f"<{tag}>(.*?)</{tag}>", text, re.DOTALL)
        digest = base64.b64encode(hashlib.sha256(content.encode()).digest()).decode()
        assert rules.pop(f"{tag}-src") == f"'sha256-{digest}'"
    assert rules == {"default-src": "'none'", "img-src": "data:", "base-uri": "'none'", "form-action": "'none'"}
    assert text.index("Content-Security-Policy") < text.index("<title>"), "it holds for everything after it"


def test_there_are_no_outside_resources() -> None:
    html = page(COLUMNS, [shown("a", photo(8, 8)), shown("b", photo(8, 8))])
    assert not re.search(rb"https?:|//[a-z]|@import|url\(|import\(|fetch", re.sub(rb'base64,[^"]*', b"", html))
    for tag, attributes in Elements(html).tags:
        assert tag not in ("link", "iframe", "object", "embed", "base")
        for name in ("src", "href", "srcset", "poster", "action", "style"):
            assert str(attributes.get(name, "data:")).startswith("data:")


def test_names_and_numbers_are_text() -> None:
    versions = [shown(name, photo(8, 8), name, name, name) for name in HOSTILE]
    elements = Elements(page(HOSTILE, versions))
    plain = Elements(page(HOSTILE, [shown("a", photo(8, 8), "1", "2", "3")] * len(HOSTILE)))
    assert [(tag, set(attributes)) for tag, attributes in elements.tags] == [
        (tag, set(attributes)) for tag, attributes in plain.tags
    ], "no name makes an element or an attribute"
    names = "".join(elements.text("th"))
    assert all(name in names for name in HOSTILE)
    assert "".join(elements.text("title")) == HOSTILE[0] == "".join(elements.text("h1"))


def test_a_name_that_is_not_valid_text_is_shown() -> None:
    html = page(COLUMNS, [shown("a\udcff.png", photo(8, 8)), shown("b", photo(8, 8))])
    assert "<title>a?.png</title>" in html.decode()


# --- in a browser --------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[chromium.Tab]:
    if chromium.PROGRAM is None:
        skip_or_fail("chromium", "no chromium, chromium-browser or google-chrome on this machine")
    with chromium.tab(tmp_path_factory.mktemp("chromium")) as tab:
        yield tab


def write(folder: Path, *versions: Shown) -> Path:
    path = folder / "out.html"
    path.write_bytes(page(COLUMNS, versions))
    return path


@pytest.fixture
def red_and_blue(tmp_path: Path) -> Path:
    """Three flat pictures that fill the stage at 8x."""
    return write(
        tmp_path, shown("ref", flat(RED)), shown("b", flat(BLUE)), shown("c", flat(GREEN), "avif", "99", "9.00")
    )


def stage(tab: chromium.Tab) -> NDArray[np.uint8]:
    """The pixels of the stage on the screen."""
    left, top, width, height = tab.run(
        "(({x, y, width, height}) => [x, y, width, height].map((side) => Math.round(side * devicePixelRatio)))"
        "(document.querySelector('#stage').getBoundingClientRect())"
    )
    return np.asarray(tab.screenshot().crop((left, top, left + width, top + height)))


def border(tab: chromium.Tab) -> int:
    """The border between red and blue, in pixels from the left; nothing else is on the stage."""
    row = stage(tab)[20]
    red, blue = np.all(row == RED, axis=-1), np.all(row == BLUE, axis=-1)
    assert (red | blue).sum() > len(row) - 8, "all but the divider's line"
    end = int(np.flatnonzero(red)[-1])
    assert end < np.flatnonzero(blue)[0]
    return end


def complaints(tab: chromium.Tab) -> list[str]:
    """Errors, policy violations and requests for anything but the page and the pictures in it."""
    methods = [
        event["method"] for event in tab.events if event["method"] in ("Log.entryAdded", "Runtime.exceptionThrown")
    ]
    requests = [
        event["params"]["request"]["url"] for event in tab.events if event["method"] == "Network.requestWillBeSent"
    ]
    return methods + [url for url in requests if not url.startswith(("data:image/", "file:"))]


def test_the_divider_is_dragged(browser: chromium.Tab, red_and_blue: Path) -> None:
    browser.open(red_and_blue, "zoom=8")
    assert border(browser) == pytest.approx(400, abs=12)
    x, y = browser.centre("#divider")
    before = border(browser)
    browser.drag((x + 9, y), (x + 159, y))
    assert border(browser) == pytest.approx(before + 150, abs=1), "from any point of the divider"
    browser.swipe(browser.centre("#divider"), (100, y))
    assert border(browser) == pytest.approx(100, abs=4)
    browser.drag(browser.centre("#divider"), (-50, y))
    assert browser.run("state.split") == 0
    browser.click("#divider")
    browser.press("ArrowRight")
    assert browser.run("divider.getAttribute('aria-valuenow')") == "2"
    assert complaints(browser) == []


def holds(pixels: NDArray[np.uint8], part: NDArray[np.uint8]) -> bool:
    """Whether a picture contains another one, equal in every pixel."""
    height, width = part.shape[:2]
    corners = np.argwhere(np.all(pixels == part[0, 0], axis=-1))
    return any(np.array_equal(pixels[y : y + height, x : x + width], part) for y, x in corners)


@pytest.mark.parametrize(("density", "side"), [(1, 4), (1.25, 4), (2, 8)])
def test_a_picture_pixel_is_a_square_of_screen_pixels(
    browser: chromium.Tab, tmp_path: Path, density: float, side: int
) -> None:
    picture = noise(40, 30)
    browser.open(write(tmp_path, shown("ref", picture), shown("b", flat(BLUE, (40, 30)))), "zoom=4", density=density)
    browser.key("keyDown", "a")
    pixels = stage(browser)
    browser.key("keyUp", "a")
    assert holds(pixels, np.asarray(picture).repeat(side, axis=0).repeat(side, axis=1))


def test_both_sides_move_together(browser: chromium.Tab, tmp_path: Path) -> None:
    picture = noise(300, 200)
    browser.open(write(tmp_path, shown("ref", picture), shown("b", ImageOps.invert(picture))), "zoom=4")
    before = stage(browser)
    browser.drag((200, 150), (120, 130))
    after = stage(browser)
    for left, right in ((5, 280), (450, 690)):  # left and right of the divider and its handle
        assert np.array_equal(after[5:-25, left:right], before[25:-5, left + 80 : right + 80])


def test_flicker_shows_one_after_the_other_while_held(browser: chromium.Tab, red_and_blue: Path) -> None:
    browser.open(red_and_blue, "zoom=8")
    at = browser.centre("#flicker")
    for press, release in (
        (partial(browser.key, "keyDown", " "), partial(browser.key, "keyUp", " ")),
        (partial(browser.mouse, "mousePressed", at), partial(browser.mouse, "mouseReleased", at)),
    ):
        for side, colour in (("b", BLUE), ("a", RED)):
            press()
            browser.wait(f"alone === '{side}' && (clearInterval(flickering), true)")
            assert (stage(browser) == colour).all(), "the divider is hidden"
            release()
            assert browser.run("alone") is None
            border(browser)


def test_versions_are_chosen_and_described(browser: chromium.Tab, red_and_blue: Path) -> None:
    def caption(side: str) -> str:
        return str(browser.run(f"document.querySelector('section.{side}').innerText")).replace("\n", " ")

    browser.open(red_and_blue)
    assert caption("a") == "A ref codec jpeg q10 bytes 4,211 PSNR 31.20"
    browser.click("[name=b][value='2']")
    assert caption("b") == "B c codec avif bytes 99 PSNR 9.00"
    browser.press("ArrowUp")
    assert caption("b").startswith("B b "), "radio buttons keep their own keys"
    browser.press("x")
    assert (caption("a")[:4], caption("b")[:5]) == ("A b ", "B ref")
    assert browser.run("document.querySelector('[name=a]:checked').value") == "1"
    browser.click("#swap")
    assert caption("a").startswith("A ref ")


def test_zoom_by_keys_buttons_and_wheel(browser: chromium.Tab, red_and_blue: Path) -> None:
    browser.open(red_and_blue)
    assert browser.run("state.zoom") == 0
    browser.press("+")
    browser.press("+")
    assert browser.run("document.querySelector('[data-zoom][aria-pressed=true]').textContent") == "2x"
    browser.click("[data-zoom='4']")
    point = (150, 200)
    below = "(({across, scale}) => (150 - across.start) / scale)(layout())"
    before = browser.run(below)
    browser.mouse("mouseWheel", point, deltaX=0, deltaY=-120)
    browser.wait("state.zoom === 8")
    assert browser.run(below) == pytest.approx(before, abs=0.5), "the pixel under the pointer stays there"
    browser.press("0")
    assert browser.run("state.zoom") == 0


def test_the_view_is_in_the_address(browser: chromium.Tab, red_and_blue: Path) -> None:
    browser.open(red_and_blue, "a=2&b=9&split=0.25&zoom=3&x=nan&y=&__proto__=1")
    view = browser.run("state")
    assert view == {"a": 2, "b": 1, "split": 0.25, "zoom": 0, "x": 0.5, "y": 0.5}, "invalid values are ignored"
    browser.press("+")
    browser.wait("location.hash === '#a=2&b=1&split=0.25&zoom=1&x=0.5&y=0.5'")


def test_no_name_becomes_markup_and_no_foreign_script_runs(browser: chromium.Tab, tmp_path: Path) -> None:
    path = write(tmp_path, *(shown(name, photo(16, 16), *HOSTILE) for name in HOSTILE))
    browser.open(path, "a=0&b=1")
    assert complaints(browser) == []
    assert browser.run("document.querySelectorAll('script').length") == 1
    assert (
        browser.run("document.querySelectorAll('img:not([src^=data\\\\:]), [onerror], [onfocus], [autofocus]').length")
        == 0
    )
    assert browser.run("document.title") == HOSTILE[0]
    assert browser.run("document.querySelector('section.a h2 span').textContent") == HOSTILE[0]
    assert HOSTILE[1] in browser.run("document.body.innerText")
    # The policy is a second barrier: it stops a script that is in the page all the same.
    browser.run("""{
        const script = document.createElement('script');
        script.textContent = 'document.title = "taken"';
        document.body.append(script);
        const image = document.createElement('img');
        image.setAttribute('onerror', 'document.title = "taken"');
        image.src = 'data:,';
        document.body.append(image);
    }""")
    browser.wait("[...document.images].at(-1).complete")
    assert browser.run("document.title") == HOSTILE[0]
    assert "Log.entryAdded" in complaints(browser)
