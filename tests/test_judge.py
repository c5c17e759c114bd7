"""Judge: scores equal the softmax of the logits, failures are nulls with a reason, answers are cached."""

import json
import re
from collections.abc import Collection, Iterable, Iterator
from importlib.metadata import version
from io import BytesIO
from math import exp, inf, log
from pathlib import Path

import polars as pl
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from lines import names
from PIL import Image
from transformers import AutoModelForImageTextToText, AutoProcessor

from trig import params, tables
from trig.backends import engines
from trig.backends.checkpoint import reserved
from trig.backends.judges.transformers import Transformers
from trig.errors import JudgeError, LabelError, TableError, WeightsError
from trig.judge import run as judging
from trig.judge.album import Album
from trig.judge.ask import answer
from trig.judge.byhand import Rater
from trig.judge.cache import ANSWERS
from trig.judge.labels import labels
from trig.judge.pictures import fit, size, within
from trig.judge.rating import rate, ratings
from trig.judge.rubrics import rubrics
from trig.judge.samples import Sample, samples
from trig.params.judge import Judging
from trig.protocols.judge import Answer, Labels, Question
from trig.protocols.refusal import Refusal
from trig.scales import SCALES, Scale
from trig.store import Store
from trig.tables.diagnostics import DIAGNOSED
from trig.tables.prompts import numbered, split
from trig.tables.scores import SCORES
from trig.testing import factories
from trig.testing.glib import Glib
from trig.vocabulary.dimensions import Dimension, Pair, Task

SCALE = SCALES["paper"]


@pytest.fixture(scope="module")
def judge() -> Transformers:
    return Transformers("tiny", params.load().judges["tiny"].needs, 8)


def question(seed: int, prompt: str = "a red ball in a meadow", dimension: Dimension = Dimension.CONTENT) -> Question:
    return Question(factories.png(seed, 64, 64), prompt, rubrics("brief", Task.T2I, SCALE.grades)[dimension])


INPUTS = Path(__file__).parent / "inputs"


@pytest.fixture(scope="module")
def inputs(judge: Transformers) -> dict[str, float | None]:
    """S of TA-R of the pictures in tests/inputs."""
    settings, files = params.load().judge, sorted((INPUTS / "pictures").iterdir())
    prompt = (INPUTS / "prompt.txt").read_text("utf-8").strip()
    rows = Rater(judge, settings).score([Sample(file, prompt) for file in files], [Dimension.RELATION])
    return dict(zip((file.name for file in files), rows["expected"], strict=True))


SHOWN = {"upright.png": ("sideways-6.jpg", "sideways-8.webp", "turned-3.png"), "cutout-on-white.png": ("cutout-rgba.png",)}
"""A picture, and others that a viewer shows like it."""


@pytest.mark.parametrize(("plain", "name"), [(plain, name) for plain, names in SHOWN.items() for name in names])
def test_a_turned_or_transparent_picture_scores_as_a_viewer_shows_it(plain: str, name: str, inputs: dict[str, float | None]) -> None:
    assert inputs[name] == pytest.approx(inputs[plain], abs=0.01)


def test_what_is_shown_right_scores_high_and_what_lacks_its_ground_low(inputs: dict[str, float | None]) -> None:
    right, wrong = inputs["upright.png"], inputs["cutout-on-white.png"]
    assert right is not None and wrong is not None and right > 0.9 and wrong < 0.2


def test_a_grey_picture_with_transparency_scores_as_it_does_on_white(inputs: dict[str, float | None]) -> None:
    assert inputs["cutout-la.png"] == inputs["cutout-la-on-white.png"] is not None


def test_a_prompt_with_a_reserved_word_is_a_null_with_its_reason_and_its_neighbours_are_scored(judge: Transformers) -> None:
    rows = Rater(judge, params.load().judge).score(samples(INPUTS / "tables" / "reserved.csv", None), [Dimension.RELATION])
    assert rows["expected"].is_null().to_list() == [False, True, False]
    assert rows["reason"][1] == "the text holds '<|image_pad|>', a word that the judge reserves; write it otherwise"


