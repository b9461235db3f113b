"""The command line: a thin layer over the library."""

from pimmi.cli.main import main

__all__ = ["main"]
