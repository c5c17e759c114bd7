"""Prompts are about both of their dimensions, fit the painter, are kept apart, and depend on the ids of what they are made of."""

import shutil
from collections.abc import Callable
from pathlib import Path

import polars as pl
import pytest
from lines import names

from tinyworld.words import tokenizer
from trig import params, tables
from trig.annotate.benchmark import Benchmark, benchmark
from trig.annotate.compose import Composer
from trig.annotate.material import material
from trig.annotate.pool import seen
from trig.errors import TableError
from trig.params.annotate import Annotate
from trig.tables.funnel import Why
from trig.tables.prompts import PROMPTS, split
from trig.tables.rejected import REJECTED
from trig.tables.sources import SOURCES
from trig.vocabulary.dimensions import SUBSETS, Dimension, Pair, Task

TINY, REVIEW = Path("material/tiny"), Path("data/review")


def settings(**changes: object) -> Annotate:
    """As shipped, for text-to-image alone, unless it is said."""
    return params.load().annotate.model_copy(update={"tasks": ["t2i"], "per_subset": 32, "train_per_subset": 32} | changes)


def made(folder: Path = TINY, sources: Path = TINY / "sources", **changes: object) -> Benchmark:
    return benchmark(folder, sources, REVIEW, settings(**changes), 42, None, lambda _, steps: list(steps))


@pytest.fixture(scope="module")
def found() -> Benchmark:
    return made(tasks=["t2i", "p2p", "s2p"], per_subset=12, train_per_subset=4, max_tokens=30)


@pytest.fixture(scope="module")
def tiny() -> Benchmark:
    return made()


def test_the_tables_are_sound(found: Benchmark) -> None:
    tables.check(found.prompts, PROMPTS, "prompts")
    tables.check(found.rejected, REJECTED, "rejected")
    tables.check(found.sources, SOURCES, "sources")
    assert set(found.sources["source"]) == set(found.prompts["source"].drop_nulls())


def test_every_subset_of_the_default_run_has_its_prompts() -> None:
    shipped = params.load().annotate
    found = benchmark(TINY, TINY / "sources", REVIEW, shipped, 42, None, lambda _, steps: list(steps)).prompts
    counts = {
        (task, split): set(own["len"]) for (task, split), own in found.group_by("task", "pair", "split").len().group_by("task", "split")
    }
    assert found.select("task", "pair").unique().height == len(SUBSETS)
    wanted = {(task.value, split): {each(task)} for task in Task for split, each in (("test", shipped.even), ("train", shipped.spare))}
    assert counts == {place: sizes for place, sizes in wanted.items() if sizes != {0}}


def test_the_painter_knows_every_word(found: Benchmark) -> None:
    words = tokenizer(begin=False)
    assert not [prompt for prompt in found.prompts["prompt"] if words.unk_token_id in words(prompt).input_ids]


def test_the_splits_share_no_prompt_no_caption_and_no_picture(found: Benchmark) -> None:
    for _, own in found.prompts.group_by("task"):
        test, train = (split(own, name) for name in ("test", "train"))
        assert train.height
        for column in ("prompt", "caption", "source"):
            if column != "prompt" or own["task"][0] == "t2i":
                assert not set(test[column].drop_nulls()) & set(train[column].drop_nulls())


def test_copies_are_word_for_word_and_share_their_key(tiny: Benchmark) -> None:
    copies = tiny.prompts.filter(pl.col("route") == "copy")
    parents = copies.join(tiny.prompts, left_on="parent", right_on="data_id", suffix="_of_parent")
    assert parents.height == copies.height > 0
    for column in ("prompt", "key", "caption", "annotator"):
        assert parents[column].equals(parents[f"{column}_of_parent"], check_names=False)


def test_a_task_says_nothing_twice_but_what_is_declared(found: Benchmark) -> None:
    roots = found.prompts.filter(pl.col("route") != "copy")
    assert not roots.select("task", "prompt", "source").is_duplicated().any()


def test_an_edit_names_its_picture_and_a_subject_its_item(found: Benchmark) -> None:
    edits, subjects = (found.prompts.filter(pl.col("task") == task) for task in ("p2p", "s2p"))
    assert edits["source"].null_count() == subjects["source"].null_count() == subjects["item"].null_count() == 0
    items = dict(found.sources.select("source", "item").rows())
    assert subjects["item"].to_list() == [items[source] for source in subjects["source"]]
    assert all(items[source] is None for source in edits["source"])
    assert all(f"this {item}" in prompt for item, prompt in subjects.select("item", "prompt").rows())


