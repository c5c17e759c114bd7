"""Judge calls: cache keys, deduplication, prefetching and bounded memory."""

import time
import tracemalloc
from collections import deque
from collections.abc import Callable, Collection, Iterable, Iterator
from pathlib import Path

import lines
import polars as pl
import pytest
from PIL import ImageFile

from trig import params, tables
from trig.backends.judges.transformers import Transformers
from trig.errors import PictureError
from trig.judge.album import Album
from trig.judge.ask import answer
from trig.judge.cache import ANSWERS, REFUSALS
from trig.judge.calls import Call, Files, Gallery, Looked, Shown, call, look
from trig.judge.prefetch import AHEAD
from trig.judge.run import Painted, calls, scores
from trig.judge.samples import Pile, Sample
from trig.params.judge import Judging
from trig.protocols.judge import Answer, Labels, Question
from trig.protocols.refusal import Refusal
from trig.scales import SCALES
from trig.store import Progress, Store
from trig.tables.diagnostics import DIAGNOSED
from trig.tables.images import IMAGES
from trig.tables.prompts import numbered, split
from trig.tables.sources import Library
from trig.testing import factories
from trig.testing.glib import Glib
from trig.vocabulary.dimensions import Pair, Task

KILOBYTES = 120
"""Size of each picture of `shards`."""


def settings(**changes: object) -> Judging:
    return params.load().judge.model_copy(update={"batch_size": 8, "max_off_mass": 1.0, **changes})


