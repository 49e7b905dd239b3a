"""The viewer: one HTML file that shows versions of a picture, without outside resources.

viewer.html is the frame of the page; viewer.css and viewer.js are inserted into it. Names and
numbers are inserted as escaped text, so that any file name is safe. The Content-Security-Policy
permits only this style, this script and the pictures in the page.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from importlib.resources import files
from string import Template

from PIL import Image

from lbic.picture import save

_WEBP_SIDE = 16_383
"""The longest side of a WebP file, in pixels."""


@dataclass(frozen=True)
class Shown:
    """A version on the page."""

    name: str
    cells: tuple[str, ...]
    """Its text in each column of the page."""
    image: Image.Image
    """Its picture, mode L or RGB."""


def page(columns: Sequence[str], versions: Sequence[Shown]) -> bytes:
    """Return the page as UTF-8; ``columns`` are the heads of the table.

    The first version is the original, whose name is the title. All pictures have the same size.
    The page opens with the first version on the left and the second on the right.
    """
    style, script = _part("css"), _part("js")
    original = versions[0]
    text = Template(_part("html")).substitute(
        policy=_policy(style, script),
        title=escape(original.name),
        size=f"{original.image.width}x{original.image.height}",
        style=style,
        script=script,
        head="".join(f'<th scope="col">{escape(column)}' for column in columns),
        rows="\n".join(_row(number, version) for number, version in enumerate(versions)),
    )
    # A name that is not valid text on this system has lone surrogates, which UTF-8 cannot hold.
    return text.encode(errors="replace")


def _part(suffix: str) -> str:
    return (files("lbic.compare") / f"viewer.{suffix}").read_text(encoding="utf-8")


def _policy(style: str, script: str) -> str:
    """Return the Content-Security-Policy: no outside resource, and no script but the viewer's."""
    rules = {
        "default-src": "'none'",
        "img-src": "data:",
        "style-src": _hash(style),
        "script-src": _hash(script),
        "base-uri": "'none'",
        "form-action": "'none'",
    }
    return "; ".join(f"{rule} {value}" for rule, value in rules.items())


def _hash(text: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"


def _row(number: int, version: Shown) -> str:
    name = escape(version.name)
    picks = "".join(
        f'<td><input type="radio" name="{side}" value="{number}" aria-label="{side.upper()}: {name}">' for side in "ab"
    )
    picture = f'<img hidden alt="" src="{_data_uri(version.image)}">'
    cells = "".join(f"<td>{escape(cell)}" for cell in version.cells)
    return f'<tr>{picks}<th scope="row">{name}{picture}{cells}</tr>'


def _data_uri(picture: Image.Image) -> str:
    """Return the picture without loss: as WebP, or as PNG where it is too large for WebP."""
    name = "webp" if max(picture.size) <= _WEBP_SIDE else "png"
    return f"data:image/{name};base64,{base64.b64encode(save.encode(picture, f'.{name}')).decode()}"
