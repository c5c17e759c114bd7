"""A remote that dies in mid-push or mid-pull: an S3-compatible server behind a valve."""

import shutil
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from urllib.parse import urlsplit

from benchmarks.chaos.advice import finding
from benchmarks.chaos.programs import Ended, UncleanError, dvc
from benchmarks.chaos.rounds import Kind, Round
from benchmarks.chaos.valve import Valve, valve
from trig.testing import remotes

CACHE = ".dvc/cache"


@dataclass(frozen=True, slots=True)
class Remote:
    """A finished run with a remote behind a valve."""

    game: Round
    valve: Valve
    keys: dict[str, str]

    def dvc(self, *command: str, **more: str) -> Ended:
        return dvc(*command, place=self.game.folder, **self.keys, **more).end()

    def well(self, *command: str) -> None:
        """Raises UncleanError where the command fails."""
        if (ended := self.dvc(*command)).code:
            raise UncleanError(f"dvc {' '.join(command)} ended with {ended.code}:\n{ended.said[-3000:]}")

    def cut(self, command: str) -> None:
        """A transfer that is cut at a random byte. DVC's words on it are its own: what is wrong and what to do is what `trig doctor` says."""
        size = sum(file.stat().st_size for file in (self.game.world.after / CACHE).rglob("*") if file.is_file())
        self.valve.left = left = self.game.dice.randrange(size // 3)
        self.game.note = f"after {left:,} bytes"
        ended = self.dvc(command, AWS_MAX_ATTEMPTS="1")  # it is dead for good: more attempts only take longer
        if ended.code:
            ended.noticed()
        self.game.note += f": {finding(self.game.folder, 'remote far', 'its server', **self.keys)}" if ended.code else ": the run went on"
        self.valve.left = None

    def empty(self) -> None:
        """As a fresh clone."""
        shutil.rmtree(self.game.folder / CACHE)
        for name in self.game.world.outs():
            place = self.game.folder / name
            shutil.rmtree(place) if place.is_dir() else place.unlink()


@contextmanager
def remote(game: Round) -> Iterator[Remote]:
    """The finished run, and where it can be pushed to."""
    subprocess.run(["cp", "-a", f"{game.world.after}/.", game.folder], check=True)
    with remotes.s3(game.folder.parent) as bucket, valve(urlsplit(bucket.endpoint).port or 0) as between:
        found = Remote(game, between, bucket.keys)
        found.well("remote", "add", "--default", "far", f"s3://{bucket.name}/trig")
        found.well("remote", "modify", "far", "endpointurl", f"http://127.0.0.1:{between.port}")
        found.well("remote", "modify", "far", "verify", "true")  # else what a cut pull left of a file is taken for it
        yield found


def cut_push(game: Round) -> None:
    """A push that is cut, and then pushed and pulled whole."""
    with remote(game) as far:
        far.cut("push")
        far.well("push")
        far.empty()
        far.well("pull")


def cut_pull(game: Round) -> None:
    """A pull that is cut, and then pulled whole."""
    with remote(game) as far:
        far.well("push")
        far.empty()
        far.cut("pull")
        far.well("pull")


def kinds() -> Iterator[Kind]:
    """Both."""
    told: dict[str, Callable[[Round], None]] = {"mid-push": cut_push, "mid-pull": cut_pull}
    yield from (Kind(f"remote that dies in {name}", befall, whole=True) for name, befall in told.items())
