"""A page that shows versions of a picture: one file, no outside resource, safe with any file name.

viewer.html is the frame, viewer.css and viewer.js go into it. Names and numbers get in as escaped text only, and the
Content-Security-Policy lets nothing run or load but this style, this script and the pictures in the page.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from pathlib import Path
from string import Template

from PIL import Image

from lbic.picture import save

_WEBP_SIDE = 16_383
"""Pixels: the longest side that a WebP file has room for."""


@dataclass(frozen=True)
class Shown:
    """One version on the page: ``cells`` belong to the page's ``columns``, ``image`` is L or RGB."""

    name: str
    cells: tuple[str, ...]
    image: Image.Image


def page(columns: Sequence[str], versions: Sequence[Shown]) -> bytes:
    """The page, UTF-8. The first version, the original, gives it its title; all are of one size.

    It opens with the first version on the left and the second on the right.
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
    # A name that is no text in the file system's encoding has lone surrogates, which UTF-8 does not.
    return text.encode(errors="replace")


def _part(suffix: str) -> str:
    return Path(__file__).with_suffix(f".{suffix}").read_text(encoding="utf-8")


def _policy(style: str, script: str) -> str:
    """Nothing from outside, no script but ours: what a name might smuggle in would not run."""
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
    """The picture without loss, in the smallest format that browsers read and that has room for it."""
    name = "webp" if max(picture.size) <= _WEBP_SIDE else "png"
    return f"data:image/{name};base64,{base64.b64encode(save.encode(picture, f'.{name}')).decode()}"
