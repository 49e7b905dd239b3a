"""Measure what the documentation shows.

python -m benchmarks SECTION... --pictures DIR writes sections of docs/benchmark.md. python -m
benchmarks table1|types|peers --pictures DIR --out DIR writes a page with its rows and plots into a
folder.
"""

from __future__ import annotations

import argparse
import re
import sys
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

from benchmarks import arcnn, evaluations, hgrdn, jpeg, kodak_vvc, load, megapixels, resources, table1_report, targets
from benchmarks.presets import PRESETS, TABLE1
from benchmarks.report import environment, wrapped
from benchmarks.restored import QUALITY
from lbic.errors import LbicError

DOCUMENT = Path(__file__).resolve().parent.parent / "docs" / "benchmark.md"

SECTIONS: dict[str, Callable[[argparse.Namespace], str]] = {
    "kodak_vvc": lambda options: kodak_vvc.measure(options.pictures),
    "arcnn": lambda options: arcnn.measure(options.pictures),
    "jpeg": lambda options: jpeg.measure(options.pictures),
    "costs": lambda options: megapixels.measure(options.pictures),
    "resources": lambda options: resources.measure(options.pictures),
    "targets": lambda options: targets.measure(options.pictures),
    "hgrdn": lambda options: hgrdn.measure(options.pictures, options.qps, options.judge, options.count),
    "load": lambda options: load.measure(options.count or load.PICTURES),
}
"""Sections of docs/benchmark.md."""
COUNTED = {"hgrdn", "load"}
"""Sections that can measure fewer pictures."""
PAGES: dict[str, Callable[[Path, Path], None]] = {
    TABLE1.name: table1_report.write,
    **{name: partial(evaluations.write, preset) for name, preset in PRESETS.items()},
}
"""Pages of their own; each takes the pictures' folder and the folder that it writes to."""


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command line; ``arguments`` default to the process's own."""
    parser = _parser()
    options = parser.parse_args(arguments)
    pages = [name for name in options.names if name in PAGES]
    if options.pictures is None and options.names != ["load"]:
        parser.error("--pictures DIR is missing")
    if options.count and not {*options.names} <= COUNTED:
        parser.error("--count is for hgrdn and load")
    if bool(pages) != bool(options.out) or (pages and len(options.names) > 1):
        parser.error("--out DIR takes one page, and a page needs it")
    try:
        for name in pages:
            PAGES[name](options.pictures, options.out)
    except LbicError as error:
        raise SystemExit(f"{pages[0]}: {error}") from error
    for name in options.names if not pages else ():
        sys.stderr.write(f"{name} ...\n")
        text = wrapped(SECTIONS[name](options)) + f"\n\n{environment()}"
        if options.count:
            sys.stdout.write(f"{text}\n")
        else:
            write_section(name, text)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=(__doc__ or "").splitlines()[0])
    names = (*SECTIONS, *PAGES)
    parser.add_argument("names", nargs="+", choices=names, metavar="NAME", help=", ".join(names))
    parser.add_argument(
        "--pictures",
        type=Path,
        metavar="DIR",
        help=f"folder of kodim01.png .. kodim24.png; for table1 of {TABLE1.pictures}; load needs none",
    )
    parser.add_argument("--out", type=Path, metavar="DIR", help="folder that a page, its rows and plots are written to")
    parser.add_argument(
        "--count", type=int, metavar="N", help="hgrdn, load: measure N pictures and print; the document stays as it is"
    )
    hgrdn_options = parser.add_argument_group("hgrdn")
    hgrdn_options.add_argument(
        "--qps", type=whole_numbers, default=hgrdn.QPS, metavar="QP,...", help=f"besides {QUALITY}"
    )
    hgrdn_options.add_argument(
        "--judge", type=whole_numbers, default=(), metavar="QP,...", help="more QPs for LPIPS and NIQE"
    )
    return parser


def whole_numbers(text: str) -> tuple[int, ...]:
    """Parse ``32,37``. Raises ValueError for other text."""
    return tuple(int(number) for number in text.split(","))


def write_section(name: str, text: str) -> None:
    """Replace the text between a section's markers in docs/benchmark.md."""
    page = DOCUMENT.read_text(encoding="utf-8")
    pattern = rf"(<!-- {name} -->\n).*?(<!-- /{name} -->)"
    changed, count = re.subn(pattern, lambda match: f"{match[1]}{text}\n{match[2]}", page, flags=re.DOTALL)
    if count != 1:
        raise SystemExit(f"docs/benchmark.md has {count} sections named {name}")
    DOCUMENT.write_text(changed, encoding="utf-8")


if __name__ == "__main__":
    main()