@pytest.mark.parametrize("word", ["<|im_end|>", "<|im_start|>", "<|vision_start|>", "<|endoftext|>", "<|video_pad|>"])
def test_every_reserved_word_is_refused_for_good(word: str, judge: Transformers) -> None:
    asked = [question(1), question(1, f"a ball {word} x"), question(2, "a ball <|unknown|> | > <")]
    said = dict(judge.ask(asked, labels(SCALE, judge.encode)))
    refused = said[1]
    assert isinstance(refused, Refusal) and refused.final and repr(word) in refused.reason
    assert isinstance(said[0], Answer) and isinstance(said[2], Answer)


def test_the_words_that_a_checkpoint_reserves_are_read_from_its_files(judge: Transformers, tmp_path: Path) -> None:
    assert reserved(Path(params.load().judges["tiny"].needs)) == judge.reserved >= {"<|image_pad|>", "<|im_end|>"}
    assert reserved(tmp_path) == frozenset() == reserved(Path(__file__))
    added = {"0": {"content": "<s>", "special": True}, "1": {"content": "<image>"}, "2": {"content": "ball"}}
    (tmp_path / "tokenizer_config.json").write_text(json.dumps({"added_tokens_decoder": added}))
    assert reserved(tmp_path) == {"<s>", "<image>"}
    (tmp_path / "tokenizer.json").write_text("torn")
    with pytest.raises(WeightsError, match=names(tmp_path / "tokenizer.json", "`dvc pull`")):
        reserved(tmp_path)


def test_a_question_longer_than_the_judge_reads_is_refused_for_good_and_disturbs_nobody(
    judge: Transformers, recwarn: pytest.WarningsRecorder
) -> None:
    asked = [question(1), question(1, "a red ball " * 1000), question(2)]
    said = dict(judge.ask(asked, labels(SCALE, judge.encode)))
    refused = said[1]
    assert isinstance(refused, Refusal) and refused.final
    assert re.fullmatch(r"the question has 30\d\d tokens, and the judge reads no more than 2048", refused.reason)
    assert (said[0], said[2]) == tuple(dict(judge.ask([asked[0], asked[2]], labels(SCALE, judge.encode))).values())
    assert not recwarn.list


def test_the_engine_names_every_library_and_is_in_the_key_only_where_that_is_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    place = params.load().judges["tiny"].needs
    now, keyed = Transformers("tiny", place, 8), Transformers("tiny", place, 8, engine_in_key=True)
    assert now.engine == f"transformers {version('transformers')}, torch {version('torch')}"
    monkeypatch.setattr(engines, "version", lambda name: f"{version(name)}.post1")
    later, keyed_later = Transformers("tiny", place, 8), Transformers("tiny", place, 8, engine_in_key=True)
    assert now.revision == later.revision and now.engine != later.engine
    assert len({now.revision, keyed.revision, keyed_later.revision}) == 3


def test_a_score_is_a_handwritten_softmax_over_the_checkpoints_logits(judge: Transformers) -> None:
    place = params.load().judges["tiny"].needs
    model, processor = AutoModelForImageTextToText.from_pretrained(place, dtype=torch.float32), AutoProcessor.from_pretrained(place)
    asked = question(1)
    text = (
        "<|im_start|>user\n<|vision_start|><|image_pad|><|vision_end|>Prompt: a red ball in a meadow\n"
        "Content: are the things and the place asked for there, with the right attributes?"
        " Answer with one word: Bad, Medium or Good.<|im_end|>\n<|im_start|>assistant\n"
    )
    inputs = processor(text=[text], images=[Image.open(BytesIO(asked.image))], return_tensors="pt")
    with torch.inference_mode():
        logits = model(**inputs).logits[0, -1].double()
    ids = [processor.tokenizer.convert_tokens_to_ids(grade) for grade in SCALE.grades]
    weights = [exp(float(logits[token] - logits.max())) for token in ids]
    p = [weight / sum(weights) for weight in weights]
    ((_, answer),) = judge.ask([asked], Labels(SCALE.grades, tuple((token,) for token in ids)))
    rating = rate(answer, 1.0, SCALE)
    assert rating.p == pytest.approx(p, abs=1e-5)
    assert rating.expected == pytest.approx(p[1] / 2 + p[2], abs=1e-5)
    assert rating.score_trig == pytest.approx(max(p) * (p[1] / 2 + p[2]), abs=1e-5)
    assert rating.off_mass == pytest.approx(1 - sum(float(logits.softmax(-1)[token]) for token in ids), abs=1e-5)


