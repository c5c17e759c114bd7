"""The four tables of the pipeline: declared columns, checked on the way in and on the way out."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import polars as pl

from trig.dimensions import PAIRS, Dimension, Kind, Relation, Support, Task
from trig.errors import TableError
from trig.files import replacing, walk

TASK = pl.Enum([task.value for task in Task])
PAIR = pl.Enum([str(pair) for pair in PAIRS])
DIMENSION = pl.Enum([dimension.value for dimension in Dimension])
RELATION = pl.Enum([relation.value for relation in Relation])
KIND = pl.Enum([kind.value for kind in Kind])
EVIDENCE = pl.Enum([support.value for support in Support])
SPLIT = pl.Enum(["test", "train"])
STATUS = pl.Enum(["ok", "null"])
PICTURE = pl.Struct({"bytes": pl.Binary, "path": pl.String})


@dataclass(frozen=True, slots=True)
class Table:
    """A table's name, its columns in order, the columns that name a row, and the columns that may be null."""

    name: str
    columns: Mapping[str, pl.DataType | type[pl.DataType]]
    key: tuple[str, ...]
    nullable: frozenset[str] = frozenset()

    def only(self, columns: Collection[str]) -> "Table":
        """The table with its key and these of its columns."""
        kept = {name: kind for name, kind in self.columns.items() if name in columns or name in self.key}
        return Table(self.name, kept, self.key, self.nullable.intersection(kept))


