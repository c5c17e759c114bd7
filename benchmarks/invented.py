"""Synthetic run, as the stages before classify leave it: prompts, images, scores. Deterministic in size and roster."""

import zlib
from collections.abc import Iterator, Sequence
from hashlib import blake2b
from io import BytesIO
from pathlib import Path
from struct import pack

import numpy as np
import polars as pl
from numpy.typing import NDArray
from PIL import Image

from trig import tables
from trig.gates.page import page
from trig.gates.result import Finding, Result
from trig.keys import prompt_key
from trig.scales import SCALES
from trig.tables import sources as library
from trig.tables.diagnostics import DIAGNOSED, DIAGNOSTICS
from trig.tables.images import IMAGES
from trig.tables.kinds import DIMENSION
from trig.tables.prompts import PROMPTS
from trig.tables.scores import SCORES
from trig.tables.sources import SOURCES, digest
from trig.testing import measured
from trig.vocabulary.dimensions import SUBSETS, Dimension, Pair, Task
from trig.vocabulary.sizes import published_size

COPIED = (Dimension.AESTHETICS, Dimension.CONTENT, Dimension.KNOWLEDGE)
"""Text-to-image prompts of pairs beginning with these copy those of Realism's pair; those of other pairs are edits of them. As published, nearly."""
EDITS = 3
"""Prompts per source picture or subject."""
WORDS = (
    "a an the two old small red blue green golden wooden painted quiet crowded narrow distant broken smiling sleeping running dancing near under"
    " behind beside above castle harbour market garden kitchen forest bridge teapot bicycle lantern violin umbrella fox heron child sailor baker"
    " at dusk in fog with soft light as a watercolour sketch of glass and stone while snow falls"
).split()
LENGTH = 25  # words per prompt, about 150 letters
POOL = 64  # distinct drawings; a PNG comment makes each picture's bytes unique
SIDE = 64  # pixels
GRAIN = 0.04  # spread of the judge's grade probabilities
NULLS = 0.005
REASONS = ("no grade in the answer", "the server did not answer", "more than half of the mass is outside the grades")
Floats = NDArray[np.float64]


def write(root: Path, roster: Sequence[str], share: float = 1.0) -> pl.DataFrame:
    """Writes the inputs of classify and report below data/ except adapters, at a fraction of each subset's published size. Returns the prompts."""
    asked = prompts(share)
    tables.write(asked, PROMPTS, root / "data/prompts.parquet")
    library.write(_sources(), root / "data/sources")
    passed(root, "prompts", "prompts")
    for index, model in enumerate(roster):
        keys = pl.Series("key", [_key(model, key) for key in asked["key"]])
        for name, shard in _shards(model, asked.with_columns(keys)):
            tables.write(shard, IMAGES, root / "data/images" / model / name)
        scored = scores(model, asked, keys, index)
        for folder, table in (("scores", SCORES), ("diagnostics", DIAGNOSTICS)):
            tables.write(scored, table, root / "data" / folder / f"{model}.parquet")
        measured.write(scored, root / "data/figures" / model)
        passed(root, "images", f"images/{model}")
        passed(root, "scores", f"scores/{model}")
    return asked


def _sources() -> pl.DataFrame:
    """Pictures to edit and of subjects."""
    rows = [
        {
            "source": digest(png),
            "image": {"bytes": png, "path": None},
            "width": SIDE,
            "height": SIDE,
            "subject": "a teapot",
            "tasks": ["p2p", "s2p"],
        }
        | {"origin": "invented", "licence": "CC0-1.0"}
        for png in map(_png, range(POOL))
    ]
    return pl.DataFrame(rows, dict(SOURCES.columns))


def prompts(share: float = 1.0) -> pl.DataFrame:
    """Prompts of all three tasks; some are copies or edits of others."""
    draw = np.random.default_rng(0)
    sources = [digest(_png(number)) for number in range(POOL)]
    rows: list[tuple[object, ...]] = []
    texts: dict[tuple[Task, str | None], str] = {}
    for task, pair in SUBSETS:
        for n in range(1, max(round(share * published_size(task, pair)), 1) + 1):
            name, parent = f"{pair}_{n}", _parent(task, pair, n)
            text = " ".join(WORDS[place] for place in draw.integers(0, len(WORDS), LENGTH))
            if task is Task.T2I and pair.x in COPIED:
                text = texts[task, parent]
            texts[task, name] = text
            number = int((parent or name).rpartition("_")[2])
            source = None if task is Task.T2I else sources[number % POOL]
            item = "a small red teapot" if task is Task.S2P else None
            told = (
                text,
                ["", ""],
                "invented",
                "combine",
                "plain",
                "template",
                parent,
                item,
                source,
                "test",
                prompt_key(task, text, source),
            )
            rows.append((task, str(pair), name, *told))
    return pl.DataFrame(rows, dict(PROMPTS.columns), orient="row")


def _parent(task: Task, pair: Pair, n: int) -> str | None:
    """Parent of a subset's n-th prompt: what it was copied or edited from."""
    if task is Task.T2I:
        return None if pair.x is Dimension.REALISM else f"{Pair(Dimension.REALISM, pair.y)}_{n}"
    first = n - (n - 1) % EDITS
    return None if first == n else f"{pair}_{first}"


