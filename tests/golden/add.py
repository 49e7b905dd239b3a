"""Add a golden file: a picture compressed by this version, with its decompressed picture.

    python tests/golden/add.py NAME PICTURE [--codec vvc] [--q 37] [--scale 1] [--type 0] ...

This writes NAME.lbic and NAME.png here and adds them to SHA256SUMS. Existing files are never
changed. Look at the PNG before you commit the pair, and describe it in tests/README.md.
"""

from __future__ import annotations

import argparse
import hashlib
from pathlib import Path

from lbic.api import scale_in_sixteenths
from lbic.enhance.choice import FIDELITY, GOALS
from lbic.enhance.types import TYPES, parse
from lbic.picture import load, save
from lbic.pipeline import CompressSettings, DecompressSettings, compress, decompress

HERE = Path(__file__).parent


def add(name: str, picture: load.Picture, settings: CompressSettings) -> None:
    """Write NAME.lbic, its coded picture NAME.png and their checksums.

    Raises FileExistsError if one of them exists.
    """
    done = compress(picture, settings)
    back = decompress(done.data, DecompressSettings(TYPES[0]))
    files = {f"{name}.lbic": done.data, f"{name}.png": save.encode(back.image, ".png", icc=back.icc)}
    for file, data in files.items():
        with HERE.joinpath(file).open("xb") as out:
            out.write(data)
    with HERE.joinpath("SHA256SUMS").open("a", encoding="ascii") as sums:
        sums.writelines(f"{hashlib.sha256(data).hexdigest()}  {file}\n" for file, data in files.items())


def main() -> None:
    parser = argparse.ArgumentParser(description="Add a golden file to tests/golden.")
    parser.add_argument("name")
    parser.add_argument("picture", type=Path)
    parser.add_argument("--codec", default="vvc")
    parser.add_argument("--q", type=int)
    parser.add_argument("--scale", type=float, default=1)
    parser.add_argument("--type", default="0", help="the recommended enhancement")
    parser.add_argument("--goal", choices=list(GOALS), default=FIDELITY, help="the encoder's mode")
    parser.add_argument("--keep", action="append", default=[], metavar="icc|exif|xmp")
    options = parser.parse_args()
    picture = load.load(options.picture.read_bytes(), keep_icc="icc" in options.keep)
    scale, keep = scale_in_sixteenths(options.scale), frozenset(options.keep)
    settings = CompressSettings(options.codec, options.q, scale, type=parse(options.type), keep=keep, goal=options.goal)
    add(options.name, picture, settings)


if __name__ == "__main__":
    main()
