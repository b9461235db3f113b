"""Lets `python -m pimmi` do what `pimmi` does."""

import sys

from pimmi.cli import main

sys.exit(main())
