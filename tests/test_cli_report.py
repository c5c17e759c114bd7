"""`trig report`: access to the served report."""

import http.client
import signal
import socket
import subprocess
import sys
import threading
import urllib.request
import webbrowser
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest
import workplace
from typer.testing import CliRunner

from trig.cli import report as cli_report
from trig.cli.main import app
from trig.cli.report import HOST, Pages, Server

START = "import signal; signal.signal(signal.SIGINT, signal.default_int_handler); from trig.cli.main import main; main()"
"""Background jobs of a shell ignore SIGINT."""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Report as DVC lays it out: the page links into the cache elsewhere; a secret lies beside it."""
    root = tmp_path_factory.mktemp("project")
    (root / "reports/gates").mkdir(parents=True)
    (root / "cache").mkdir()
    (root / "cache/0123").write_text("<title>the map</title>", "utf-8")
    (root / "reports/index.html").symlink_to(root / "cache/0123")
    (root / "reports/gates/prompts.html").write_text("<title>a gate</title>", "utf-8")
    (root / "secret.txt").write_text("secret", "utf-8")
    return root / "reports"


@pytest.fixture(scope="module")
def port(folder: Path) -> Iterator[int]:
    """Address of the server."""
    with Server((HOST, 0), partial(Pages, directory=str(folder))) as server:
        threading.Thread(target=partial(server.serve_forever, poll_interval=0.01), daemon=True).start()
        yield server.server_port
        server.shutdown()


def asked(port: int, path: str, hosts: tuple[str, ...] | None = None, method: str = "GET") -> tuple[int, str, http.client.HTTPMessage]:
    """Raw response to a path, with optional Host headers."""
    line = http.client.HTTPConnection(HOST, port, timeout=10)
    line.putrequest(method, path, skip_host=hosts is not None)
    for host in hosts or ():
        line.putheader("Host", host)
    line.endheaders()
    answer = line.getresponse()
    text = answer.read().decode()
    line.close()
    return answer.status, text, answer.headers


@pytest.mark.parametrize(
    ("path", "title"), [("/", "the map"), ("/index.html?x=1#maps", "the map"), ("/gates/prompts.html", "a gate"), ("/gates/../", "the map")]
)
def test_the_report_is_served_and_not_kept(port: int, path: str, title: str) -> None:
    status, text, headers = asked(port, path)
    assert (status, text) == (200, f"<title>{title}</title>")
    assert headers["Cache-Control"] == "no-store"
    assert headers["Cross-Origin-Resource-Policy"] == "same-origin"
    assert headers.get_content_type() == "text/html"
    assert asked(port, path, method="HEAD")[:2] == (200, "")


def test_a_new_report_is_seen_at_once(port: int, folder: Path) -> None:
    page = folder / "new.html"
    for text in ("before", "after"):
        page.write_text(text, "utf-8")
        assert asked(port, "/new.html")[1] == text


@pytest.mark.parametrize(
    "path",
    [
        *("/../secret.txt", "/%2e%2e/secret.txt", "/..%2fsecret.txt", "/gates/../../secret.txt", "/gates/..%2F..%2Fsecret.txt"),
        *(
            "//secret.txt",
            "/..\\secret.txt",
            "/%2e%2e%5csecret.txt",
            "/etc/passwd",
            "//etc/passwd",
            "/%00",
            "/%ed%a0%80",
            f"/{'x' * 300}",
            "/gates/",
            "/missing.html",
        ),
    ],
)
def test_nothing_else_is_served(port: int, folder: Path, path: str) -> None:
    for way in (path, path.replace("/secret", str(folder.parent / "secret"))):
        status, text, headers = asked(port, way)
        assert status == 404
        assert "secret</" not in text and "prompts.html" not in text
        assert headers["Cache-Control"] == "no-store"


def test_a_request_for_another_host_is_refused(port: int) -> None:
    for host in (f"{HOST}:{port}", f"localhost:{port}", f"LOCALHOST:{port}", "localhost:8000", HOST):
        assert asked(port, "/", (host,))[0] == 200
    rebound = (
        "evil.example",
        f"evil.example:{port}",
        f"{HOST}.evil.example",
        f"{HOST}:{port}.evil.example",
        f"evil@{HOST}:{port}",
        "127.0.0.1.",
        "",
    )
    for host in rebound:
        status, text, _ = asked(port, "/", (host,))
        assert (status, "the map" in text) == (421, False)
    assert asked(port, "/", ())[0] == 421
    assert asked(port, "/", ("evil.example", f"{HOST}:{port}"))[0] == 421


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "OPTIONS"])
def test_the_report_is_only_read(port: int, method: str) -> None:
    assert asked(port, "/", method=method)[0] == 501


def test_a_browser_that_goes_is_no_error(port: int, capsys: pytest.CaptureFixture[str]) -> None:
    for _ in range(3):
        line = socket.create_connection((HOST, port))
        line.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")  # abrupt close (RST)
        line.sendall(f"GET / HTTP/1.1\r\nHost: {HOST}:{port}\r\n".encode())
        line.close()
    assert asked(port, "/")[0] == 200
    assert capsys.readouterr() == ("", "")


def test_ctrl_c_ends_it_with_one_line(folder: Path) -> None:
    command = [sys.executable, "-c", START, "report", "--folder", str(folder)]
    with subprocess.Popen(command, env=workplace.environment(), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as served:
        assert served.stdout is not None
        address = served.stdout.readline().strip()
        try:
            assert urllib.request.urlopen(address, timeout=10).read() == b"<title>the map</title>"
            other = socket.socket()
            other.settimeout(5)
            port = int(address.rsplit(":", 1)[1].rstrip("/"))
            assert other.connect_ex(("127.0.0.2", port)) != 0  # another address of this machine
            other.close()
        finally:
            served.send_signal(signal.SIGINT)
        told, complained = served.communicate(timeout=20)
    assert (served.returncode, told, complained) == (0, "", "stopped\n")


def test_a_missing_report_is_one_line(tmp_path: Path) -> None:
    for pruned in (False, True):
        if pruned:
            (tmp_path / "index.html").symlink_to(tmp_path / "cache/0123")
        told = workplace.program("trig", "report", "--folder", str(tmp_path), cwd=tmp_path)
        line = f"error: {tmp_path}/index.html: there is no report here; run `dvc repro`, or `dvc pull` what others computed\n"
        assert (told.returncode, told.stdout, told.stderr) == (2, "", line)


def test_a_taken_port_is_one_line(port: int, folder: Path) -> None:
    told = workplace.program("trig", "report", "--folder", str(folder), "--port", str(port), cwd=folder)
    assert told.returncode == 2
    assert told.stderr.splitlines() == [
        f"error: --port {port}: {HOST} cannot listen on it (Address already in use); choose another, or 0 for any free one"
    ]


@pytest.mark.parametrize("found", [True, False])
def test_the_browser_is_asked_to_open_it(folder: Path, monkeypatch: pytest.MonkeyPatch, found: bool) -> None:
    opened = threading.Event()
    addresses: list[str] = []

    def browse(address: str) -> bool:
        addresses.append(address)
        opened.set()
        return found

    def serve_until_opened(_: Server) -> None:
        assert opened.wait(10)
        raise KeyboardInterrupt

    monkeypatch.setattr(webbrowser, "open", browse)
    monkeypatch.setattr(cli_report.Server, "serve_forever", serve_until_opened)
    told = CliRunner().invoke(app, ["report", "--folder", str(folder), "--open"])
    assert (told.exit_code, [told.stdout]) == (0, [f"{address}\n" for address in addresses])
