"""Kinds of faults: of processes, of disks and permissions, and of what is stored."""

import json
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

from benchmarks.chaos import remotes
from benchmarks.chaos.programs import dvc
from benchmarks.chaos.rounds import Kind, Round, file_of

PLAIN = ("setpriv", "--bounding-set=-dac_override,-dac_read_search") if os.geteuid() == 0 else ()
"""What makes permissions bind root too."""
MARGIN = 300_000
"""Most bytes that a disk has left which is about to be full; mostly it has few."""
LARGE = "annotate", "generate", "gate-images", "judge", "finetune", "classify", "digest"
"""Stages that write more than a page or two."""


def killed(who: str) -> Kind:
    """`kill -9` at a random moment of a stage."""

    def befall(game: Round) -> None:
        game.begin()
        running, share = game.repro(), game.dice.random()
        if running.until(game.stage):
            time.sleep(share * game.world.seconds[game.stage])
        running.kill(who)
        ended = running.end()
        game.note = f"after {share:.0%} of its time: {'too late' if ended.code == 0 else 'killed'}"
        if who in {"stage", "fork"} and ended.code > 0:
            ended.complaint("failed to reproduce")

    return Kind(f"kill -9 of {who}", befall, family="kill")


def full_disk(game: Round) -> None:
    """A file system in memory with little space left."""
    margin = int(MARGIN * game.dice.random() ** 3)
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1g", "none", game.folder], check=True)
    try:
        game.begin()
        subprocess.run(["mount", "-o", f"remount,size={_used(game.folder) + margin}", game.folder], check=True)
        game.note = f"{margin:,} bytes left"
        game.failed(game.repro().end(), "space|full")
        subprocess.run(["mount", "-o", "remount,size=1g", game.folder], check=True)
        game.finish()
    finally:
        subprocess.run(["umount", game.folder], check=True)
        game.settled = True


def _used(place: Path) -> int:
    found = os.statvfs(place)
    return (found.f_blocks - found.f_bfree) * found.f_frsize


def no_mount() -> str | None:
    """Why no file system can be mounted here."""
    return None if sys.platform == "linux" and os.geteuid() == 0 else "needs Linux and root, to mount a small file system"


def read_only(game: Round) -> None:
    """A folder that a run writes into."""
    game.begin()
    out = Path(game.dice.choice(game.world.outs(game.stage)))
    place = game.dice.choice([out.parent, Path(".trig/work"), Path(".dvc/cache/files/md5"), Path(".dvc/tmp")])
    _unusable(game, place, 0o555)


def unreadable(game: Round) -> None:
    """A file that the stage reads."""
    game.begin()
    lock = game.world.lock(game.world.after)["stages"]
    deps = [game.folder / dep["path"] for dep in lock[game.stage].get("deps", ())]
    files = [file for dep in deps for file in ([dep] if dep.is_file() else dep.rglob("*")) if file.is_file()]
    place = game.dice.choice(files).relative_to(game.folder)
    _unusable(game, place, 0)


def _unusable(game: Round, name: Path, mode: int) -> None:
    place = game.folder / name
    place.mkdir(parents=True, exist_ok=True) if mode else None
    before = place.stat().st_mode
    place.chmod(mode)
    game.note = str(name)
    try:
        game.failed(game.repro(*PLAIN).end(), "permission|written|read")
    finally:
        place.chmod(before)


def flipped_store(game: Round) -> None:
    """A byte of the work store's database."""
    game.begin()
    _flip(game, game.folder / ".trig/work/work.sqlite")
    game.failed(game.repro().end(), "work store")


def flipped_shard(game: Round) -> None:
    """A byte of a shard of pictures, which is a file of the work store and of DVC's cache too."""
    _warmed(game)
    model = game.stage.partition("@")[2]
    _flip(game, file_of(game.dice, game.folder / "data/images" / model, "*.parquet"))
    game.failed(game.repro().end(), "damaged")


def cut_shard(game: Round) -> None:
    """A shard of pictures that ends early."""
    _warmed(game)
    model = game.stage.partition("@")[2]
    file = file_of(game.dice, game.folder / "data/images" / model, "*.parquet")
    stamp, size = file.stat(), game.dice.randrange(file.stat().st_size)
    os.truncate(file, size)
    _aged(game, file, stamp)
    game.note += f"{file.relative_to(game.folder)} cut to {size} of {stamp.st_size} bytes"
    game.failed(game.repro().end(), "damaged")