def test_the_same_seed_gives_the_same_bytes_and_another_other_prompts(tmp_path: Path) -> None:
    same, other = made(per_subset=3), benchmark(TINY, TINY, REVIEW, settings(per_subset=3), 43, None, lambda _, steps: list(steps))
    tables.write(same.prompts, PROMPTS, tmp_path / "a")
    tables.write(made(per_subset=3).prompts, PROMPTS, tmp_path / "b")
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()
    assert not same.prompts["prompt"].equals(other.prompts["prompt"])


def test_more_prompts_leave_the_others_as_they_are() -> None:
    few, more = (made(per_subset=count, train_per_subset=0).prompts.filter(pl.col("parent").is_null()) for count in (3, 5))
    kept = more.join(few, on="data_id", suffix="_before")
    assert kept.height == few.height and (kept["prompt"] == kept["prompt_before"]).sum() >= 0.98 * few.height


@pytest.mark.parametrize("name", ["tiny", "general"])
def test_an_edited_caption_changes_the_prompts_made_of_it_and_no_others(name: str, tmp_path: Path) -> None:
    folder = tmp_path / name
    shutil.copytree(Path("material") / name, folder)
    changes: dict[str, object] = {"per_subset": 12, "train_per_subset": 3, "max_tokens": 100, "tasks": ["t2i", "s2p"]}
    if name == "general":  # in the tiny world edits of one another's words collide
        changes["tasks"] = ["t2i", "p2p", "s2p"]
    before = made(folder, folder / "sources", **changes).prompts
    edited = before["caption"].mode().sort()[0]
    text = (folder / "captions.yaml").read_text("utf-8")
    subject = material(folder, False).captions[edited].subject
    (folder / "captions.yaml").write_text(text.replace(f"{edited}: {{subject: {subject},", f"{edited}: {{subject: a golden kite,"), "utf-8")
    after = made(folder, folder / "sources", **changes).prompts
    both = before.join(after, on=["task", "data_id", "split"], suffix="_after", validate="1:1")
    changed = both.filter(pl.col("key") != pl.col("key_after"))
    assert both.height == before.height and changed.height > 0
    assert set(changed["caption"]) == {edited}


def test_too_little_material_is_said_and_what_there_is_goes_on(tmp_path: Path) -> None:
    folder = tmp_path / "few"
    shutil.copytree(TINY, folder)
    lines = (folder / "captions.yaml").read_text("utf-8").splitlines()
    (folder / "captions.yaml").write_text("\n".join(lines[:9]), "utf-8")
    short = made(folder)
    counts = short.prompts.filter(pl.col("split") == "test").group_by("pair").len()
    assert 0 < counts["len"].min() < 32  # type: ignore[operator]
    assert any(one.exhausted for one in short.funnel.subsets)
    assert all(one.accepted + len(one.given_up) == one.wanted for one in short.funnel.subsets)
    assert {each.why for one in short.funnel.subsets for each in one.given_up} == {Why.SUBSET, Why.PARENT}
    assert any("short of prompts" in note for note in short.notes())


def scene(pair: str, item: str | None = None) -> tuple[str, tuple[str, str]]:
    """The first draft of a pair."""
    row = {"subject": "the red ball", "other": "the blue box", "place": "on a beach", "item": item, "description": None}
    task = Task.T2I if item is None else Task.S2P
    drafts = (
        Composer(material(TINY, False), {each: {name: seen(row) for name in "abcdefgh"} for each in Task}, 1).draft(
            task, Pair.parse(pair), "test", slot, 0
        )
        for slot in range(1, 5)
    )
    draft = next(filter(None, drafts))
    return draft.prompt, draft.sub_prompts


def test_phrases_take_their_slots() -> None:
    prompt, (x, y) = scene("D-K_R-B")
    assert prompt.startswith(f"{x} and {y}")
    prompt, (x, y) = scene("TA-R_TA-S")
    assert prompt.startswith(y) and f" {x} " in prompt
    prompt, (x, y) = scene("IQ-R_IQ-A")
    assert x == "" and prompt.endswith(f", {y}")
    prompt, (x, y) = scene("D-K_R-B", "red ball")
    assert prompt.startswith(f"this red ball and {x} and {y}")