def shards(folder: Path, count: int) -> Painted:
    """`count` pictures of noise, 200 × 200, in three files."""
    prompts = split(factories.prompts(per_subset=count // 3, train=1), "test")
    for (pair,), rows in factories.images(prompts, width=200, height=200).group_by("pair", maintain_order=True):
        tables.write(rows, IMAGES, folder / f"{pair}.parquet")
    return Painted(numbered(prompts, 1), Library(), Album.open(folder))


def run(found: list[Call], painted: Gallery, judge: Glib, store: Store, **changes: object) -> Progress:
    """Final progress."""
    return list(answer(found, painted, judge, store, settings(**changes)))[-1]


class Watched:
    """Gallery that counts reads."""

    def __init__(self, real: Gallery) -> None:
        self.real, self.given, self.altered = real, 0, real.altered

    def __len__(self) -> int:
        return len(self.real)

    def read(self, places: Collection[int]) -> Iterator[tuple[int, Files | Refusal]]:
        for each in self.real.read(places):
            self.given += 1
            yield each

    def looked(self) -> Iterator[tuple[int, Looked | Refusal]]:
        return self.real.looked()

    def names(self, place: int) -> tuple[str, str]:
        return self.real.names(place)


class Swapped:
    """Gallery in which a picture changes after the first read, like a folder still being written."""

    def __init__(self, real: Gallery, place: int, other: Files) -> None:
        self.real, self.place, self.other, self.altered = real, place, other, real.altered

    def __len__(self) -> int:
        return len(self.real)

    def read(self, places: Collection[int]) -> Iterator[tuple[int, Files | Refusal]]:
        for place, files in self.real.read(places):
            yield place, self.other if place == self.place else files

    def looked(self) -> Iterator[tuple[int, Looked | Refusal]]:
        return self.real.looked()

    def names(self, place: int) -> tuple[str, str]:
        return self.real.names(place)


@pytest.fixture
def decodes(monkeypatch: pytest.MonkeyPatch) -> list[object]:
    """One entry per decoded picture."""
    seen: list[object] = []
    usual = ImageFile.ImageFile.load

    def load(self: ImageFile.ImageFile) -> object:
        if self.tile:  # else already decoded
            seen.append(self)
        return usual(self)

    monkeypatch.setattr(ImageFile.ImageFile, "load", load)
    return seen


def test_a_picture_is_read_and_made_smaller_shortly_before_it_is_asked_about(tmp_path: Path, decodes: list[object]) -> None:
    watched = Watched(shards(tmp_path / "images", 90))
    with Store.open(tmp_path) as store:
        found = calls(shards(tmp_path / "images", 90), "1", settings(max_pixels=10_000))
        assert not decodes
        glib, most = Glib(), 0
        for _ in answer(found, watched, glib, store, settings(max_pixels=10_000, batch_size=1)):
            most = max(most, watched.given - len(glib.asked) // 2)
    assert 0 < most <= AHEAD + 1 and watched.given == 90 == len(decodes)


def test_memory_holds_a_few_pictures_and_not_the_table(tmp_path: Path) -> None:
    painted, forgetful = shards(tmp_path / "images", 240), Glib()
    forgetful.asked = deque(maxlen=1)
    list(painted.read([0]))  # warms up the imports of reading
    with Store.open(tmp_path) as store:
        tracemalloc.start()
        found = calls(painted, "1", settings())
        run(found, painted, forgetful, store)
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
    assert peak < 240 * KILOBYTES * 1024 / 6


def test_what_is_known_is_neither_read_nor_decoded_again(tmp_path: Path, decodes: list[object]) -> None:
    watched, small = Watched(shards(tmp_path / "images", 30)), {"max_pixels": 10_000}
    with Store.open(tmp_path) as store:
        found = calls(shards(tmp_path / "images", 30), "1", settings(**small))
        run(found[:20], watched, Glib(), store, **small)
        decodes.clear()
        watched.given = 0
        glib = Glib()
        assert run(found[:24], watched, glib, store, **small).reused == 20
        assert (len(glib.asked), watched.given, len(decodes)) == (4, 2, 2)
        run(found[:24], watched, glib, store, **small)
        assert (len(glib.asked), watched.given, len(decodes)) == (4, 2, 2)


@pytest.mark.parametrize("which", [0, 1])
def test_no_answer_about_another_picture_is_kept_under_a_key(which: int, tmp_path: Path) -> None:
    found = []
    for number in range(3):
        files = tmp_path / f"{number}.png", tmp_path / f"{number}-source.png"
        for place, file in enumerate(files):
            file.write_bytes(factories.png(2 * number + place, 64, 64))
        found.append(Sample(files[0], "make it red", Task.P2P, files[1]))
    pile, glib = Pile(found), Glib()
    before = next(files for _, files in pile.read([1]))
    swapped = Swapped(pile, 1, (factories.png(9), before[1]) if which == 0 else (before[0], factories.png(9)))
    wanted = [call({}, shown, "make it red", "rubric", glib.revision, settings()) for shown in look(swapped, settings())]
    with Store.open(tmp_path) as store:
        name = (found[1].image, found[1].source)[which]
        with pytest.raises(PictureError, match=lines.names(name, "changed")):
            run(wanted, swapped, glib, store)
        assert wanted[1].key not in store.known(ANSWERS, [each.key for each in wanted])
        assert run(wanted, pile, Glib(), store).done == 3


def test_a_pipeline_picture_that_changed_is_named_by_its_prompt(tmp_path: Path) -> None:
    painted = shards(tmp_path / "images", 3)
    swapped = Swapped(painted, 2, (factories.png(9), None))
    with (
        Store.open(tmp_path) as store,
        pytest.raises(PictureError, match=lines.names("images: t2i", "_1: ", "`dvc repro -f -s`", "`dvc repro`")),
    ):
        run(calls(painted, "1", settings()), swapped, Glib(), store)


def test_a_picture_in_several_subsets_is_read_once_and_its_questions_stand_together(tmp_path: Path) -> None:
    """One prompt and picture in two subsets: four rows, of which two are the same question."""
    prompts = factories.prompts([(Task.T2I, Pair.parse(name)) for name in ("IQ-R_TA-C", "TA-C_TA-S")], 3, 1)
    copies = split(prompts, "test").with_columns(prompt=pl.lit("a ball ") + pl.col("data_id").str.slice(-1))
    images = factories.images(copies)
    equal = pl.concat([images["image"].head(3)] * 2)
    painted = Watched(
        Painted(numbered(copies, 1), Library(), Album([images.with_columns(image=equal, digest=pl.concat([images["digest"].head(3)] * 2))]))
    )
    glib = Glib()
    with Store.open(tmp_path) as store:
        found = calls(
            Painted(
                numbered(copies, 1), Library(), Album([images.with_columns(image=equal, digest=pl.concat([images["digest"].head(3)] * 2))])
            ),
            "1",
            settings(),
        )
        assert len(found) == 12 and run(found, painted, glib, store).total == 9
        by_prompt = sorted(glib.asked, key=lambda one: one.prompt)
        assert [glib.asked.index(question) // 3 for question in by_prompt] == [0, 0, 0, 1, 1, 1, 2, 2, 2]
        assert painted.given == 3
        table = tables.check(scores(found, store, "1", settings()), DIAGNOSED, "scores")
    both = table.filter(pl.col("dimension") == "TA-C").sort("data_id")["expected"].to_list()
    assert both[:3] == both[3:]


def test_a_key_is_of_the_file_and_of_the_size_in_which_it_is_sent(tmp_path: Path) -> None:
    painted = shards(tmp_path / "images", 3)
    (first, other, _) = (each.shown for each in calls(painted, "1", settings())[::2])

    def key(shown: Shown, prompt: str = "a ball", revision: str = "1", **changes: object) -> str:
        return call({}, shown, prompt, "rubric", revision, settings(**changes)).key

    def small(pixels: int) -> Shown:
        return next(shown for shown in look(painted, settings(max_pixels=pixels)) if shown.index == first.index)

    others = [key(other), key(first, "a box"), key(first, revision="2"), key(first, scale=SCALES["acr"])]
    keys = [key(first), *others, key(small(10_000)), key(small(5_000))]
    assert len(set(keys)) == len(keys)
    assert key(small(200 * 200)) == key(first) == key(small(10**6)), "a picture that is small enough is the same whatever the limit"


def test_the_size_as_sent_is_in_the_scores(tmp_path: Path) -> None:
    painted = shards(tmp_path / "images", 3)
    with Store.open(tmp_path) as store:
        glib, found = Glib(), calls(painted, "1", settings(max_pixels=10_000))
        run(found, painted, glib, store, max_pixels=10_000)
        table = scores(found, store, "1", settings(max_pixels=10_000))
    sent = {(question.image[16:20], question.image[20:24]) for question in glib.asked}  # width and height in the PNG header
    assert sent == {((100).to_bytes(4, "big"),) * 2}
    assert set(table.select("judged_width", "judged_height").rows()) == {(100, 100)}


def test_a_picture_is_decoded_once_for_all_its_questions(decodes: list[object], tmp_path: Path) -> None:
    prompts = split(factories.prompts(per_subset=1, train=1), "test")
    painted = Painted(numbered(prompts, 1), Library(), Album([factories.images(prompts, width=64, height=64)]))
    judge = Transformers("tiny", params.load().judges["tiny"].needs, 40)
    with Store.open(tmp_path) as store:
        found = calls(painted, judge.revision, settings(dimensions="all"))
        list(answer(found, painted, judge, store, settings()))
    assert (len(found), len(decodes)) == (30, 3)


class Refusing(Glib):
    """Refuses every question for good; calls `look` before each."""

    def __init__(self, look: Callable[[], object]) -> None:
        super().__init__()
        self.look = look

    def ask(self, questions: Iterable[Question], _: Labels) -> Iterator[tuple[int, Answer | Refusal]]:
        for place, _question in enumerate(questions):
            self.look()
            yield place, Refusal("flagged", final=True)


def test_refusals_are_kept_in_batches_and_spared_by_a_prune_as_long_as_runs_rely_on_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    painted = shards(tmp_path / "images", 12)
    found = calls(painted, "1", settings())
    with Store.open(tmp_path) as store, Store.open(tmp_path) as other:
        kept: list[int] = []
        for _ in answer(found, painted, Refusing(lambda: kept.append(rows(other))), store, settings(batch_size=8, max_failures=100)):
            pass
        assert rows(other) == len(found) == 24 and kept[-1] == 16
        later = time.time() + 1000
        monkeypatch.setattr("trig.store.time.time", lambda: later)
        glib = Glib()
        run(found, painted, glib, store, max_failures=100)
        assert store.prune(500) == 0 and glib.asked == []


def rows(store: Store) -> int:
    return sum(shelf.rows for name, shelf in store.size().items() if name == REFUSALS)
