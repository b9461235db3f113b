"""Starting the server of the pages, and saying where they are."""

from __future__ import annotations

import ipaddress
import secrets
import socket
import sys
import threading
import webbrowser
from pathlib import Path

import uvicorn

from pimmi.errors import PimmiError
from pimmi.settings import Settings
from pimmi.study.layout import StudyFolder
from pimmi.web.library import Library
from pimmi.web.posts import read_posts
from pimmi.web.server import make_app

TRIED_PORTS = 20


def serve(
    study: Path,
    *,
    settings: Settings,
    host: str,
    port: int,
    metadata: Path | None,
    path_column: str | None,
    date_column: str | None,
    originals: Path | None,
    browse: bool,
) -> None:
    """Serve the pages of a study until Ctrl-C; the address is printed on stdout.

    Raises PimmiError if the study isn't grouped, the metadata can't be joined, or no port is free.
    """
    library = Library(StudyFolder(study), settings=settings, originals=originals)
    if metadata is not None:
        library.join(
            lambda catalogue: read_posts(
                metadata, catalogue, path_column=path_column, date_column=date_column
            )
        )
    token = None if is_loopback(host) else secrets.token_urlsafe(18)
    with _listening(host, port) as listener:
        address = _address(host, listener.getsockname()[1], token)
        print(f"{address}\nCtrl-C stops it.", flush=True)
        if token is not None:
            print(
                f"pimmi: {host} can be reached from other machines: only who has the whole address, with its token, "
                "is answered; nothing is encrypted",
                file=sys.stderr,
            )
        if browse:
            threading.Timer(0.5, webbrowser.open, [address]).start()
        config = uvicorn.Config(make_app(library, token=token), log_level="warning", access_log=False)
        uvicorn.Server(config).run(sockets=[listener])


def is_loopback(host: str) -> bool:
    """Whether an address can be reached from this machine alone."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _address(host: str, port: int, token: str | None) -> str:
    name = f"[{host}]" if ":" in host else host
    if host in ("0.0.0.0", "::"):
        name = socket.gethostname()
    return f"http://{name}:{port}/" + ("" if token is None else f"?token={token}")


def _listening(host: str, port: int) -> socket.socket:
    """A socket on a port, or on one of the next ones if it is in use."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    for tried in range(port, min(port + TRIED_PORTS, 65536)) if port else (0,):
        listener = socket.socket(family, socket.SOCK_STREAM)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind((host, tried))
            listener.listen(128)
            return listener
        except socket.gaierror as error:
            listener.close()
            raise PimmiError(
                f"{host} is no address of this machine: give one, or leave --host out"
            ) from error
        except OSError as error:
            listener.close()
            if error.errno == 99:
                raise PimmiError(
                    f"{host} is no address of this machine: give one, or leave --host out"
                ) from error
    raise PimmiError(f"the ports from {port} on are in use: name another one by --port")
