"""``python -m lbic`` is ``lbic``."""

from lbic.cli import main

main()