def test_a_score_does_not_depend_on_its_batch(judge: Transformers) -> None:
    asked = [
        question(seed, prompt, dimension)
        for seed, prompt in enumerate(("a ball", "a photo of a red ball in a meadow, lifelike"))
        for dimension in Dimension
    ]
    together = [rating.expected for rating in ratings(judge, asked, SCALE, 1.0)]
    alone = [ratings(judge, [each], SCALE, 1.0)[0].expected for each in asked]
    assert together == pytest.approx(alone, abs=1e-3)


def test_a_damaged_picture_is_refused_and_its_neighbours_are_not(judge: Transformers) -> None:
    broken = Question(factories.png(1, 64, 64)[:60], "a ball", "x")
    said = dict(judge.ask([question(1), broken, question(2)], labels(SCALE, judge.encode)))
    answers = [said[place] for place in range(3)]
    assert [type(answer) for answer in answers] == [Answer, Refusal, Answer]
    assert isinstance(answers[1], Refusal) and "cannot be decoded" in answers[1].reason


def test_questions_about_one_picture_share_their_beginning_and_nothing_else(judge: Transformers) -> None:
    """Against one forward pass per question, in orders with full, partial and no shared prefix."""
    pictures = [factories.png(seed, 64, 64) for seed in range(3)]
    prompts = ("a ball", "a photo of a red ball in a meadow, lifelike")
    whole = [
        Question(png, prompt, rubrics("brief", Task.T2I, SCALE.grades)[dimension])
        for png in pictures
        for prompt in prompts
        for dimension in Dimension
    ]
    for asked in (whole, whole[::7], whole[::-1][:13], whole[3:4]):
        with torch.inference_mode():
            shown = [[Image.open(BytesIO(file)).convert("RGB") for file in each.images] for each in asked]
            together = judge.forward.shared(judge.chat.shared(asked, shown))
            chats = [
                [
                    {
                        "role": "user",
                        "content": [*({"type": "image", "image": each} for each in pictures), {"type": "text", "text": one.text}],
                    }
                ]
                for one, pictures in zip(asked, shown, strict=True)
            ]
            alone = [
                judge.forward.model(
                    **judge.processor.apply_chat_template(
                        [chat], add_generation_prompt=True, tokenize=True, return_dict=True, return_tensors="pt"
                    )
                ).logits[0, -1]
                for chat in chats
            ]
        assert (together - torch.stack(alone).log_softmax(-1)).abs().max() < 1e-4


