"""What the command `pimmi` runs: one command, and what is said when it doesn't end well."""

from __future__ import annotations

import atexit
import gc
import io
import os
import sys
import traceback
import warnings
from collections.abc import Sequence

from cyclopts import CycloptsError

from pimmi.cli.app import app
from pimmi.errors import PimmiError

GOES_ON = ("run", "add", "match", "compact", "merge")
"""The commands that, given again after a stop, go on where they stopped."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command (`sys.argv` if it is None) and return the exit status.

    0 if it went well, 2 if the user can put right what was wrong, 1 for a defect of pimmi, 130 after Ctrl-C,
    141 when what reads the output has gone. An error is told in one line on stderr, after the traceback if
    `--debug` is among the arguments or the variable PIMMI_DEBUG is set.
    """
    words = list(sys.argv[1:] if arguments is None else arguments)
    debug = "--debug" in words or os.environ.get("PIMMI_DEBUG", "0") != "0"
    words = [word for word in words if word != "--debug"]
    _collect_rarely()
    _never_fail_to_print()
    if not debug:
        _hush_libraries()
    try:
        app(words, exit_on_error=False, print_error=False, result_action="return_value")
        sys.stdout.flush()
    except KeyboardInterrupt:
        again = ": the same command goes on where it stopped" if words[:1] and words[0] in GOES_ON else ""
        print(f"pimmi: stopped{again}", file=sys.stderr)
        return 130
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 141
    except Exception as error:
        if debug:
            traceback.print_exc()
        sentence, status = explained(error)
        print(f"pimmi: {' '.join(sentence.split())}", file=sys.stderr)
        return status
    return 0


def explained(error: Exception) -> tuple[str, int]:
    """What to tell the user, and the exit status."""
    if isinstance(error, PimmiError | CycloptsError):
        return str(error), 2
    if isinstance(error, OSError) and error.filename is not None:
        return f"{os.fsdecode(error.filename)}: {error.strerror}", 2
    if isinstance(error, OSError):
        return f"the system refused: {error.strerror or error}", 2
    if isinstance(error, MemoryError):
        return "the memory is full: use fewer --workers, or close other programs", 2
    return f"a defect of pimmi, {type(error).__name__}: {error} (--debug shows where)", 1


def _collect_rarely() -> None:
    """Look for garbage less often, and not when the process ends: to look through all that libraries load, again and
    again, would take a third of a second."""
    gc.set_threshold(200_000, 20, 100)
    atexit.register(gc.freeze)


def _never_fail_to_print() -> None:
    """Let a character that the terminal doesn't know be written as its number."""
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")


def _hush_libraries() -> None:
    """Keep the warnings of libraries, here and in workers, off the user's terminal."""
    warnings.simplefilter("ignore")
    for variable, value in (("PYTHONWARNINGS", "ignore"), ("OPENCV_LOG_LEVEL", "SILENT")):
        os.environ.setdefault(variable, value)