def flipped_cache(game: Round) -> None:
    """A byte of an object of DVC's cache, with the file that is a link to it, or where that file is gone; nobody reads an object beside a whole file."""
    _warmed(game)
    lock = game.world.lock(game.folder)["stages"]
    read = {dep["path"] for dep in game.world.lock(game.world.after)["stages"][game.stage].get("deps", ())}
    outs = [(out["path"], out["md5"]) for stage, each in lock.items() if stage != game.stage for out in each.get("outs", ())]
    kept = [(path, oid) for path, oid in outs if any(Path(path).is_relative_to(dep) or Path(dep).is_relative_to(path) for dep in read)]
    name, oid = game.dice.choice([(path, oid) for path, oid in kept if _object(game, oid).exists()] or outs)
    if oid.endswith(".dir"):
        oid = game.dice.choice(json.loads(_object(game, oid).read_text("utf-8")))["md5"]
    alone = _object(game, oid).stat().st_nlink == 1
    _flip(game, _object(game, oid))
    game.note += f" of {name}"
    if game.dice.random() < 0.5 or alone:
        game.note += ", which is gone from the folder"
        place = game.folder / name
        shutil.rmtree(place) if place.is_dir() else place.unlink()
    game.failed(game.repro().end(), "damaged")


def _object(game: Round, oid: str) -> Path:
    return game.folder / ".dvc/cache/files/md5" / oid[:2] / oid[2:]


def _warmed(game: Round) -> None:
    """DVC has seen every file, so that it does not look at one whose time is the same."""
    game.begin()
    dvc("status", place=game.folder).end()


def _flip(game: Round, file: Path) -> None:
    """Flip a bit in place."""
    stamp, at = file.stat(), game.dice.randrange(file.stat().st_size)
    with file.open("r+b") as opened:
        opened.seek(at)
        byte = opened.read(1)[0]
        opened.seek(at)
        opened.write(bytes([byte ^ (1 << game.dice.randrange(8))]))
    _aged(game, file, stamp)
    game.note += f"byte {at:,} of {stamp.st_size:,} of {file.relative_to(game.folder)}"


def _aged(game: Round, file: Path, stamp: os.stat_result) -> None:
    """Half of the time the file's time does not tell, as when the disk did it."""
    if game.dice.random() < 0.5:
        os.utime(file, ns=(stamp.st_atime_ns, stamp.st_mtime_ns))
        game.note += "unseen by its time: "


def at_once(game: Round) -> None:
    """Two runs."""
    game.begin()
    first = game.repro()
    time.sleep(game.dice.random() * (1 + game.world.seconds[game.stage]))
    second = game.repro()
    ends = [first.end(), second.end()]
    for ended in ends:
        game.failed(ended, "lock|another|busy")
    if all(ended.code for ended in ends):
        ends[0].complaint("one of two runs must go on")


def stale_lock(game: Round) -> None:
    """Locks of processes that are no more: the run goes on."""
    game.begin()
    dead = subprocess.Popen(["true"])
    dead.wait()
    held = {"write": {str(game.folder / out): {"pid": dead.pid, "cmd": "dvc repro"} for out in game.world.outs(game.stage)}, "read": {}}
    place = game.folder / ".dvc/tmp"
    place.mkdir(exist_ok=True)
    for name, text in {"rwlock": json.dumps(held), "lock": f"{dead.pid}\n", "rwlock.lock": f"{dead.pid}\n"}.items():
        (place / name).write_text(text, "utf-8")


def dead_server(game: Round) -> None:
    """The judge's server dies for good in mid-run."""
    game.begin()
    game.world.judge.left = left = game.dice.randrange(16)
    game.note = f"after {left} questions"
    game.failed(game.repro().end(), "judges.stub|judge.max_failures")
    game.world.judge.left = None


KINDS = (
    *(killed(who) for who in 5 * ("stage", "fork", "dvc", "both")),  # in sixty rounds at least one for each stage
    Kind("full disk", full_disk, LARGE, missing=no_mount),
    Kind("read-only folder", read_only),
    Kind("unreadable file", unreadable),
    Kind("flipped byte in the work store", flipped_store, ("generate", "judge", "finetune"), whole=True),
    Kind("flipped byte in a shard of pictures", flipped_shard, ("judge", "gate-images"), whole=True),
    Kind("cut shard", cut_shard, ("judge", "gate-images"), whole=True),
    Kind("flipped byte in DVC's cache", flipped_cache, whole=True),
    Kind("two runs at once", at_once),
    Kind("stale lock", stale_lock),
    Kind("dead judge server", dead_server, ("judge", "finetune")),
    *remotes.kinds(),
)
