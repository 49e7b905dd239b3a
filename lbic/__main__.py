"""``python -m lbic`` and the program ``lbic``."""

from __future__ import annotations

import sys
from typing import NoReturn


def run() -> NoReturn:
    """Run the command line; where memory does not suffice for its modules, say so."""
    try:
        from lbic.cli.main import main
    except (ImportError, MemoryError) as error:
        from lbic.errors import shortage

        short = shortage(error)
        if short is None:
            raise
        sys.exit(f"lbic: error: {short}")  # exit code 1, as for every ResourceError
    main()


if __name__ == "__main__":
    run()
