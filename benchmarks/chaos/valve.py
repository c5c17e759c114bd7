"""A TCP proxy on 127.0.0.1 that dies in mid-transfer: after so many bytes it cuts every connection and takes no other, until it is mended."""

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress

CHUNK = 2**14


class Valve:
    """Passes bytes both ways, to a port behind it."""

    def __init__(self, behind: int) -> None:
        self.behind = behind
        self.lock = threading.Lock()  # of the two below, which every connection changes
        self.rest: int | None = None
        self.open = set[socket.socket]()
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self.listener.getsockname()[1]

    @property
    def left(self) -> int | None:
        """How many bytes it still passes; None: without limit."""
        return self.rest

    @left.setter
    def left(self, rest: int | None) -> None:
        with self.lock:
            self.rest = rest

    def serve(self) -> None:
        """Takes connections until its socket is closed."""
        with suppress(OSError):
            while True:
                client, _ = self.listener.accept()
                threading.Thread(target=self._join, args=(client,), daemon=True).start()

    def _join(self, client: socket.socket) -> None:
        """Both directions of a connection; its sockets are closed when both have ended, so that no descriptor is another's meanwhile."""
        with client, suppress(OSError):
            if self.left == 0:
                return
            with socket.create_connection(("127.0.0.1", self.behind)) as server:
                with self.lock:
                    self.open |= {client, server}
                up = threading.Thread(target=self._pass, args=(client, server), daemon=True)
                up.start()
                self._pass(server, client)
                up.join()
                with self.lock:
                    self.open -= {client, server}

    def _pass(self, source: socket.socket, target: socket.socket) -> None:
        """One direction, to its end, which the other side is told; a broken one breaks both."""
        try:
            while piece := source.recv(CHUNK):
                target.sendall(passed := self._granted(piece))
                if len(passed) < len(piece):
                    self._die()
            target.shutdown(socket.SHUT_WR)
        except OSError:
            _cut(source, target)

    def _granted(self, piece: bytes) -> bytes:
        with self.lock:
            if self.rest is None:
                return piece
            piece = piece[: self.rest]
            self.rest -= len(piece)
            return piece

    def _die(self) -> None:
        with self.lock:
            _cut(*self.open)


def _cut(*ends: socket.socket) -> None:
    for end in ends:
        with suppress(OSError):
            end.shutdown(socket.SHUT_RDWR)


@contextmanager
def valve(behind: int) -> Iterator[Valve]:
    """A valve before a port."""
    found = Valve(behind)
    threading.Thread(target=found.serve, daemon=True).start()
    try:
        yield found
    finally:
        found.listener.close()
