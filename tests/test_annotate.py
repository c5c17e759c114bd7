"""Prompts are about both of their dimensions, fit the painter, and are kept apart."""

from pathlib import Path

import polars as pl
import pytest

from tinyworld.words import tokenizer
from trig import params, tables
from trig.annotate import compose, sources
from trig.annotate.quality import fits
from trig.errors import ParamsError, TableError
from trig.tables.prompts import PROMPTS, split
from trig.text import tokens
from trig.vocabulary.dimensions import Pair

CAPTIONS, SUB_PROMPTS = Path("data/captions.yaml"), Path("data/sub_prompts.yaml")


@pytest.fixture(scope="module")
def prompts() -> pl.DataFrame:
    settings = params.load()
    made = compose.prompts(sources.captions(CAPTIONS), sources.sub_prompts(SUB_PROMPTS), settings.annotate, settings.seed)
    return tables.check(made, PROMPTS, "composed")


def test_every_subset_has_its_prompts(prompts: pl.DataFrame) -> None:
    settings = params.load().annotate
    counts = prompts.group_by("pair", "split").len()
    assert counts.height == 2 * 42
    assert set(counts.filter(pl.col("split") == "test")["len"]) == {settings.per_subset}
    assert set(counts.filter(pl.col("split") == "train")["len"]) == {settings.train_per_subset}


def test_the_painter_knows_every_word(prompts: pl.DataFrame) -> None:
    words = tokenizer(begin=False)
    assert not [prompt for prompt in prompts["prompt"] if words.unk_token_id in words(prompt).input_ids]


def test_the_splits_share_no_prompt_no_parent_and_no_caption(prompts: pl.DataFrame) -> None:
    test, train = (split(prompts, name) for name in ("test", "train"))
    for column in ("prompt", "parent", "source"):
        assert not set(test[column].drop_nulls()) & set(train[column].drop_nulls())


def test_copies_are_word_for_word_and_share_their_key(prompts: pl.DataFrame) -> None:
    copies = prompts.filter(pl.col("parent").is_not_null())
    parents = copies.join(prompts, left_on="parent", right_on="data_id", suffix="_of_parent")
    assert parents.height == copies.height > 0
    assert (parents["prompt"] == parents["prompt_of_parent"]).all()
    assert (parents["key"] == parents["key_of_parent"]).all()


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("TA-S_TA-C: IQ-R_TA-C", "copies: TA-S_TA-C: write the pair as TA-C_TA-S"),
        ("TA-C_TA-S: IQ-R_TA-X", "copies: dimension: 'TA-X' is unknown"),
        ("TA-C_TA-S: TA-C_TA-R\n  TA-C_TA-R: IQ-R_TA-C", "copies: TA-C_TA-S: copies TA-C_TA-R, which is a copy itself"),
    ],
)
def test_a_copy_of_nothing_is_one_line(line: str, said: str, tmp_path: Path) -> None:
    text = SUB_PROMPTS.read_text("utf-8")
    (tmp_path / "s.yaml").write_text(f"{text[: text.index('copies:')]}copies:\n  {line}\n", "utf-8")
    with pytest.raises(TableError, match=said):
        sources.sub_prompts(tmp_path / "s.yaml")


def test_one_subset_more_leaves_the_others_as_they_are() -> None:
    settings = params.load()
    read = sources.captions(CAPTIONS), sources.sub_prompts(SUB_PROMPTS)
    few, more = (
        compose.prompts(*read, settings.annotate.model_copy(update={"per_subset": count, "train_per_subset": 0}), settings.seed)
        for count in (3, 5)
    )
    kept = more.filter(pl.col("data_id").is_in(few["data_id"].to_list()) & pl.col("parent").is_null())
    assert kept.equals(few.filter(pl.col("parent").is_null()))


def test_two_subjects_stand_side_by_side() -> None:
    read = sources.sub_prompts(SUB_PROMPTS).dimensions
    pair = Pair.parse("D-K_R-B")
    caption = sources.Caption(subject="a red ball", other="a blue tree", place="at night")
    prompt, _ = compose.sentence(caption, read[pair.x], read[pair.y], ("the thing that sails", "a nurse"), company=True)
    assert prompt == "the thing that sails and a nurse at night"


def test_too_few_sources_are_said_so() -> None:
    settings = params.load()
    few = sources.captions(CAPTIONS)[:5]
    with pytest.raises(ParamsError, match=r"annotate: t2i .* no more than \d+ different test prompts"):
        compose.prompts(few, sources.sub_prompts(SUB_PROMPTS), settings.annotate, settings.seed)


def test_quality_wants_both_dimensions_and_a_length() -> None:
    assert tokens("a red ball, lifelike") == 5
    assert fits("a photo of a ball", ("a photo of", ""), (True, False), 5)
    assert not fits("a photo of a ball", ("a photo of", ""), (True, True), 5)
    assert not fits("a photo of a ball", ("a sketch of", ""), (True, False), 5)
    assert not fits("a photo of a ball", ("a photo of", ""), (True, False), 4)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("- {subject: a ball}", "0.other"),
        ("- {subject: a ball, other: a box, place: here, colour: red}", "0.colour"),
        ("a: [", "not readable as YAML"),
        ('- {subject: "  ", other: a box, place: here}', "0.subject: '  ' is blank; write words"),
        ('- {subject: a ball, other: " a box", place: here}', "0.other: ' a box' begins or ends with a blank"),
        ('- {subject: a ball, other: a box, place: "\t"}', "0.place: .* is blank"),
        ('- {subject: "\\u200b", other: a box, place: ""}', "0.subject: .* is blank"),
        ("- {subject: a ball, other: a box, place: here}\n" * 2, "1: the same caption as 0; keep one"),
    ],
)
def test_a_bad_caption_is_named(tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / "captions.yaml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(TableError, match=message) as error:
        sources.captions(path)
    assert str(path) in str(error.value)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("      - above\n", '      - " "\n', r"dimensions\.TA-R\.phrases\.2: ' ' is blank"),
        ("      - above\n", '      - ""\n', r"dimensions\.TA-R: phrases: one is empty, and the dimension is not optional"),
        ("      - above\n", "      - Below\n", r"dimensions\.TA-R\.phrases: 'Below' stands twice"),
        ("IQ-A_TA-S: IQ-R_TA-S", "IQ-A_TA-S: IQ-R_D-K", r"copies: IQ-A_TA-S: copies IQ-R_D-K, with which it shares no dimension"),
    ],
)
def test_sub_prompts_that_bring_nothing_in_are_named(old: str, new: str, said: str, tmp_path: Path) -> None:
    text = SUB_PROMPTS.read_text("utf-8")
    assert old in text
    (tmp_path / "s.yaml").write_text(text.replace(old, new), "utf-8")
    with pytest.raises(TableError, match=said):
        sources.sub_prompts(tmp_path / "s.yaml")


def test_a_folder_where_captions_should_be_is_one_line_and_a_byte_order_mark_is_none(tmp_path: Path) -> None:
    with pytest.raises(TableError, match=r"it cannot be read \(Is a directory\)"):
        sources.captions(tmp_path)
    (tmp_path / "captions.yaml").write_bytes(b"\xef\xbb\xbf" + CAPTIONS.read_bytes())
    assert sources.captions(tmp_path / "captions.yaml") == sources.captions(CAPTIONS)
