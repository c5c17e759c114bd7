"""A TCP proxy on 127.0.0.1 that dies in mid-transfer: after so many bytes it cuts every connection and takes no other, until it is mended."""

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress

CHUNK = 2**14


class Valve:
    """Passes bytes both ways; `left`: how many it still passes, None without limit."""

    def __init__(self, behind: int) -> None:
        self.behind = behind
        self.left: int | None = None
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self.listener.getsockname()[1]

    def serve(self) -> None:
        """Takes connections until its socket is closed."""
        with suppress(OSError):
            while True:
                client, _ = self.listener.accept()
                if self.left == 0:
                    client.close()
                    continue
                server = socket.create_connection(("127.0.0.1", self.behind))
                for source, target in ((client, server), (server, client)):
                    threading.Thread(target=self._pass, args=(source, target), daemon=True).start()

    def _pass(self, source: socket.socket, target: socket.socket) -> None:
        with suppress(OSError):
            while self.left != 0 and (piece := source.recv(CHUNK)):
                if self.left is not None:
                    piece = piece[: self.left]
                    self.left -= len(piece)
                target.sendall(piece)
        for end in (source, target):
            with suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)
            end.close()


@contextmanager
def valve(behind: int) -> Iterator[Valve]:
    """A valve before a port."""
    found = Valve(behind)
    threading.Thread(target=found.serve, daemon=True).start()
    try:
        yield found
    finally:
        found.listener.close()
