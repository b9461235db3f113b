"""Importing this module compiles all that workers run, or loads it compiled.

The server that they are forked from does so once, for all; the process of the command itself needs none of it.
"""

from pimmi.matching.match import compile_all

compile_all()
