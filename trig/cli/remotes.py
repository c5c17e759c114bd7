"""Whether results can be shared: the project's git repository, and its remote of DVC. Findings of `trig doctor`."""

import socket
import ssl
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from trig.cli.needs import Row

GRAPH = Path("dvc.yaml")
CONNECT, WORD, ANSWER = 1.0, 2.0, 10.0
"""Seconds in which a server has to take a connection, to say anything at all, and to list the remote's folder."""
PORTS = {"http": 80, "https": 443, "ssh": 22}
NONE = "none: results stay on this machine; `dvc remote add --default store ADDRESS` names one (docs/sharing.md)"


def rows(wanted: bool) -> Iterator[Row]:
    """All findings, in the folder of a project. `wanted`: without a remote something is missing."""
    if not GRAPH.exists():
        return
    here = Path.cwd()
    if not any((place / ".git").exists() for place in (here, *here.parents)):
        yield False, "git repository", f"{here} is in none, and DVC runs nothing: `git init`, or clone the project"
        return
    from dvc.config import Config, ConfigError  # lazy import: DVC slows `trig --help`

    try:
        config = Config.from_cwd()
    except ConfigError as error:
        yield False, "remote", f"{' '.join(str(error).split())}; correct .dvc/config"
        return
    remotes, name = config["remote"], config["core"].get("remote")
    if not remotes:
        yield not wanted, "remote", NONE
    elif name not in remotes:
        listed = ", ".join(remotes)
        yield False, "remote", f"of {listed} none is the default: `dvc remote default {next(iter(remotes))}`"
    else:
        yield _met(name, remotes[name])


def _met(name: str, remote: Mapping[str, Any]) -> Row:
    """The default remote: first whether anybody is there, then whether what is kept there may be listed."""
    what, url = f"remote {name}", remote["url"]
    if dead := _dead(remote):
        return False, what, f"{url}: {dead}; look at its server, start it, or correct it with `dvc remote modify {name} …`"
    try:
        asked = subprocess.run([sys.executable, "-m", "trig.cli.reach", name], capture_output=True, text=True, check=False, timeout=ANSWER)
    except subprocess.TimeoutExpired:
        return False, what, f"{url}: no answer in {ANSWER:g} s; look at its server, or at the network"
    if asked.returncode:
        said = (asked.stderr.strip().splitlines() or ["no reason"])[-1]
        remedy = (
            "look at its server, or at the network" if "connect" in said.lower() else "correct its address or its key (docs/sharing.md)"
        )
        return False, what, f"{url}: {said}; {remedy}"
    return True, what, f"{url} answers"


def _dead(remote: Mapping[str, Any]) -> str | None:
    """Why nobody is there, where the address tells the server or a folder; None otherwise."""
    url = urlsplit(remote.get("endpointurl") or remote["url"])
    if not url.scheme:
        return None if Path(url.path).is_dir() or not Path(url.path).is_absolute() or Path(url.path).parent.is_dir() else "no such folder"
    port = remote.get("port") or url.port or PORTS.get(url.scheme)
    if not port or not url.hostname:
        return None
    try:
        with socket.create_connection((url.hostname, int(port)), CONNECT) as server:
            server.settimeout(WORD)
            _first_word(server, url.scheme, url.hostname)
    except TimeoutError:
        return f"nobody answers at {url.hostname}:{port} in time"
    except OSError as error:
        return f"nobody answers at {url.hostname}:{port} ({error.strerror or error})"
    return None


def _first_word(server: socket.socket, scheme: str, host: str) -> None:
    """Raises OSError where nothing is said at all: to a greeting of HTTP or TLS, or as an SSH server does by itself."""
    if scheme == "https":
        context = ssl.create_default_context()
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE  # who it is, the client asks that lists the folder
        with suppress(ssl.SSLError):  # it speaks
            context.wrap_socket(server, server_hostname=host).close()
        return
    if scheme == "http":
        server.sendall(f"HEAD / HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n".encode())
    if scheme in {"http", "ssh"} and not server.recv(1):
        raise OSError("it hung up without a word")
