"""models/manifest.json and models/README.md: written by ``lbic export``, never by hand.

A row is a catalog.ModelSpec with a few more facts for readers, under "about".
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from lbic.enhance.catalog import Default, ModelSpec
from lbic.errors import FileError, UsageError

FORMAT = 1
NAME = "manifest.json"


@dataclass(frozen=True)
class About:
    """What is known of a network beyond what running it needs.

    ``gain`` is the mean PSNR gain in dB over the codec's picture on the validation pictures, together
    with the network that runs before it, for each quality (a JSON key, so a string); ``cpu_seconds``
    its own CPU time for a megapixel. ``weights`` is how the file stores them (shrink.py). ``halo_bound`` is the halo
    that the layers' sizes allow, in pixels; the row's own ``halo`` is the measured one (halo.py).
    """

    title: str
    parameters: int
    steps: int
    difference: float
    gain: dict[str, float]
    cpu_seconds: float | None
    weights: str = "fp32"
    halo_bound: int | None = None


def read(folder: Path) -> dict[str, Any]:
    """The manifest of a models folder; an empty one where there is none yet."""
    path = folder / NAME
    if not path.is_file():
        return {"format": FORMAT, "models": [], "defaults": []}
    try:
        content: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise FileError(f"{path}: not a readable manifest: {error}") from error
    return content


def add(folder: Path, spec: ModelSpec, about: About, data: bytes, defaults: list[Default]) -> list[str]:
    """Write a model file, its row and the defaults given.

    A row of the same name goes, and so does one of the same role, profile, codecs, scales and qualities, file and all:
    of two such rows catalog.Catalog.find would never choose the second. Returns the names of the latter. A default
    takes the place of those, of whatever qualities, that record its type for its codec and scale.
    """
    content = read(folder)
    added: dict[str, Any] = {**asdict(spec), "about": asdict(about)}
    others = [other for other in content["models"] if other["name"] != spec.name]
    kept = [other for other in others if _place(other) != _place(added)]
    gone = {other["file"] for other in content["models"]} - {other["file"] for other in kept} - {spec.file}
    content["models"] = sorted([*kept, added], key=lambda each: str(each["name"]))
    given = {(new.codec, new.scale, new.type) for new in defaults}
    kept_defaults = [one for one in content["defaults"] if (one["codec"], one["scale"], one["type"]) not in given]
    # Those for a range of qualities come first: the first that fits is taken.
    content["defaults"] = sorted([*kept_defaults, *map(asdict, defaults)], key=_case)
    folder.mkdir(parents=True, exist_ok=True)
    _write(folder / spec.file, data)
    _write(folder / NAME, (json.dumps(content, indent=2) + "\n").encode())
    _write(folder / "README.md", cards(content).encode())
    for file in gone:
        (folder / file).unlink(missing_ok=True)
    return [other["name"] for other in others if other not in kept]


def row(folder: Path, name: str) -> dict[str, Any]:
    """The row of the network ``name``; UsageError when the manifest has none."""
    return _named(read(folder), folder, name)


def _named(content: dict[str, Any], folder: Path, name: str) -> dict[str, Any]:
    named: dict[str, Any] | None = next((each for each in content["models"] if each["name"] == name), None)
    if named is None:
        raise UsageError(f"{folder}: has no network {name!r}")
    return named


def set_halo(folder: Path, name: str, halo: int, bound: int) -> None:
    """Record another halo for the network ``name`` and write its card anew; UsageError when it has no row."""
    content = read(folder)
    changed = _named(content, folder, name)
    changed["halo"], changed["about"]["halo_bound"] = halo, bound
    _write(folder / NAME, (json.dumps(content, indent=2) + "\n").encode())
    _write(folder / "README.md", cards(content).encode())


def _case(default: dict[str, Any]) -> tuple[Any, ...]:
    """What a default is for; those without a range of qualities after the others."""
    quality = default.get("quality")
    return default["codec"], default["scale"], not quality, *(quality or ())


def _place(row: dict[str, Any]) -> tuple[Any, ...]:
    """What a row is chosen by."""
    return row["role"], row["profile"], tuple(row["codecs"]), tuple(row["scales"]), tuple(row["quality"])


def _write(path: Path, data: bytes) -> None:
    part = path.with_name(path.name + ".part")
    part.write_bytes(data)
    part.replace(path)


def table(content: dict[str, Any]) -> str:
    """All networks as a Markdown table, a line each."""
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
    """models/README.md: a card per network."""
    parts = ["# Models\n\nWritten by `lbic export`; docs/training.md says how each one is made again.\n"]
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
            ("for", f"{', '.join(row['codecs'])}; quality {row['quality'][0]}..{row['quality'][1]}; scale {scales}"),
            *(("gains also on", _equivalent(other, row)) for other in row.get("also", ())),
            ("trained on", row["trained_on"]),
            ("training", f"{about['steps']:,} steps, recipe configs/{row['name']}.toml"),
            ("gain on the validation pictures", f"{_gains(about)} dB of {_picture(row)} PSNR over the codec's picture"),
            *((("halo", _halo(row)),) if about.get("halo_bound") else ()),
            ("ONNX against PyTorch", f"largest difference {about['difference']:.1e} of values in 0..1"),
            ("licence", row["licence"]),
        )
        parts.append(f"## {row['name']}\n\n" + "\n".join(f"- {name}: {value}" for name, value in facts) + "\n")
    return "\n".join(parts)


def _halo(row: dict[str, Any]) -> str:
    return f"{row['halo']} pixels measured, {row['about']['halo_bound']} by the sizes of its layers"


def _equivalent(other: dict[str, Any], row: dict[str, Any]) -> str:
    (low, high), (first, last) = other["quality"], other["looks_like"]
    likeness = f", which looks to it like {first}..{last}" if row["quality_plane"] else ""
    return f"{other['codec']}; quality {low}..{high}{likeness}"


def _picture(row: dict[str, Any]) -> str:
    return "luma" if row["channels"] == 1 else "RGB"


def _gains(about: dict[str, Any]) -> str:
    return ", ".join(f"{gain:+.2f} at {quality}" for quality, gain in about["gain"].items()) or "not measured"
