"""The note of a table: a hash of its rows that any change of a row changes, and what made it."""

from pathlib import Path

import annotated
import polars as pl
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from trig import params, tables
from trig.errors import TableError
from trig.tables import made, pictures, sources
from trig.tables.images import IMAGES
from trig.tables.made import KEY, Made, content, noted, rows, rows_of
from trig.tables.prompts import PROMPTS
from trig.testing import factories

ASKED = factories.prompts()
VALUES = st.none() | st.text(max_size=3)
LISTS = st.none() | st.lists(st.none() | st.floats(0, 1), max_size=3)


@given(st.lists(st.tuples(VALUES, LISTS), max_size=4), st.lists(st.tuples(VALUES, LISTS), max_size=4))
def test_hashes_are_equal_exactly_when_the_rows_are(one: list[tuple[object, object]], other: list[tuple[object, object]]) -> None:
    schema: dict[str, pl.DataType | type[pl.DataType]] = {"name": pl.String, "p": pl.List(pl.Float64)}
    frames = [pl.DataFrame(each, schema=schema, orient="row") for each in (one, other)]
    assert (rows(frames[0]) == rows(frames[1])) == (repr(one) == repr(other))


def test_the_hash_of_rows_is_the_same_whatever_wrote_them(tmp_path: Path) -> None:
    tables.write(ASKED, PROMPTS, tmp_path / "polars.parquet")
    pq.write_table(ASKED.with_columns(pl.col(pl.Enum).cast(pl.String)).to_arrow(), tmp_path / "arrow.parquet")
    assert rows_of(tmp_path / "polars.parquet") == rows_of(tmp_path / "arrow.parquet") == rows(ASKED)


def test_the_hash_is_the_same_in_every_run() -> None:
    schema: dict[str, pl.DataType | type[pl.DataType]] = {"name": pl.String, "p": pl.List(pl.Float64), "n": pl.Int32}
    assert rows(pl.DataFrame({"name": ["a", None], "p": [[0.5], []], "n": [1, 2]}, schema)) == "c5272d51521f053c44eeac70e3c0263d"


def test_every_writer_leaves_a_note_of_its_rows(tmp_path: Path) -> None:
    told = Made(stage="generate", code="c", inputs={"prompts": "i"}, parameters={"seed": "s"})
    shown = factories.images(ASKED)
    tables.write(ASKED, PROMPTS, tmp_path / "prompts.parquet", told)
    pictures.write(shown.to_dicts(), IMAGES, tmp_path / "images.parquet", told)
    for name in ("prompts", "images"):
        note = noted(tmp_path / f"{name}.parquet")
        assert note and (note.table, note.rows, note.made) == (name, rows_of(tmp_path / f"{name}.parquet"), told)
    other = shown.with_columns(digest=pl.lit("0" * 32))
    assert rows(other) != rows(shown)


def test_a_shard_of_sources_names_its_pictures_and_neither_code_nor_parameters(tmp_path: Path) -> None:
    sources.write(annotated.sources(), tmp_path / "sources", stage="annotate")
    shards = tables.shards(tmp_path / "sources")
    assert shards
    for shard in shards:
        note = noted(shard)
        assert note and note.made and note.rows == rows_of(shard)
        assert (note.made.stage, note.made.code, note.made.parameters) == ("annotate", None, {})


def test_an_input_counts_by_its_rows_and_not_by_its_note(tmp_path: Path) -> None:
    """Else a new hash of code would run through all tables that are made of it."""
    for name in ("one", "other"):
        (tmp_path / name).mkdir()
        tables.write(ASKED, PROMPTS, tmp_path / name / "prompts.parquet", Made(stage="annotate", code=name))
    one, other = (tmp_path / name for name in ("one", "other"))
    assert (one / "prompts.parquet").read_bytes() != (other / "prompts.parquet").read_bytes()
    assert content(one / "prompts.parquet") == content(other / "prompts.parquet")
    assert content(one) == content(other)
    tables.write(ASKED.tail(-1), PROMPTS, other / "prompts.parquet")
    assert content(one) != content(other)


def test_other_files_count_by_their_bytes_and_names(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text("a")
    before = content(tmp_path)
    (tmp_path / "a.yaml").write_text("b")
    assert content(tmp_path) != before
    assert content(tmp_path / "absent") == content(tmp_path / "gone") != content(tmp_path)


def test_what_makes_a_table_holds_no_place_and_no_time(tmp_path: Path) -> None:
    (tmp_path / "code.txt").write_text("hash\nof rubrics\n")
    (tmp_path / "in").mkdir()
    settings = params.load()
    told = made.by("judge", tmp_path / "code.txt", {"in": tmp_path / "in"}, settings.told("judge.scale", "seed"))
    assert told == made.by("judge", tmp_path / "code.txt", {"in": tmp_path / "in"}, settings.told("judge.scale", "seed"))
    assert told.code == "hash of rubrics" and told.parameters.keys() == {"judge.scale", "seed"}
    assert str(tmp_path) not in told.model_dump_json()


def test_a_missing_hash_of_code_is_one_line(tmp_path: Path) -> None:
    with pytest.raises(TableError, match=r"absent\.txt.*dvc repro code"):
        made.by("judge", tmp_path / "absent.txt", {}, {})


@pytest.mark.parametrize("strange", ["{", '{"table": 3}', "[]"])
def test_a_note_of_somebody_else_is_none(strange: str, tmp_path: Path) -> None:
    ASKED.write_parquet(tmp_path / "prompts.parquet", metadata={KEY: strange})
    assert noted(tmp_path / "prompts.parquet") is None
    assert content(tmp_path / "prompts.parquet")
