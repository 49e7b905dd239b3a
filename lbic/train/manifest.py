"""models/manifest.json and models/README.md, both written by ``lbic export``.

A row of the manifest holds the fields of catalog.ModelSpec and, under "about", those of ``About``.
"""

from __future__ import annotations

import json
import textwrap
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from lbic.enhance.catalog import Default, ModelSpec
from lbic.errors import FileError, UsageError
from lbic.system import files

FORMAT = 1
"""Version of the manifest's layout."""
NAME = "manifest.json"
"""Name of the manifest in a models folder."""
_LINES = textwrap.TextWrapper(width=99, subsequent_indent="  ", break_long_words=False, break_on_hyphens=False)


@dataclass(frozen=True)
class About:
    """Facts about a model that are for readers: running it does not need them."""

    title: str
    """The network's name in print (nets.table)."""
    parameters: int
    """Number of trained values."""
    steps: int
    """Number of training steps."""
    difference: float
    """Largest difference of the ONNX file's output from PyTorch's, for values in [0, 1]."""
    gain: dict[str, float]
    """Mean PSNR gain in dB over the codec's picture, by quality (as text).

    Measured on the validation pictures. It includes the network that runs before this one. Empty
    if it was not measured.
    """
    cpu_seconds: float | None
    """CPU seconds for a megapixel, without the network before; None if they were not measured."""
    weights: str = "fp32"
    """The format in which the file stores the weights (shrink.FORMATS)."""
    halo_bound: int | None = None
    """Halo in pixels by the kernel sizes; the row's ``halo`` is the measured one (halo.py)."""


def read(folder: Path) -> dict[str, Any]:
    """Read the manifest of a models folder; a folder without one gives an empty manifest.

    Raises FileError if it cannot be read.
    """
    path = folder / NAME
    if not path.is_file():
        return {"format": FORMAT, "models": [], "defaults": []}
    try:
        content: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise FileError(f"{path}: not a readable manifest: {error}") from error
    return content


def add(folder: Path, spec: ModelSpec, about: About, data: bytes, defaults: list[Default]) -> list[str]:
    """Write a model's file, row and card to a models folder, and record ``defaults``.

    The row replaces the row of the same name. It also replaces rows of the same role, profile,
    codecs, scales and qualities, whose files are deleted: catalog.Catalog.find would never choose
    a second such row. Returns the names of the models deleted in that way. A default replaces all
    defaults of the same codec, scale and type, whatever their qualities.
    """
    content = read(folder)
    added: dict[str, Any] = {**asdict(spec), "about": asdict(about)}
    del added["source"]  # follows from where the folder lies
    others = [other for other in content["models"] if other["name"] != spec.name]
    kept = [other for other in others if _place(other) != _place(added)]
    unused = {other["file"] for other in content["models"]} - {other["file"] for other in kept} - {spec.file}
    content["models"] = sorted([*kept, added], key=lambda each: str(each["name"]))
    replaced = {(new.codec, new.scale, new.type) for new in defaults}
    kept_defaults = [one for one in content["defaults"] if (one["codec"], one["scale"], one["type"]) not in replaced]
    content["defaults"] = sorted([*kept_defaults, *map(asdict, defaults)], key=_default_order)
    folder.mkdir(parents=True, exist_ok=True)
    files.write(folder / spec.file, data)
    files.write(folder / NAME, (json.dumps(content, indent=2) + "\n").encode())
    files.write(folder / "README.md", cards(content).encode())
    for file in unused:
        (folder / file).unlink(missing_ok=True)
    return [other["name"] for other in others if other not in kept]


def row(folder: Path, name: str) -> dict[str, Any]:
    """Return the row of the model ``name``; raises UsageError if the manifest has none."""
    return _row(read(folder), folder, name)


def _row(content: dict[str, Any], folder: Path, name: str) -> dict[str, Any]:
    row: dict[str, Any] | None = next((each for each in content["models"] if each["name"] == name), None)
    if row is None:
        raise UsageError(f"{folder}: has no model {name!r}")
    return row