PROMPTS = Table(
    "prompts",
    {
        "task": TASK,
        "pair": PAIR,
        "data_id": pl.String,  # `<pair>_<n>`, n from 1
        "prompt": pl.String,
        "sub_prompts": pl.List(pl.String),  # two, in the order of the pair; "" where the prompt needs no phrase for a dimension
        "source": pl.String,  # where the caption came from
        "annotator": pl.String,  # what wrote the prompt: `template`, or the LLM's name
        "parent": pl.String,  # data_id of the prompt this one was copied or edited from
        "item": pl.String,  # s2p: the subject's noun phrase
        "source_image": pl.Binary,  # p2p, s2p: PNG bytes
        "split": SPLIT,
        "key": pl.String,  # hash of everything the generated picture depends on, but the model
    },
    ("task", "data_id", "split"),
    frozenset({"parent", "item", "source_image"}),
)
IMAGES = Table(
    "images",
    {
        "model": pl.String,
        "task": TASK,
        "pair": PAIR,
        "data_id": pl.String,
        "image": PICTURE,  # PNG bytes; `path` is `<data_id>.png`, a name and never a place; null where the model gave no picture
        "seed": pl.UInt64,
        "width": pl.Int32,
        "height": pl.Int32,
        "status": STATUS,
        "reason": pl.String,  # why there is no picture
        "engine": pl.String,  # the libraries that computed the picture
        "prompt_tokens": pl.Int64,  # of the prompt, by the model's own tokenizer
        "tokens_read": pl.Int64,  # of these, how many the model read; fewer: it cut the prompt
        "key": pl.String,
    },
    ("model", "task", "data_id"),
    frozenset({"image", "reason", "engine", "prompt_tokens", "tokens_read"}),
)
SCORES = Table(
    "scores",
    {
        "model": pl.String,
        "task": TASK,
        "pair": PAIR,
        "data_id": pl.String,
        "dimension": DIMENSION,
        "score_trig": pl.Float64,  # C·S (Eq. 3)
        "expected": pl.Float64,  # S (Eq. 2)
        "stderr": pl.Float64,  # standard error of S, where answers were sampled
        "confidence": pl.Float64,  # C, the largest p
        "off_mass": pl.Float64,  # probability outside all grades, 0..1
        "p": pl.List(pl.Float64),  # one per grade, worst to best; sums to 1
        "status": STATUS,
        "reason": pl.String,  # why there is no score
        "judge": pl.String,  # name@revision
        "engine": pl.String,  # the software that computed the answer
        "dtype": pl.String,  # the numbers it did so in, such as float32; a server does not tell
        "mode": pl.String,  # exact: over the full vocabulary; top: of the likeliest tokens, off_mass is an upper bound; sampled: counted answers
        "rubric": pl.String,  # hash of the question's text
        "tokens": pl.Int64,  # of the question, pictures included
        "cached": pl.Int64,  # of these, how many the server had computed before
        "picture_tokens": pl.Int64,  # of `tokens`, how many stand for pictures, the source picture among them; a server does not tell
        "scale": pl.String,  # the grades, worst to best
        "max_pixels": pl.Int64,  # larger pictures were made smaller
        "reference_image": pl.String,  # whether the judge was sent the source picture
        "judged_width": pl.Int32,  # pixels of the picture that the judge was sent
        "judged_height": pl.Int32,
        "image_key": pl.String,
        "key": pl.String,
    },
    ("model", "task", "data_id", "dimension"),
    frozenset(
        "score_trig expected stderr confidence off_mass p reason engine dtype mode tokens cached picture_tokens judged_width judged_height".split()
    ),
)
POINTS = Table(
    "points",
    {
        "model": pl.String,
        "task": TASK,
        "pair": PAIR,
        "data_id": pl.String,
        "x": pl.Float64,  # score on the first dimension of the pair
        "y": pl.Float64,  # on the second
    },
    ("model", "task", "pair", "data_id"),
    frozenset({"x", "y"}),
)
INTERVALS = ("rho", "density_synergy", "density_bottleneck", "mean_x", "mean_y", "mean_gap", "median_gap")
"""What the relations table has a 95 % bootstrap interval of, as `<name>_low` and `<name>_high`; a gap is x less y."""
RELATIONS = Table(
    "relations",
    {
        "model": pl.String,
        "task": TASK,
        "pair": PAIR,
        "n": pl.Int64,  # samples scored on both dimensions
        "nulls": pl.Int64,  # samples left out because a score is missing
        "clusters": pl.Int64,  # prompts that these n come from; copies and edits of one prompt count once
        "off_mass": pl.Float64,  # mean probability outside all grades, over the judge's answers on both dimensions
        "noise": pl.Float64,  # root mean square of `stderr` over these answers; null where none was sampled
        "rho": pl.Float64,  # the correlation that the thresholds name; null when either side is constant
        "p_value": pl.Float64,  # of rho, two-sided, every point by itself
        "n_synergy": pl.Int64,  # points in R_S
        "n_bottleneck": pl.Int64,  # points in R_B
        "n_tradeoff": pl.Int64,  # points in R_T
        "density_synergy": pl.Float64,  # D_s
        "density_bottleneck": pl.Float64,  # D_b
        "n_above": pl.Int64,  # N_a: points of R_T strictly above the regression line
        "n_below": pl.Int64,  # N_b: strictly below
        "slope": pl.Float64,  # of the regression line y = slope·x + intercept
        "intercept": pl.Float64,
        "mean_x": pl.Float64,
        "mean_y": pl.Float64,
        "median_x": pl.Float64,
        "median_y": pl.Float64,
        "relation": RELATION,
        "leaning": DIMENSION,  # the dimension a tilt leans to
        "favoured": DIMENSION,  # the dimension with the higher mean; null when the interval of the gap holds 0
        "kind": KIND,  # of a dispersion
        "evidence": EVIDENCE,  # null where nothing was resampled
        "stability": pl.Float64,  # share of bootstrap samples with the same relation
        "runner_up": RELATION,  # the most frequent other relation; null when there is none
        "runner_up_share": pl.Float64,
        "tilt_p": pl.Float64,  # of sides that differ by chance, or as those of independent scores do
        "tilt_q": pl.Float64,  # the same, adjusted for all rows (Benjamini and Hochberg)
        "conflict_p": pl.Float64,  # of a rho of 0 or more
        "conflict_q": pl.Float64,
        **{f"{name}_{end}": pl.Float64 for name in INTERVALS for end in ("low", "high")},
    },
    ("model", "task", "pair"),
    frozenset(
        "off_mass noise rho p_value density_synergy density_bottleneck slope intercept mean_x mean_y median_x median_y leaning favoured kind"
        " evidence stability runner_up runner_up_share tilt_p tilt_q conflict_p conflict_q".split()
    )
    | {f"{name}_{end}" for name in INTERVALS for end in ("low", "high")},
)