def test_an_answer_says_how_many_tokens_its_pictures_are(judge: Transformers) -> None:
    """Against the processor's own patch grid."""
    text, sides = rubrics("brief", Task.P2P, SCALE.grades)[Dimension.CONTENT], (64, 96, 48)
    large, other, source = (factories.png(side, side, 64) for side in sides)
    grids = judge.processor.image_processor(images=[Image.open(BytesIO(file)) for file in (large, other, source)], return_tensors="pt")
    cell = judge.processor.image_processor.merge_size**2
    first, second, third = (int(grid.prod()) // cell for grid in grids["image_grid_thw"])
    asked = [Question(large, "a ball", text), Question(other, "a ball", text, source), Question(other, "a ball", f"{text} ", source)]
    said = [answer for _, answer in sorted(judge.ask(asked, labels(SCALE, judge.encode)), key=lambda each: each[0])]
    assert len({first, second, third}) == 3
    told = [(each.picture_tokens, each.tokens) for each in said if isinstance(each, Answer)]
    assert [pictures for pictures, _ in told] == [first, second + third, second + third]
    assert all(pictures and tokens and pictures < tokens for pictures, tokens in told)


def test_a_picture_too_large_to_decode_is_refused(judge: Transformers, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 1000)
    ((_, answer),) = judge.ask([question(1)], labels(SCALE, judge.encode))
    assert isinstance(answer, Refusal) and "DecompressionBombError" in answer.reason


def test_torn_weights_are_one_line(tmp_path: Path) -> None:
    weights = Path(params.load().judges["tiny"].needs)
    for file in weights.iterdir():
        (tmp_path / file.name).write_bytes(file.read_bytes()[: 1000 if file.suffix == ".safetensors" else None])
    with pytest.raises(WeightsError, match=names("params.yaml: judges.x.weights", tmp_path, "transformers")):
        _ = Transformers("x", str(tmp_path), 8).forward


def test_a_judge_that_thinks_before_it_answers_is_refused_unless_it_can_do_without(tmp_path: Path) -> None:
    weights = Path(params.load().judges["tiny"].needs)
    for file in weights.iterdir():
        (tmp_path / file.name).symlink_to(file.absolute())
    template = tmp_path / "chat_template.jinja"
    usual = template.read_text("utf-8")
    template.unlink()
    begun = "<|im_start|>assistant\n"
    template.write_text(usual.replace(begun, f"{begun}<think>\n"), "utf-8")
    with pytest.raises(WeightsError, match=names("params.yaml: judges.x.weights", tmp_path, "thinking")):
        Transformers("x", str(tmp_path), 8)
    template.write_text(usual.replace(begun, begun + "{% if enable_thinking is not false %}<think>\n{% endif %}"), "utf-8")
    Transformers("x", str(tmp_path), 8)


@given(st.lists(st.floats(-30, 0), min_size=2, max_size=5))
def test_a_rating_obeys_its_equations(raw: list[float]) -> None:
    total = log(sum(map(exp, raw)) + 1e-9)
    rating = rate(Answer(tuple(each - max(0.0, total) for each in raw)), 1.0, Scale(tuple(map(str, range(len(raw))))))
    assert rating.p is not None and sum(rating.p) == pytest.approx(1)
    assert rating.expected is not None and 0 <= rating.expected <= 1
    assert rating.confidence == max(rating.p)
    assert rating.score_trig == pytest.approx(rating.confidence * rating.expected)


def test_a_sure_grade_is_its_own_score() -> None:
    sure = (log(1e-12), log(1e-12), log(1 - 1e-11))
    assert rate(Answer(sure), 0.5, SCALE).score_trig == pytest.approx(1)
    assert rate(Answer(sure[::-1]), 0.5, SCALE).score_trig == pytest.approx(0, abs=1e-9)


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (Answer((log(0.1), log(0.1), log(0.1))), "more than 50% of the answer's probability is on no grade"),
        (Answer((float("nan"), -1.0, -1.0)), "not numbers"),
        (Answer((1.0, -1.0, -1.0)), "not numbers"),
        (Answer((-float("inf"),) * 3), "none of the answer's probability is on a grade"),
        (Refusal("the wire was cut"), "the wire was cut"),
    ],
)
def test_what_cannot_be_scored_is_null_with_a_reason(answer: Answer | Refusal, reason: str) -> None:
    rating = rate(answer, 0.5, SCALE)
    assert rating.expected is None and rating.score_trig is None
    assert rating.reason is not None and reason in rating.reason


def test_a_grade_of_several_tokens_is_refused_by_name(judge: Transformers) -> None:
    with pytest.raises(LabelError, match=names("params.yaml: judge.scale", "'Terrible'", 4)):
        labels(Scale(("Terrible", "Good")), judge.encode)


def test_two_grades_with_one_token_are_refused() -> None:
    with pytest.raises(LabelError, match=names("params.yaml: judge.scale", "'Good'", "'good'")):
        labels(Scale(("Good", "good")), lambda text: [hash(text.strip().lower()) % 1000])


def test_spellings_of_a_grade_are_folded() -> None:
    vocabulary = {"Bad": 1, "bad": 2, " Bad": 3, "Good": 4}
    assert labels(Scale(("Bad", "Good")), lambda text: [vocabulary[text]] if text in vocabulary else [8, 9]).ids == ((1, 2, 3), (4,))


