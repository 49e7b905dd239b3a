"""Jia et al.'s Table I, see lbic.evaluate.table1 for the protocol."""

from __future__ import annotations

import sys
from pathlib import Path

from lbic.evaluate import table1


def measure(folder: Path) -> str:
    """Markdown: a row a way to code, luma PSNR in dB at the five rates."""
    paths = table1.find_pictures(folder)
    found = table1.measure(paths, table1.WAYS, lambda: sys.stderr.write("."))
    sys.stderr.write("\n")
    lines = [
        "| luma PSNR, dB | " + " | ".join(f"{rate:.2f} bpp" for rate in table1.RATES) + " | mean |",
        "|---" * (len(table1.RATES) + 2) + "|",
    ]
    for name, means in table1.rows(found):
        cells = ["out of reach" if mean is None else f"{mean:.2f}" for mean in means]
        reached = [mean for mean in means if mean is not None]
        overall = f"{sum(reached) / len(reached):.2f}" if len(reached) == len(means) else ""
        lines.append(f"| {name} | {' | '.join(cells)} | {overall} |")
    return "\n".join(lines)
