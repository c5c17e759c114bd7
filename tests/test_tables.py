"""Tables: round trip, deterministic bytes, and a one-line error per defect."""

from pathlib import Path

import polars as pl
import pytest
from lines import names

from trig import tables
from trig.errors import TableError
from trig.tables import Table
from trig.tables.diagnostics import DIAGNOSTICS
from trig.tables.images import IMAGES
from trig.tables.prompts import PROMPTS as PROMPTS_TABLE
from trig.tables.relations import RELATIONS
from trig.tables.scores import SCORES
from trig.testing import factories

PROMPTS = factories.prompts()
WRITTEN = {
    "prompts": (PROMPTS, PROMPTS_TABLE),
    "images": (factories.images(PROMPTS), IMAGES),
    "scores": (tables.check(factories.scores(PROMPTS), SCORES, "scores"), SCORES),
    "diagnostics": (tables.check(factories.scores(PROMPTS), DIAGNOSTICS, "diagnostics"), DIAGNOSTICS),
    "relations": (factories.relations(), RELATIONS),
}
ALL = pytest.mark.parametrize(("frame", "table"), WRITTEN.values(), ids=WRITTEN)


def complaint(frame: pl.DataFrame, table: Table) -> str:
    with pytest.raises(TableError) as failed:
        tables.check(frame, table, "here.parquet")
    said = str(failed.value)
    assert said.startswith("here.parquet: ")
    assert len(said.splitlines()) == 1
    return said.removeprefix("here.parquet: ")


@ALL
def test_a_table_is_read_as_it_was_written(frame: pl.DataFrame, table: Table, tmp_path: Path) -> None:
    tables.write(frame, table, tmp_path / "deep" / "table.parquet")
    assert tables.read(tmp_path / "deep" / "table.parquet", table).equals(frame)


@ALL
def test_equal_tables_have_equal_bytes(frame: pl.DataFrame, table: Table, tmp_path: Path) -> None:
    again = pl.concat([frame.head(1), frame.tail(-1)]).select(reversed(frame.columns)).with_columns(extra=pl.lit(1))
    tables.write(frame, table, tmp_path / "one.parquet")
    tables.write(again, table, tmp_path / "other.parquet")
    assert (tmp_path / "one.parquet").read_bytes() == (tmp_path / "other.parquet").read_bytes()


@ALL
def test_a_table_that_does_not_pass_leaves_the_old_file(frame: pl.DataFrame, table: Table, tmp_path: Path) -> None:
    path = tmp_path / "table.parquet"
    tables.write(frame, table, path)
    before = path.read_bytes()
    with pytest.raises(TableError):
        tables.write(frame.drop(table.key[0]), table, path)
    assert path.read_bytes() == before
    assert [file.name for file in tmp_path.iterdir()] == ["table.parquet"]


@ALL
def test_a_folder_is_read_in_the_order_of_names(frame: pl.DataFrame, table: Table, tmp_path: Path) -> None:
    tables.write(frame.tail(-1), table, tmp_path / "b" / "rest.parquet")
    tables.write(frame.head(1), table, tmp_path / "a" / "first.parquet")
    assert tables.read(tmp_path, table).equals(frame)


@ALL
def test_each_missing_column_is_named(frame: pl.DataFrame, table: Table) -> None:
    for column in table.columns:
        assert complaint(frame.drop(column), table).startswith(f"column {column!r} of the {table.name} table is missing")


@ALL
def test_a_null_is_refused_where_a_value_must_be(frame: pl.DataFrame, table: Table) -> None:
    for column in table.columns:
        hollow = frame.with_columns(pl.when(pl.int_range(pl.len()) > 0).then(pl.col(column)).alias(column))
        if column in table.nullable:
            tables.check(hollow, table, "here")
        else:
            assert complaint(hollow, table).startswith(f"column {column!r} is null in 1 rows")


@ALL
def test_a_row_that_stands_twice_is_named(frame: pl.DataFrame, table: Table) -> None:
    twice = complaint(pl.concat([frame, frame.tail(1)]), table)
    assert twice.startswith("/".join(map(str, frame.select(table.key).row(-1))) + " stands in more than one row")


def test_some_columns_are_read_and_the_others_need_not_be_there(tmp_path: Path) -> None:
    frame, table = WRITTEN["scores"]
    some = table.only(("expected", "reason"))
    frame.drop("image_key").write_parquet(tmp_path / "scores.parquet")
    assert tables.read(tmp_path / "scores.parquet", some).equals(frame.select(*table.key, "expected", "reason"))
    with pytest.raises(TableError, match=names(tmp_path / "scores.parquet", "'image_key'", "scores", "`dvc repro`")):
        tables.read(tmp_path / "scores.parquet", table)
    frame.drop("expected").write_parquet(tmp_path / "scores.parquet")
    with pytest.raises(TableError, match=names(tmp_path / "scores.parquet", "'expected'", "scores", "`dvc repro`")):
        tables.read(tmp_path / "scores.parquet", some)


def test_a_score_that_is_not_a_number_is_refused() -> None:
    frame, table = WRITTEN["scores"]
    assert complaint(frame.with_columns(expected=pl.lit(float("nan"))), table).startswith("column 'expected' is NaN or infinite in")


def test_a_value_outside_its_type_is_refused() -> None:
    frame, table = WRITTEN["prompts"]
    assert complaint(frame.with_columns(pair=pl.lit("TA-C_TA-X")), table).startswith("column 'pair' does not hold Enum")


@pytest.mark.parametrize("name", ["nowhere.parquet", "."])
def test_a_missing_table_is_one_line(name: str, tmp_path: Path) -> None:
    with pytest.raises(TableError, match=names(tmp_path / name, "scores", "`dvc pull`")):
        tables.read(tmp_path / name, SCORES)


def test_a_damaged_file_is_one_line(tmp_path: Path) -> None:
    path = tmp_path / "scores.parquet"
    path.write_bytes(b"PAR1 and then nothing")
    with pytest.raises(TableError) as failed:
        tables.read(path, SCORES)
    assert str(failed.value).startswith(f"{path}: not a readable parquet file")
    assert len(str(failed.value).splitlines()) == 1