def _shards(model: str, asked: pl.DataFrame) -> Iterator[tuple[str, pl.DataFrame]]:
    """Image shards of a model, one per subset; `key` is the picture's already."""
    drawings = [_png(number) for number in range(POOL)]
    told = [pl.lit("ok").alias("status"), pl.lit(None, pl.String).alias("reason"), pl.lit("invented").alias("engine")]
    told += [pl.lit(LENGTH).alias(name) for name in ("prompt_tokens", "tokens_read")]
    for (task, pair), own in asked.group_by("task", "pair", maintain_order=True):
        made = [commented(drawings[int(key[:8], 16) % POOL], key) for key in own["key"]]
        image = pl.DataFrame({"bytes": made, "path": own["data_id"] + ".png"}).to_struct("image")
        yield (
            f"{task}/{pair}.parquet",
            own.select(
                "task",
                "pair",
                "data_id",
                "key",
                image,
                *told,
                model=pl.lit(model),
                number=0,
                digest=pl.Series(map(digest, made)),
                seed=0,
                width=SIDE,
                height=SIDE,
            ),
        )


def scores(model: str, asked: pl.DataFrame, image_keys: pl.Series, seed: int) -> pl.DataFrame:
    """DIAGNOSED rows of a model: a level per task and dimension, a shared part per picture, and noise.

    Equal questions about equal pictures have equal answers. Grade probabilities are rounded, so scores tie. High or low levels give synergies
    and bottlenecks, skewed ones tilts, weakly correlated ones dispersions.
    """
    draw = np.random.default_rng([1, seed])
    level, follows = draw.uniform(0.5, 0.95, (len(Task), len(Dimension))), draw.uniform(-0.3, 1.3, (len(Task), len(Dimension)))
    skewed = draw.random((len(Task), len(Dimension))) < 0.2
    picture = asked["key"].rank("dense").to_numpy().astype(np.int64) - 1
    shape = (int(picture.max()) + 1, len(Dimension))
    shared, alone, long = draw.normal(0, 0.2, shape[0]), draw.normal(0, 0.03, shape), 0.1 * (1 - draw.exponential(1, shape))
    missing, noise = draw.random(shape) < NULLS, draw.beta(1, 60, shape)

    of_pair = [[list(Dimension).index(side) for side in (pair.x, pair.y)] for pair in map(Pair.parse, asked["pair"])]
    side, row = np.array(of_pair).ravel(), np.repeat(np.arange(asked.height), 2)  # two answers per picture, in the order of the pair
    which, task = picture[row], asked["task"].to_physical().to_numpy()[row]
    own = np.where(skewed[task, side], long[which, side], alone[which, side])
    p = _grades(np.clip(level[task, side] + follows[task, side] * shared[which] + own, 0, 1))
    expected, confidence = p @ np.linspace(0, 1, len(SCALES["paper"].grades)), p.max(axis=1)
    null = pl.Series("null", missing[which, side])
    codes = pl.Series("dimension", [list(Dimension)[place].value for place in side], DIMENSION)
    keys = image_keys[row]
    numbers = {"score_trig": confidence * expected, "expected": expected, "confidence": confidence, "p": p.tolist()}
    frame = asked.select("task", "pair", "data_id")[row].with_columns(
        *(pl.when(~null).then(pl.Series(name, values)).alias(name) for name, values in numbers.items()),
        codes,
        model=pl.lit(model),
        number=pl.lit(0),
        scorer=pl.lit("invented"),
        stderr=pl.lit(None),
        off_mass=pl.Series(noise[which, side]),
        status=pl.when(null).then(pl.lit("null")).otherwise(pl.lit("ok")),
        reason=pl.when(null).then(pl.Series([REASONS[place % len(REASONS)] for place in which])),
        judge=pl.lit("invented@0123abcd"),
        engine=pl.lit("none"),
        dtype=pl.lit("float32"),
        mode=pl.lit("exact"),
        rubric=codes.cast(pl.String),
        tokens=pl.lit(380),
        picture_tokens=pl.lit(256),
        cached=pl.lit(290),
        scale=pl.lit("/".join(SCALES["paper"].grades)),
        max_pixels=pl.lit(1003520),
        reference_image=pl.lit("source"),
        judged_width=pl.lit(SIDE),
        judged_height=pl.lit(SIDE),
        canary_noise=pl.lit(None),
        image_key=keys,
        key=pl.Series([_key(key, code) for key, code in zip(keys, codes, strict=True)]),
    )
    return tables.check(frame, DIAGNOSED, model)


def _grades(quality: Floats) -> Floats:
    """Grade probabilities, (n, 3), to three decimals; they sum to 1."""
    away = quality[:, None] - np.linspace(0, 1, len(SCALES["paper"].grades))
    p: Floats = np.exp(-away * away / GRAIN)
    p = np.round(p / p.sum(axis=1, keepdims=True), 3)
    p[:, 1] = np.round(1 - p[:, 0] - p[:, 2], 3)
    return p


def _png(number: int) -> bytes:
    """PNG of a gradient."""
    draw = np.random.default_rng([2, number])
    down, across = np.mgrid[:SIDE, :SIDE] / SIDE
    corners = draw.uniform(0, 255, (3, 3))
    pixels = corners[0] + down[:, :, None] * (corners[1] - corners[0]) / 2 + across[:, :, None] * (corners[2] - corners[0]) / 2
    packed = BytesIO()
    Image.fromarray(pixels.astype(np.uint8)).save(packed, "PNG")
    return packed.getvalue()


def commented(png: bytes, text: str) -> bytes:
    """The PNG with a tEXt chunk before its last chunk."""
    chunk = b"tEXtComment\0" + text.encode()
    return png[:-12] + pack(">I", len(chunk) - 4) + chunk + pack(">I", zlib.crc32(chunk)) + png[-12:]


def _key(*parts: str) -> str:
    return blake2b("\0".join(parts).encode(), digest_size=16).hexdigest()


def passed(root: Path, table: str, name: str) -> None:
    """Result of a gate that passes."""
    result = Result(table, (Finding("the columns and their types are as declared", "tables.check", "tables", 1),))
    for path, text in ((f"data/gates/{name}.json", result.json()), (f"reports/gates/{name}.html", page(result))):
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text(text, "utf-8")
