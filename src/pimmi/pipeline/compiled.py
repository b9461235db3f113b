"""Importing this module compiles all that workers and searches run, or loads it compiled.

The server that workers are forked from does so once, for all; the process of the command itself needs none of it.
"""

from pimmi.matching import match, presearch

match.compile_all()
presearch.compile_all()
