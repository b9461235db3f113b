"""The commands of `pimmi`, in the order in which help lists them."""

from __future__ import annotations

from cyclopts import App

from pimmi.cli.browsing import ui
from pimmi.cli.exporting import EXPORT_HELP, export
from pimmi.cli.growing import compact, merge, remove, status
from pimmi.cli.searching import search
from pimmi.cli.showing import demo, evaluate, settings
from pimmi.cli.studying import add, group, match, run


def version() -> str:
    """`pimmi` and the version that is installed."""
    from importlib.metadata import version as installed

    return f"pimmi {installed('pimmi')}"


HELP = """Find every copy, total or partial, inside a corpus of images, and group the copies.

Start with:

    pimmi run images/ study/
    pimmi export clusters study/ -o clusters.csv

No images at hand? pimmi demo makes some and shows what comes out.
pimmi COMMAND --help explains a command.
"""

EPILOGUE = "With --debug, an error shows where it arose.\n"

app = App(
    name="pimmi",
    version=version,
    help=HELP,
    help_format="plaintext",
    help_epilogue=EPILOGUE,
    suppress_keyboard_interrupt=False,
)
app.command(run, sort_key=0)
app.command(add, sort_key=1)
app.command(match, sort_key=2)
app.command(group, sort_key=3)
app.command(status, sort_key=4)
app.command(search, sort_key=5)
app.command(ui, sort_key=6)
app.command(export, help=EXPORT_HELP, sort_key=7)
app.command(remove, sort_key=8)
app.command(compact, sort_key=9)
app.command(merge, sort_key=10)
app.command(settings, sort_key=11)
app.command(evaluate, name="eval", sort_key=12)
app.command(demo, sort_key=13)