def check(frame: pl.DataFrame, table: Table, where: str) -> pl.DataFrame:
    """The frame with the table's columns in order; extra columns are dropped.

    Raises TableError for a missing column, a value outside its type, a null or NaN where none may be, or a repeated key.
    """
    for column, kind in table.columns.items():
        if column not in frame.columns:
            raise TableError(
                f"{where}: column {column!r} of the {table.name} table is missing; write it, or rebuild the file with `dvc repro`"
            )
        if not _lossless(frame[column].dtype, kind):
            raise TableError(f"{where}: column {column!r} holds {frame[column].dtype} and must hold {kind}; write it so")
        try:
            frame = frame.with_columns(pl.col(column).cast(kind))
        except pl.exceptions.PolarsError as error:
            raise TableError(f"{where}: column {column!r} does not hold {kind}: {str(error).splitlines()[0]}") from None
        if column not in table.nullable and frame[column].null_count():
            raise TableError(f"{where}: column {column!r} is null in {frame[column].null_count()} rows; it needs a value in each")
        if kind in (pl.Float64, pl.List(pl.Float64)) and (strange := _not_finite(frame[column])):
            raise TableError(f"{where}: column {column!r} is NaN or infinite in {strange} rows; a missing value is null with a reason")
    frame = frame.select(list(table.columns))
    repeated = frame.filter(frame.select(table.key).is_duplicated())
    if repeated.height:
        row = repeated.select(table.key).row(0)
        raise TableError(f"{where}: {'/'.join(map(str, row))} stands in more than one row; {', '.join(table.key)} must name a row")
    return frame


def _lossless(have: pl.DataType, want: pl.DataType | type[pl.DataType]) -> bool:
    """Whether a cast keeps every value that it does not refuse: a float is no integer, and a text is no number."""
    if want in (pl.Float64, pl.Float32):
        return have.is_numeric() or have == pl.Null
    if want in (pl.Int32, pl.Int64, pl.UInt64):
        return have.is_integer() or have == pl.Null
    return True


def _not_finite(column: pl.Series) -> int:
    """In how many rows a number is NaN or infinite."""
    if column.dtype == pl.List(pl.Float64):
        return int(column.list.eval(~pl.element().is_finite()).list.any().sum())
    return int((~column.is_finite()).sum())


def shards(folder: Path) -> list[Path]:
    """All parquet files under a folder, in the order of their names; none where there is no folder."""
    return [file for file in walk(folder) if file.suffix == ".parquet"] if folder.is_dir() else []


def files(path: Path, table: Table) -> list[Path]:
    """The files of a table: this one, or the shards of this folder. Raises TableError where there are none."""
    found = [path] if path.is_file() else shards(path)
    if not found:
        raise TableError(f"{path}: there is no {table.name} table here; run the stage that writes it, or `dvc pull`")
    return found


def read(path: Path, table: Table) -> pl.DataFrame:
    """The table in a parquet file, or in all parquet files under a folder in the order of their names."""
    parts = [_read_file(file, table) for file in files(path, table)]
    return parts[0] if len(parts) == 1 else check(pl.concat(parts), table, str(path))


def _read_file(path: Path, table: Table) -> pl.DataFrame:
    try:
        there = pl.read_parquet_schema(path)
        frame = pl.read_parquet(path, columns=[name for name in table.columns if name in there])
    except (pl.exceptions.PolarsError, OSError) as error:
        raise TableError(f"{path}: not a readable parquet file ({str(error).splitlines()[0]}); delete it and run `dvc repro`") from None
    return check(frame, table, str(path))


def split(prompts: pl.DataFrame, name: Literal["test", "train"]) -> pl.DataFrame:
    """The prompts of one split."""
    return prompts.filter(pl.col("split") == name)


def distinct(scores: pl.DataFrame) -> pl.DataFrame:
    """The scores with each model's answers once: a question about a picture that stands in several pairs was asked once."""
    return scores.unique(["model", "key"], keep="first", maintain_order=True)


def write(frame: pl.DataFrame, table: Table, path: Path) -> None:
    """Check the table and write it in one step: the file is whole or not there. Equal tables give equal bytes."""
    checked = check(frame, table, str(path))
    with replacing(path) as part:
        checked.write_parquet(part, compression="zstd", statistics=True)