class Unwell:
    """Real judge that fails to answer the questions at places `cut`; counts questions."""

    def __init__(self, real: Transformers, cut: Collection[int] = ()) -> None:
        self.real, self.cut, self.asked = real, cut, 0
        self.revision, self.engine, self.dtype, self.encode = real.revision, real.engine, real.dtype, real.encode

    def ask(self, questions: Iterable[Question], labels: Labels) -> Iterator[tuple[int, Answer | Refusal]]:
        for place, said in self.real.ask(questions, labels):
            self.asked += 1
            yield place, Refusal("the wire was cut") if place in self.cut else said


class OffGrade(Glib):
    """On-grade answer half of the time."""

    def ask(self, questions: Iterable[Question], labels: Labels) -> Iterator[tuple[int, Answer | Refusal]]:
        for place, _ in super().ask(questions, labels):
            yield place, Answer((log(0.5), *[-inf] * (len(labels.grades) - 1)))


def painted(prompts: pl.DataFrame, images: pl.DataFrame | None = None, seeds: int = 1) -> judging.Painted:
    there = factories.images(prompts, seeds=seeds) if images is None else images
    return judging.Painted(numbered(prompts, seeds), factories.Drawings(), Album([factories.hashed(there)]))


def settings(**changes: object) -> Judging:
    return params.load().judge.model_copy(update={"batch_size": 8, "max_off_mass": 1.0, **changes})


def test_every_call_has_a_row_and_only_what_may_be_mended_is_asked_again(judge: Transformers, tmp_path: Path) -> None:
    prompts = split(factories.prompts(), "test")
    images = factories.images(prompts)
    broken = images["data_id"][0]
    struct = pl.struct(
        pl.when(pl.col("data_id") == broken).then(pl.lit(b"no picture")).otherwise(pl.col("image").struct["bytes"]).alias("bytes"),
        pl.col("image").struct["path"],
    )
    unwell = Unwell(judge, cut=(5, 9))
    with Store.open(tmp_path) as store:
        shown = painted(prompts, images.with_columns(image=struct))
        found = judging.calls(shown, judge.revision, settings())

        def scored() -> pl.DataFrame:
            list(answer(found, shown, unwell, store, settings()))
            return tables.check(judging.scores(found, store, "x", settings()), DIAGNOSED, "scores")

        first = scored()
        assert first.height == 2 * prompts.height == unwell.asked
        nulls = first.filter(pl.col("status") == "null")
        assert nulls["score_trig"].is_null().all() and nulls.filter(pl.col("data_id") == broken).height == 2
        assert sorted(nulls["reason"].str.slice(0, 16)) == ["the picture cann"] * 2 + ["the wire was cut"] * 2
        unwell.cut, unwell.asked = (), 0
        second = scored()
        assert unwell.asked == 2
        assert set(second.filter(pl.col("status") == "null")["data_id"]) == {broken}
        assert set(second["engine"].drop_nulls()) == {judge.engine} and set(second["dtype"].drop_nulls()) == {"float32"}


def test_too_many_questions_without_an_answer_stop_the_stage_and_lose_nothing(judge: Transformers, tmp_path: Path) -> None:
    prompts = split(factories.prompts(), "test")
    unwell = Unwell(judge, cut=range(9, 13))
    with Store.open(tmp_path) as store:
        shown = painted(prompts)
        found = judging.calls(shown, judge.revision, settings())
        with pytest.raises(JudgeError, match=names("params.yaml: judge.max_failures", 3, "4: the wire was cut")):
            list(answer(found, shown, unwell, store, settings(max_failures=3)))
        kept = len(store.known(ANSWERS, [call.key for call in found]))
        unwell.cut, unwell.asked = (), 0
        list(answer(found, shown, unwell, store, settings()))
        assert unwell.asked == len(found) - kept and kept >= 9


def test_too_many_stored_answers_without_a_grade_stop_the_next_run_too() -> None:
    prompts = split(factories.prompts(), "test")
    shown, glib = painted(prompts), OffGrade()
    with Store.passing() as store:
        found = judging.calls(shown, glib.revision, settings())
        for asked in (4, 4):
            with pytest.raises(JudgeError, match=names("params.yaml: judge.max_failures", 3, "4: ", "10%")):
                list(answer(found, shown, glib, store, settings(max_failures=3, max_off_mass=0.1)))
            assert len(glib.asked) == asked
        assert len(store.known(ANSWERS, [call.key for call in found])) == 4
        last = list(answer(found, shown, glib, store, settings(max_failures=len(found), max_off_mass=0.1)))[-1]
        assert (last.reused, last.computed) == (4, len(found) - 4)


