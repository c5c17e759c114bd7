"""`trig report`: HTTP server for the report, on loopback only."""

import re
import sys
import threading
import webbrowser
from functools import partial
from http import HTTPStatus
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Annotated, Any

import typer

from trig.errors import TrigError

HOST = "127.0.0.1"
NAMES = re.compile(r"(127\.0\.0\.1|localhost)(:\d+)?", re.IGNORECASE)
"""Accepted Host headers: loopback names; the port may differ behind an SSH tunnel."""


class Pages(SimpleHTTPRequestHandler):
    """Request handler: static files, read at each request."""

    def parse_request(self) -> bool:
        """Check the Host header, against DNS rebinding."""
        if not super().parse_request():
            return False
        hosts = self.headers.get_all("Host", [])
        if len(hosts) == 1 and NAMES.fullmatch(hosts[0]):
            return True
        self.send_error(HTTPStatus.MISDIRECTED_REQUEST, "This server is for its own machine only")
        return False

    def end_headers(self) -> None:
        """Add headers: no caching, no cross-origin embedding, no MIME sniffing."""
        self.send_header("Cache-Control", "no-store")
        self.send_header("Cross-Origin-Resource-Policy", "same-origin")
        self.send_header("X-Content-Type-Options", "nosniff")
        super().end_headers()

    def send_head(self) -> Any:
        """The requested file; 404 for an invalid file name."""
        try:
            return super().send_head()
        except ValueError:
            self.send_error(HTTPStatus.NOT_FOUND, "File not found")

    def list_directory(self, path: Any) -> None:  # noqa: ARG002
        """No directory listing."""
        self.send_error(HTTPStatus.NOT_FOUND, "There is no page here")

    def log_message(self, *_: Any) -> None:
        """No request log."""


class Server(ThreadingHTTPServer):
    """Threading HTTP server that ignores connection errors."""

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Ignore connections that the browser closed."""
        if not isinstance(sys.exc_info()[1], ConnectionError):
            super().handle_error(request, client_address)


def report(
    folder: Annotated[Path, typer.Option(help="The folder with the report.")] = Path("reports"),
    port: Annotated[int, typer.Option(min=0, max=65535, help="The port to listen on; 0: any free one.")] = 0,
    show: Annotated[bool, typer.Option("--open", help="Open the report in the browser.")] = False,
) -> None:
    """Serve the report on 127.0.0.1, to this machine only, and print its address. Ctrl-C ends it."""
    if not (folder / "index.html").is_file():
        raise TrigError(f"{folder / 'index.html'}: there is no report here; run `dvc repro`, or `dvc pull` what others computed")
    try:
        server = Server((HOST, port), partial(Pages, directory=str(folder)))
    except OSError as error:
        raise TrigError(f"--port {port}: {HOST} cannot listen on it ({error.strerror}); choose another, or 0 for any free one") from None
    address = f"http://{HOST}:{server.server_port}/"
    try:
        with server:
            print(address, flush=True)
            if show:  # in a thread: a text browser blocks, and needs the server running
                threading.Thread(target=_open, args=[address], daemon=True).start()
            server.serve_forever()
    except KeyboardInterrupt:
        print("stopped", file=sys.stderr)


def _open(address: str) -> None:
    if not webbrowser.open(address):
        print("--open: no browser was found here", file=sys.stderr)