def test_toxic_phrases_come_only_where_they_are_allowed(tmp_path: Path) -> None:
    folder = tmp_path / "own"
    shutil.copytree(TINY, folder)
    (folder / "toxic.yaml").write_text("slot: other\noptional: false\nkinds:\n  more:\n    phrases:\n      saw: a red saw\n", "utf-8")
    without, with_ = (material(folder, allowed).phrases[Dimension.TOXICITY] for allowed in (False, True))
    assert [phrase.text for phrase in with_[len(without) :]] == ["a red saw"]
    with pytest.raises(TableError, match=names(TINY / "toxic.yaml", "docs/design/annotate.md")):
        material(TINY, True)


Edit = Callable[[str], str]


def put(old: str, new: str) -> Edit:
    def edit(text: str) -> str:
        assert old in text
        return text.replace(old, new, 1)

    return edit


@pytest.mark.parametrize(
    ("file", "edit", "said"),
    [
        ("captions.yaml", lambda text: text + "red-ball: {subject: a ball}\n", ("red-ball.other",)),
        ("captions.yaml", lambda text: text + "b: {subject: a, other: b, place: c, colour: red}\n", ("b.colour",)),
        ("captions.yaml", lambda _: "a: [", ("not readable as YAML",)),
        ("captions.yaml", lambda text: text + 'b: {subject: "  ", other: b}\n', ("b.subject", "blank")),
        ("captions.yaml", lambda text: text + 'b: {subject: " a", other: b}\n', ("b.subject", "begins or ends")),
        ("captions.yaml", lambda text: text + 'b: {subject: "\\u200b", other: b}\n', ("b.subject", "blank")),
        ("captions.yaml", lambda text: text + 'b: {subject: "a\\u202ec", other: b}\n', ("b.subject", "U+202E")),
        ("captions.yaml", lambda text: text + 'b: {subject: "<b>a</b>", other: b}\n', ("b.subject", "markup")),
        ("captions.yaml", lambda text: text + "b: {subject: " + "a " * 50_000 + "b, other: b}\n", ("b.subject", "100,001 characters")),
        ("captions.yaml", lambda text: text + "b: {subject: שלום, other: b}\n", ("captions.yaml: b", "right to left")),
        ("captions.yaml", lambda text: text + "b: {subject: a, other: b, kind: سلام}\n", ("b.kind", "right to left")),
        ("sub_prompts.yaml", put("above: above", "above: {text: above, edit: שלום}"), ("TA-R", "phrases.above", "right to left")),
        ("material.yaml", put("{phrase} {scene}", "{phrase} שלום {scene}"), ("slots.style.frames.of", "right to left")),
        ("material.yaml", put("add {thing} {phrase}", "ܫܠܡ {phrase}"), ("slots.relation.edits.add", "right to left")),
        ("material.yaml", put("{x} and {y}", "{x} ו {y}"), ("joins.clauses.and", "right to left")),
        ("material.yaml", lambda text: text + "items: {that: 'ߊ {item}'}\n", ("items.that", "right to left")),
        ("material.yaml", lambda text: text + "poses: {up: ހި}\n", ("poses.up", "right to left")),
        ("edits.yaml", put("add {thing}", "add ש {thing}"), ("thing", "right to left")),
        ("captions.yaml", lambda text: text + "b: {subject: 'a {x}', other: b}\n", ("b.subject", "{", "braces")),
        ("captions.yaml", lambda text: text + "b: {subject: a, other: b, kind: '}'}\n", ("b.kind", "}", "braces")),
        ("sub_prompts.yaml", put("above: above", "above: '{phrase} above'"), ("TA-R.kinds.spatial.phrases.above.text", "braces")),
        ("sub_prompts.yaml", put("above: above", "above: {text: above, edit: '{x}'}"), ("phrases.above.edit", "braces")),
        ("captions.yaml", lambda _: "", ("captions.yaml: None: ",)),
        ("captions.yaml", lambda _: "{}", ("captions.yaml: there is no caption",)),
        ("captions.yaml", lambda _: "captions: {}", ("captions.yaml: there is no caption",)),
        ("captions.yaml", lambda text: text + "B: {subject: a, other: b}\n", ("'B'", "[a-z0-9][a-z0-9-]*")),
        ("material.yaml", put("language: en", "language: xx"), ("language", "'xx'", "ISO 639-1")),
        ("material.yaml", put("language: en", "language: EN"), ("language", "'EN'")),
        ("material.yaml", put("name: tiny", "name: ../tiny"), ("../tiny", "[A-Za-z0-9]")),
        ("captions.yaml", lambda text: text + "b: {subject: '', other: b}\n", ("b.subject", "empty")),
        ("captions.yaml", lambda text: text + "B 1: {subject: a, other: b}\n", ("B 1",)),
        ("captions.yaml", lambda text: text + text.splitlines()[1].replace(":", "-2:", 1) + "\n", ("-2: the same caption as",)),
        ("sub_prompts.yaml", put("R-B:", "R-C:"), ("R-C",)),
        ("sub_prompts.yaml", lambda text: text[: text.index("R-B:")], ("R-B: missing",)),
        ("sub_prompts.yaml", put("above: above", 'above: ""'), ("TA-R", "empty")),
        ("sub_prompts.yaml", put("above: above", "above: Below"), ("TA-R", "below", "twice")),
        ("sub_prompts.yaml", put("slot: relation", "slot: beside"), ("TA-R", "beside is unknown")),
        ("sub_prompts.yaml", put("    spatial:\n", "    spatial:\n      with: [people]\n"), ("TA-R", "people")),
        ("material.yaml", put("{phrase} {scene}", "{phrase} {picture}"), ("slots.style.frames", "{picture}")),
        ("material.yaml", put("{phrase} {scene}", "of {scene}"), ("slots.style.frames", "{phrase}")),
        ("material.yaml", put("language: en", "language: English"), ("language", "English")),
        ("material.yaml", put("name: tiny", "name: ../tiny"), ("name", "../tiny")),
        ("routes.yaml", put("IQ-O_IQ-A: IQ-R_IQ-O", "IQ-A_IQ-O: IQ-R_IQ-O"), ("IQ-A_IQ-O: write the pair as IQ-O_IQ-A",)),
        ("routes.yaml", put("IQ-O_IQ-A: IQ-R_IQ-O", "IQ-O_IQ-A: TA-C_TA-R"), ("TA-C_TA-R", "copy itself")),
        ("routes.yaml", put("IQ-O_IQ-A: IQ-R_IQ-O", "IQ-O_IQ-A: TA-S_D-K"), ("IQ-O_IQ-A", "shares no dimension")),
        ("routes.yaml", put("IQ-O_IQ-A: IQ-R_IQ-O", "IQ-O_IQ-A: IQ-R_TA-X"), ("TA-X",)),
        ("edits.yaml", put("add {thing}", "add {scene}"), ("thing", "{scene}")),
        ("words.yaml", put("unsafe:", "unsave:"), ("unsave",)),
    ],
)
def test_a_bad_material_is_one_line(file: str, edit: Edit, said: tuple[str, ...], tmp_path: Path) -> None:
    shutil.copytree(TINY, tmp_path / "own")
    path = tmp_path / "own" / file
    path.write_text(edit(path.read_text("utf-8")), "utf-8")
    with pytest.raises(TableError) as error:
        material(tmp_path / "own", False)
    assert str(path) in str(error.value) and "\n" not in str(error.value) and len(str(error.value)) < 400
    for each in said:
        assert each in str(error.value)


def test_a_material_without_a_file_is_one_line(tmp_path: Path) -> None:
    with pytest.raises(TableError, match=names(tmp_path / "material.yaml", "docs/design/annotate.md")):
        material(tmp_path, False)


def test_a_material_may_run_from_right_to_left(tmp_path: Path) -> None:
    shutil.copytree(TINY, tmp_path / "own")
    (tmp_path / "own/captions.yaml").write_text("a: {subject: ילדה, other: סירה}\nb: {subject: חתול LED, other: כיסא}\n", "utf-8")
    path = tmp_path / "own/edits.yaml"
    path.write_text(put("add {thing}", "הוסף {thing}")(path.read_text("utf-8")), "utf-8")
    assert set(material(tmp_path / "own", False).captions) == {"a", "b"}