def test_too_many_pictures_that_cannot_be_decoded_stop_the_next_run_too(judge: Transformers) -> None:
    prompts = split(factories.prompts(), "test")
    torn = pl.struct(pl.lit(b"no picture ").add(pl.col("data_id").cast(pl.Binary)).alias("bytes"), pl.col("image").struct["path"])
    shown, watched = painted(prompts, factories.images(prompts).with_columns(image=torn)), Unwell(judge)
    with Store.passing() as store:
        found = judging.calls(shown, judge.revision, settings())
        for asked in (4, 4):
            with pytest.raises(JudgeError, match=names("params.yaml: judge.max_failures", 3, "4: ", "UnidentifiedImageError")):
                list(answer(found, shown, watched, store, settings(max_failures=3)))
            assert watched.asked == asked


def test_the_judge_of_an_edit_sees_what_was_edited_unless_told_otherwise(judge: Transformers) -> None:
    prompts = split(factories.prompts([(Task.P2P, Pair.parse("IQ-R_TA-C"))]), "test")
    sent: list[list[tuple[bytes, ...]]] = []
    with Store.passing() as store:
        for which in ("source", "none"):
            glib, wanted = Glib(), settings(reference_image=which)
            list(answer(judging.calls(painted(prompts), "1", wanted), painted(prompts), glib, store, wanted))
            sent.append([question.images for question in glib.asked])
    assert [pictures[-1:] for pictures in sent[0]] == sent[1] and {len(pictures) for pictures in sent[0]} == {2}
    text = rubrics("brief", Task.P2P, SCALE.grades)[Dimension.CONTENT]
    first, second, other = factories.png(1, 64, 64), factories.png(2, 64, 64), factories.png(3, 64, 64)
    asked = [Question(first, "make it red", text, source) for source in (second, other, None)]
    together = [rating.p for rating in ratings(judge, asked, SCALE, 1.0)]
    assert len(set(together)) == 3
    assert together[1] == pytest.approx(ratings(judge, asked[1:2], SCALE, 1.0)[0].p, abs=1e-5)


def test_large_pictures_are_made_smaller_once_and_small_ones_are_left_alone() -> None:
    large, small = factories.png(1, 300, 100), factories.png(2, 64, 64)
    fitted = fit(large, 10_000)
    assert Image.open(BytesIO(fitted)).size == (173, 57) == within(size(large) or (0, 0), 10_000)
    assert fit(large, 10_000) == fitted == fit(fitted, 10_000)
    assert fit(small, 10_000) == small and size(small) == within((64, 64), 10_000)
    assert fit(b"no picture", 10_000) == b"no picture" and size(b"no picture") is None


def test_a_prompt_without_a_picture_is_named() -> None:
    prompts = split(factories.prompts(), "test")
    with pytest.raises(TableError, match=names("images", "t2i", "IQ-R_TA-C_4", "number 0", "`dvc repro`")):
        painted(prompts, factories.images(prompts).head(3))


def test_every_seed_of_a_prompt_has_its_row_and_a_missing_one_is_named(tmp_path: Path) -> None:
    prompts = split(factories.prompts(), "test")
    with Store.open(tmp_path) as store:
        three, one = (
            judging.judged(painted(prompts, seeds=n), Glib(), store, settings(), lambda _, steps: list(steps), "tiny") for n in (3, 1)
        )
    assert three.height == 3 * one.height and three.select(SCORES.key).is_unique().all()
    keys = three.select("image_key", "number").unique()
    assert keys.height == keys["image_key"].n_unique() == 3 * prompts.height
    images = factories.images(prompts, seeds=3)
    lost = images.filter((pl.col("data_id") != "IQ-A_TA-S_2") | (pl.col("number") != 1))
    with pytest.raises(TableError, match=names("images", "IQ-A_TA-S_2", "number 1")):
        painted(prompts, lost, 3)
    assert len(painted(prompts, images, 2)) == 2 * prompts.height, "a picture that is asked for no more is left alone"
