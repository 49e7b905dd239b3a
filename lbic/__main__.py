"""``python -m lbic`` is ``lbic``."""

from lbic.cli.main import main

main()