def set_halo(folder: Path, name: str, halo: int, bound: int) -> None:
    """Record the measured halo of a model and its upper bound, in pixels, in manifest and card.

    Raises UsageError if the manifest has no row ``name``.
    """
    content = read(folder)
    row = _row(content, folder, name)
    row["halo"], row["about"]["halo_bound"] = halo, bound
    files.write(folder / NAME, (json.dumps(content, indent=2) + "\n").encode())
    files.write(folder / "README.md", cards(content).encode())


def _default_order(default: dict[str, Any]) -> tuple[Any, ...]:
    """Sort key of a default: by codec and scale, and those with a range of qualities first.

    The catalog takes the first default that fits.
    """
    quality = default.get("quality")
    return default["codec"], default["scale"], not quality, *(quality or ())


def _place(row: dict[str, Any]) -> tuple[Any, ...]:
    """Return the fields by which the catalog chooses a row."""
    return row["role"], row["profile"], tuple(row["codecs"]), tuple(row["scales"]), tuple(row["quality"])


def table(content: dict[str, Any]) -> str:
    """Return the Markdown table of all models, one line each (docs/models.md)."""
    lines = [
        "| network | role | kind | parameters | gain over the codec's picture, dB at quality | CPU s per megapixel |",
        "|---|---|---|---|---|---|",
    ]
    for row in content["models"]:
        about = row["about"]
        seconds = "" if about["cpu_seconds"] is None else f"{about['cpu_seconds']:.2f}"
        cells = (row["name"], row["role"], about["title"], f"{about['parameters']:,}", _gains(about), seconds)
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines) + "\n"


def cards(content: dict[str, Any]) -> str:
    """Return the text of models/README.md: one card for each model."""
    parts = ["# Models\n\n`lbic export` writes this page. docs/training.md shows how to train each model again.\n"]
    for row in content["models"]:
        about = row["about"]
        scales = ", ".join(f"{scale / 16:g}" for scale in row["scales"])
        facts = (
            ("file", f"{row['file']}, {row['size']:,} bytes, weights as {about.get('weights', 'fp32')}"),
            ("sha256", f"`{row['sha256']}`"),
            (
                "network",
                f"{about['title']}, {about['parameters']:,} parameters, {_picture(row)}, profile {row['profile']}",
            ),
            ("role", row["role"]),
            ("codecs", f"{', '.join(row['codecs'])}; quality {row['quality'][0]}..{row['quality'][1]}; scale {scales}"),
            *(("also serves", _equivalent(other, row)) for other in row.get("also", ())),
            ("trained on", row["trained_on"]),
            ("training", f"{about['steps']:,} steps, recipe configs/{row['name']}.toml"),
            ("gain on the validation pictures", f"{_gains(about)} dB of {_picture(row)} PSNR over the codec's picture"),
            *((("halo", _halo(row)),) if about.get("halo_bound") else ()),
            ("difference from PyTorch", f"at most {about['difference']:.1e} for values in 0..1"),
            ("licence", row["licence"]),
        )
        lines = [_LINES.fill(f"- {name}: {value}") for name, value in facts]
        parts.append(f"## {row['name']}\n\n" + "\n".join(lines) + "\n")
    return "\n".join(parts)


def _halo(row: dict[str, Any]) -> str:
    return f"{row['halo']} pixels, measured; the kernel sizes allow {row['about']['halo_bound']}"


def _equivalent(other: dict[str, Any], row: dict[str, Any]) -> str:
    (low, high), (first, last) = other["quality"], other["looks_like"]
    equivalent = f", run as quality {first}..{last} of {row['codecs'][0]}" if row["quality_plane"] else ""
    return f"{other['codec']}; quality {low}..{high}{equivalent}"


def _picture(row: dict[str, Any]) -> str:
    return "luma" if row["channels"] == 1 else "RGB"


def _gains(about: dict[str, Any]) -> str:
    return ", ".join(f"{gain:+.2f} at {quality}" for quality, gain in about["gain"].items()) or "not measured"
