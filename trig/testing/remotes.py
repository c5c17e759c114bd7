"""Remotes on 127.0.0.1 for tests: an S3-compatible server and an OpenSSH server."""

import getpass
import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.error import URLError
from urllib.request import Request, urlopen

from trig.testing.vllm import free_port

SSHD = shutil.which("sshd", path=f"{os.environ['PATH']}{os.pathsep}/usr/sbin")
"""OpenSSH's server, or None where it is not installed."""
PATIENCE = 60.0
"""Seconds in which a server has to start."""


@dataclass(frozen=True, slots=True)
class Bucket:
    """A bucket of an S3-compatible server."""

    endpoint: str
    name: str

    @property
    def keys(self) -> dict[str, str]:
        """Environment variables with a key that the server takes."""
        return {"AWS_ACCESS_KEY_ID": "tests", "AWS_SECRET_ACCESS_KEY": "tests", "AWS_DEFAULT_REGION": "us-east-1"}


@contextmanager
def s3(folder: Path, name: str = "results", guarded: bool = False) -> Iterator[Bucket]:
    """Moto's server with an empty bucket; its log is in the folder. `guarded`: once the bucket is there, it knows no key."""
    port = free_port()
    with _serving(
        [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(port)],
        folder / "moto.log",
        port,
        {"INITIAL_NO_AUTH_ACTION_COUNT": "1"} if guarded else {},
    ):
        bucket = Bucket(f"http://127.0.0.1:{port}", name)
        with urlopen(Request(f"{bucket.endpoint}/{name}", method="PUT"), timeout=PATIENCE):
            pass
        yield bucket


@dataclass(frozen=True, slots=True)
class Shell:
    """An account of an OpenSSH server that lets one key in."""

    port: int
    user: str
    key: Path


@contextmanager
def ssh(folder: Path) -> Iterator[Shell]:
    """An OpenSSH server for the user who runs the tests; its keys and its log are in the folder."""
    assert SSHD, "sshd is not installed"
    port, host, own = free_port(), folder / "host", folder / "own"
    for key in (host, own):
        subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(key)], check=True)
    (folder / "authorized").write_text(own.with_suffix(".pub").read_text("utf-8"), "utf-8")
    said = {
        "Port": port,
        "ListenAddress": "127.0.0.1",
        "HostKey": host,
        "AuthorizedKeysFile": folder / "authorized",
        "PidFile": "none",
        "PasswordAuthentication": "no",
        "StrictModes": "no",
        "UsePAM": "no",
        "Subsystem": "sftp internal-sftp",
    }
    (folder / "sshd_config").write_text("".join(f"{name} {value}\n" for name, value in said.items()), "utf-8")
    if os.geteuid() == 0:
        Path("/run/sshd").mkdir(exist_ok=True)  # where sshd confines itself before a login
    with _serving([SSHD, "-D", "-e", "-f", str(folder / "sshd_config")], folder / "sshd.log", port):
        yield Shell(port, getpass.getuser(), own)


@contextmanager
def _serving(command: Sequence[str], log: Path, port: int, settings: Mapping[str, str] | None = None) -> Iterator[None]:
    """A server until its port answers, and its end."""
    with log.open("wb") as out, subprocess.Popen(command, stdout=out, stderr=out, env={**os.environ, **(settings or {})}) as server:
        try:
            _wait(lambda: server.poll() is not None, port, log)
            yield
        finally:
            server.terminate()


def _wait(ended: Callable[[], bool], port: int, log: Path) -> None:
    end = time.monotonic() + PATIENCE
    while time.monotonic() < end and not ended():
        with socket.socket() as asked:
            if asked.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.05)
    raise URLError(f"no server on port {port}: {log.read_text('utf-8', errors='replace')[-500:]}")
