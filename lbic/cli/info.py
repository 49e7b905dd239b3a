"""The command ``lbic info``."""

from __future__ import annotations

import click

from lbic.cli import batch, options
from lbic.cli.inputs import COMPRESSED, Source
from lbic.cli.jobs import Files
from lbic.cli.report import Outcome, Report, Talk, one_line
from lbic.coding import SCALE_ONE
from lbic.enhance.types import TYPES
from lbic.errors import ExitCode
from lbic.format import container
from lbic.format.container import Header
from lbic.metrics.rate import bits_per_pixel


@click.command()
@options.input_options
@options.talk_options
def info(files: Files, talk: Talk) -> ExitCode:
    """Show the headers of .lbic files.

    Nothing is decoded and the checksum is not checked; 'lbic verify' does both. The result goes to
    stdout.
    """

    def work(source: Source) -> Outcome:
        data = source.read()
        header = container.read_header(data)
        # All but the payload is written again from the header; its length is the overhead.
        overhead = len(container.pack(header, b""))
        return _outcome(source.name, header, len(data), len(data) - overhead)

    sources = files.sources(COMPRESSED)
    return batch.run(sources, work, Report("", len(sources), talk, result_to_stdout=True), workers=files.jobs)


def _outcome(name: str, header: Header, count: int, payload: int) -> Outcome:
    bpp = bits_per_pixel(count, *header.size)
    scale = header.scale / SCALE_ONE
    items = {container.METADATA_NAMES.get(kind, str(kind)): len(value) for kind, value in header.metadata.items()}
    package = f" of the package {header.package}" if header.package else ""
    rows = {
        "picture": f"{header.width}x{header.height}, {'gray' if header.gray else 'colour'}",
        "codec": f"{header.codec}{package}, quality {header.quality}, scale {scale:g}",
        "type": _type(header.type),
        "file": f"{count:,} B, {bpp:.3f} bpp",
        "stream": f"{payload:,} B",
        "metadata": ", ".join(f"{item} {size:,} B" for item, size in items.items()) or "none",
    }
    line = "\n".join([one_line(name), *(f"  {key:<8}  {one_line(value)}" for key, value in rows.items())])
    record = {
        "input": name,
        "width": header.width,
        "height": header.height,
        "gray": header.gray,
        "codec": header.codec,
        "package": header.package or None,
        "q": header.quality,
        "scale": int(scale) if scale.is_integer() else scale,
        "type": header.type,
        "bytes": count,
        "bpp": bpp,
        "payload": payload,
        "metadata": items,
    }
    return Outcome(line, record)


def _type(number: int) -> str:
    return str(TYPES[number]) if number in TYPES else f"{number} (unknown to this lbic)"
