"""Real vLLM server on 127.0.0.1, for benchmarks and the contract test of judges."""

import re
import socket
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from trig import params
from trig.backends.judges.openai import Served
from trig.params.judge import ServedJudge

ROOT = Path(__file__).parents[2]
SERVE = ROOT.parent / "shared" / "vllm" / "serve.sh"
"""Starts vLLM on a CPU in its own environment: `serve.sh MODEL PORT`. The model is served as `tiny`."""
SECONDS = 300
JUDGE = "tiny-served"


@contextmanager
def started(model: Path, *arguments: str) -> Iterator[str]:
    """Serves a model folder; yields the address, such as http://127.0.0.1:4711, then stops the server."""
    port = free_port()
    command = ["bash", str(SERVE), str(model), str(port), *arguments]
    with TemporaryDirectory() as place, running(command, port, ROOT, Path(place) / "log") as address:
        yield address


@contextmanager
def running(command: Sequence[str], port: int, cwd: Path, log: Path, environment: Mapping[str, str] | None = None) -> Iterator[str]:
    """Address of the server that a command starts, once healthy; afterwards it is terminated."""
    address = f"http://127.0.0.1:{port}"
    with log.open("w") as out:
        server = subprocess.Popen(command, cwd=cwd, env=environment, stdout=out, stderr=out)
    try:
        end = time.monotonic() + SECONDS
        while not healthy(address):
            if server.poll() is not None or time.monotonic() > end:
                raise RuntimeError(f"vLLM did not start: {log.read_text()[-3000:]}")
            time.sleep(0.5)
        yield address
        server.terminate()
        server.wait(60)
    finally:
        server.kill()
        server.wait(60)


def free_port() -> int:
    """A free port."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port: int = free.getsockname()[1]
    return port


def judge(address: str) -> Served:
    """The served judge of params.yaml at this address."""
    settings = params.load().judges[JUDGE]
    assert isinstance(settings, ServedJudge)
    return Served(JUDGE, settings.model_copy(update={"endpoints": [f"{address}/v1"], "timeout": 120.0}))


def healthy(address: str) -> bool:
    """Health check."""
    try:
        with urllib.request.urlopen(f"{address}/health", timeout=5):
            return True
    except (urllib.error.URLError, OSError):
        return False


def counter(address: str, name: str) -> float:
    """Server metric (Prometheus counter), summed over its labels."""
    with urllib.request.urlopen(f"{address}/metrics", timeout=30) as answer:
        text = answer.read().decode()
    return sum(float(value) for value in re.findall(rf"^vllm:{name}(?:_total)?(?:{{[^}}]*}})? (\S+)$", text, re.MULTILINE))
