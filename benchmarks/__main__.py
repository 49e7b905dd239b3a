"""Measure sections of docs/benchmark.md and write each between its markers.

python -m benchmarks kodak_vvc arcnn resources targets hgrdn blend load --kodak DIR
"""

from __future__ import annotations

import argparse
import re
import sys
from collections.abc import Callable
from pathlib import Path

from benchmarks import arcnn, blend, hgrdn, kodak_vvc, load, resources, targets
from benchmarks.restored import QUALITY
from lbic.evaluate.report import environment

PAGE = Path(__file__).resolve().parent.parent / "docs" / "benchmark.md"

SECTIONS: dict[str, Callable[[argparse.Namespace], str]] = {
    "kodak_vvc": lambda given: kodak_vvc.measure(given.kodak),
    "arcnn": lambda given: arcnn.measure(given.kodak),
    "resources": lambda given: resources.measure(given.kodak),
    "targets": lambda given: targets.measure(given.kodak),
    "blend": lambda given: blend.measure(given.kodak),
    "hgrdn": lambda given: hgrdn.measure(given.kodak, given.qps, given.judge, given.pictures),
    "load": lambda given: load.measure(given.pictures or load.PICTURES),
}


def main() -> None:
    """Parse the command line, measure, and rewrite the page section by section."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__.splitlines()[0])
    parser.add_argument("sections", nargs="+", choices=SECTIONS, metavar="SECTION", help=", ".join(SECTIONS))
    parser.add_argument("--kodak", type=Path, help="folder of kodim01.png .. kodim24.png; load needs none")
    parser.add_argument(
        "--pictures", type=int, metavar="N", help="hgrdn, load: a look at N pictures; printed, the page stays as it is"
    )
    only = parser.add_argument_group("hgrdn")
    only.add_argument("--qps", type=whole_numbers, default=hgrdn.QPS, metavar="QP,...", help=f"besides {QUALITY}")
    only.add_argument("--judge", type=whole_numbers, default=(), metavar="QP,...", help="more QPs for LPIPS and NIQE")
    given = parser.parse_args()
    if given.kodak is None and given.sections != ["load"]:
        parser.error("these sections need --kodak DIR")
    if given.pictures and not {*given.sections} <= {"hgrdn", "load"}:
        parser.error("--pictures is for hgrdn and load")
    for name in given.sections:
        sys.stderr.write(f"{name} ...\n")
        text = SECTIONS[name](given) + f"\n\n{environment()}"
        if given.pictures:
            sys.stdout.write(f"{text}\n")
        else:
            write(name, text)


def whole_numbers(text: str) -> tuple[int, ...]:
    """``32,37``; ValueError for other text."""
    return tuple(int(number) for number in text.split(","))


def write(name: str, text: str) -> None:
    """Replace what stands between a section's markers."""
    page = PAGE.read_text(encoding="utf-8")
    pattern = rf"(<!-- {name} -->\n).*?(<!-- /{name} -->)"
    changed, count = re.subn(pattern, lambda found: f"{found[1]}{text}\n{found[2]}", page, flags=re.DOTALL)
    if count != 1:
        raise SystemExit(f"docs/benchmark.md has {count} sections named {name}")
    PAGE.write_text(changed, encoding="utf-8")


main()
