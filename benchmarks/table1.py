"""Jia et al.'s Table I, see lbic.evaluate.table1 for the protocol."""

from __future__ import annotations

from pathlib import Path

from lbic.evaluate import table1, table1_report


def measure(folder: Path) -> str:
    """Markdown: a row a way to code, luma PSNR in dB at the five rates."""
    pictures = [table1.measure(path.read_bytes()) for path in table1.find_pictures(folder)]
    return table1_report.table(table1.joined(pictures))
