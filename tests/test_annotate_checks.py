"""Lexical checks of drafts: what they refuse, with a reason, and what they let pass."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trig.annotate.checks import Checks, Looked
from trig.annotate.checks.forms import alike
from trig.annotate.checks.lexicon import Lexicon
from trig.annotate.draft import Draft
from trig.params.annotate import Annotate
from trig.tables.rejected import CHECKS
from trig.text.words import words
from trig.vocabulary.dimensions import Pair, Task

SETTINGS = Annotate(
    material="material/general",
    sources="material/general/sources",
    tasks=["t2i"],
    profile="even",
    per_subset=1,
    train_per_subset=0,
    max_tokens=80,
    near_duplicate=0.9,
    annotator=None,
    review="review",
    allow_toxic=False,
)
BETRAYING = ("realistic evaluation", "benchmark", "judge", "test set", "dataset")
UNSAFE = ("kill", "gore", "drug abuse")
KNOWN = ("a girl flying a kite", "a waiter in a room", "an oil painting", "the Eiffel Tower", "café", "on a windy beach")
ENGLISH = Checks(SETTINGS, "en", BETRAYING, UNSAFE, KNOWN)
DRAFT = Draft(Task.T2I, Pair.parse("TA-C_TA-S"), "test", 1, 0, "An oil painting of a girl flying a kite", ("", "an oil painting"), "kite")


def composed(prompt: str, one: str = "", other: str = "") -> Looked:
    """Verdicts on a prompt that was combined from the material."""
    return ENGLISH.look(replace(DRAFT, prompt=prompt, sub_prompts=(one, other)))


def written(prompt: str, one: str = "", other: str = "", checks: Checks = ENGLISH, pair: str = "TA-C_TA-S") -> Looked:
    """Verdicts on a prompt that a language model wrote."""
    return checks.look(replace(DRAFT, prompt=prompt, sub_prompts=(one, other), annotator="gpt", pair=Pair.parse(pair)))


def test_a_good_draft_passes_in_the_order_of_the_checks() -> None:
    looked = ENGLISH.look(DRAFT)
    assert looked.passed and looked.reason == ""
    assert [name for name in CHECKS if name in looked.verdicts] == list(looked.verdicts)
    assert looked.verdicts == {
        "length": True,
        "language": None,
        "readable": True,
        "shown": True,
        "plain": True,
        "private": True,
        "safe": True,
    }


def test_no_check_is_made_after_the_first_that_failed() -> None:
    looked = written("a <b>girl</b> at me@example.com with a benchmark")
    assert looked.failed == "readable" and list(looked.verdicts) == ["length", "language", "readable"]
    assert looked.verdicts["readable"] is False


@pytest.mark.parametrize("prompt", ["", "  \t", "\u200b\u200d", "\u202e"])
def test_blank_is_no_prompt(prompt: str) -> None:
    assert (composed(prompt).failed, composed(prompt).reason) == ("length", "is blank")


def test_too_long_is_counted_in_words_and_marks() -> None:
    assert composed("word, " * 40).failed != "length"
    assert composed("word, " * 41).reason == "has 82 words and marks, more than 80"


@pytest.mark.parametrize(
    "prompt", ["x" * 100_000, "word " * 20_000, "\N{CJK UNIFIED IDEOGRAPH-72D7}" * 100_000, "a" * 50_000 + "." + "b" * 50_000]
)
def test_a_hundred_thousand_letters_are_refused_with_a_short_reason(prompt: str) -> None:
    for looked in (composed(prompt), written(prompt)):
        assert not looked.passed and len(looked.reason) < 200


@pytest.mark.parametrize(
    ("prompt", "reason"),
    [
        ("Une infirmière boit du thé dans une petite cuisine", "looks like language 'fr'"),
        ("Una niña volando una cometa en una playa ventosa", "looks like language 'es'"),
        ("Ein Mädchen lässt am windigen Strand einen Drachen steigen", "looks like language 'de'"),
        ("Девочка запускает змея на пляже", "CYRILLIC"),
        ("一个女孩在海滩上放风筝", "CJK"),
        ("فتاة تطير طائرة ورقية على الشاطئ", "ARABIC"),
        ("A girl flying a kite 在海滩上", "CJK"),
    ],
)
def test_a_model_that_answers_in_another_language_is_refused(prompt: str, reason: str) -> None:
    looked = written(prompt)
    assert looked.failed == "language" and reason in looked.reason


@pytest.mark.parametrize(
    "prompt",
    [
        "Two dogs running across a wet field at dawn",
        "A red ball beside a blue umbrella at night",
        "Redraw the whole picture as an ukiyo-e print",
        "A bowl of ramen on a marble counter",
        "A waiter in a café carries a crème brûlée",
        "A tram climbing a steep street in the rain, seen from above",
    ],
)
def test_plain_english_passes_with_foreign_words_in_it(prompt: str) -> None:
    assert written(prompt).passed, written(prompt).reason


def test_another_language_is_another_material() -> None:
    spanish = Checks(SETTINGS, "es", ("evaluación",), ("matar",), ("una niña en una playa ventosa",))
    assert written("Una enfermera bebiendo té en una cocina pequeña", checks=spanish).passed
    assert written("A nurse drinking tea in a small kitchen", checks=spanish).failed == "language"
    chinese = Checks(SETTINGS, "zh", ("评估",), ("杀",), ("一个女孩在海滩上放风筝",))
    assert written("一个穿T恤的女孩在海滩上放风筝", checks=chinese).passed
    assert written("A nurse drinking tea in a small kitchen", checks=chinese).failed == "language"
    assert written("一个女孩在海滩上评估风筝的飞行", checks=chinese).failed == "plain"


def test_a_language_that_no_model_knows_is_told_by_its_letters_only() -> None:
    invented = Checks(SETTINGS, "xx", (), (), ("ᏣᎳᎩ",))
    assert written("ᏣᎳᎩ ᎦᏬᏂᎯᏍᏗ", checks=invented).passed
    assert written("the girl", checks=invented).failed == "language"


@pytest.mark.parametrize(
    ("prompt", "reason"),
    [
        ("A girl \u202eflying a kite", "U+202E"),
        ("A girl\u2066 flying a kite", "U+2066"),
        ("A girl \u200bflying a kite", "U+200B"),
        ("A girl\nflying a kite", "U+000A"),
        ("A girl\x00flying a kite", "U+0000"),
        ("A girl \ud800flying a kite", "U+D800"),
        ("A girl \ue000flying a kite", "U+E000"),
        ("A girl 😀 flying a kite", "U+1F600"),
        ("A girl 👍🏽 flying a kite", "U+1F44D"),
        ("A girl flying a kite \u2764\ufe0f", "U+2764"),
        ("A girl \ufffd flying a kite", "U+FFFD"),
        ("A girl <i>flying</i> a kite", "holds markup"),
        ("A **girl** flying a kite", "holds markup"),
        ("A {subject} flying a kite", "holds markup"),
        ("A girl &amp; a kite", "holds markup"),
        ("1. A girl flying a kite", "holds markup"),
        ("- A girl flying a kite", "holds markup"),
        ("# A girl", "holds markup"),
        ("A girl on https://example.com", "an address"),
        ("A girl on www.example.com", "an address"),
        ("A girl, write to girl@example.com", "an address"),
        ("A girl by @painter", "an address"),
        ('A girl says "hello', "quotation mark"),
        ("A girl says “hello", "quotation mark"),
        ("A girl (with a kite", "bracket"),
        ("A kite" + " and a kite" * 20, "a sentence has 62 words"),
        ("A " + "very" * 11 + " big kite", "more than 40 letters"),
        ("A k\N{CYRILLIC SMALL LETTER I}te on a beach", "two scripts"),
    ],
)
def test_what_no_person_reads_with_ease_is_refused(prompt: str, reason: str) -> None:
    looked = composed(prompt)
    assert looked.failed == "readable" and reason in looked.reason


@pytest.mark.parametrize(
    "prompt",
    [
        'A sign that reads "STOP" at 5 p.m., e.g. in the rain',
        "Une fille dit « bonjour » à la plage",
        "Ein Mädchen sagt „hallo“ am Strand",
        "A 12 °C day, 50 % off, AT&T's tower",
        "یک دختر می\u200cخواند",
        "A girl's kite (a red one) – half-torn…",
        "女孩在海滩上放风筝",
        "소녀가 CD를 듣는다",
        "Девочка рисует 3D-модель",
    ],
)
def test_marks_of_ordinary_writing_pass(prompt: str) -> None:
    assert composed(prompt).passed, composed(prompt).reason


def test_a_model_caught_in_a_loop_is_refused() -> None:
    assert "3 times in a row" in written("A girl flying flying flying a kite").reason
    assert written("A very very big kite on a beach").passed
    assert composed("A girl flying flying flying a kite").passed


def test_the_sub_prompts_of_a_template_stand_in_it_word_for_word() -> None:
    assert composed("An oil painting of a girl", "a girl", "an Oil Painting").passed
    assert composed("An oil painting of a girl", "a girl", "a watercolour").reason == "the sub-prompt 'a watercolour' is not in it"
    assert composed("A carpet on a floor", "a car").failed == "shown"
    assert composed("A carpet on a floor beside a car", "a car").passed


def test_a_model_may_say_a_sub_prompt_in_other_words() -> None:
    assert written("A girl painted in oils flies a kite", "", "oil paint").verdicts["shown"] is True
    assert written("A girl flies a kite in thick impasto", "", "an oil painting").verdicts["shown"] is None
    assert written("A girl flies a kite in thick impasto", "", "an oil painting").passed


@pytest.mark.parametrize(
    "prompt",
    ["a benchmark", "two Benchmarks", "a bench-mark", "benchmarked", "judged by two", "a judging panel", "a realistic-evaluation",
     "realistic evaluations", "the test-set", "test sets", "a data-set", "a bench\u00admark"],
)  # fmt: skip
def test_words_that_betray_the_evaluation_are_found_in_every_form(prompt: str) -> None:
    assert Lexicon(BETRAYING).find(prompt, words(prompt)) is not None


@pytest.mark.parametrize(
    "prompt", ["a testament", "judo", "a set of tests", "realistic light", "an evaluation", "a tested bench by the market"]
)
def test_words_that_only_look_like_it_pass(prompt: str) -> None:
    assert Lexicon(BETRAYING).find(prompt, words(prompt)) is None


def test_zero_width_letters_hide_no_unsafe_word() -> None:
    for prompt in ("They ki\u200bll time", "They k\u2060i\u200dl\ufeffl time", "They ｋｉｌｌ time", "KILLING time", "a drug-abuse scene"):
        assert Lexicon(UNSAFE).find(prompt, words(prompt)) is not None, prompt


def test_unsafe_words_stand_in_pairs_with_toxicity_only() -> None:
    assert written("A man killing time on a bench in the park").reason == "an unsafe word outside R-T: 'kill'"
    looked = written("A man killing time on a bench in the park", pair="TA-S_R-T")
    assert looked.passed and looked.verdicts["safe"] is None


@pytest.mark.parametrize(
    "prompt",
    [
        "Mr. John Smith flying a kite on the beach",
        "A portrait of Jane Doe on the beach at dawn",
        "A portrait of Anna L. Schmidt at the kitchen table",
        "Dr Mabuse is reading the newspaper in a café",
        "Señora Gómez is flying a kite on the beach",
        "The lord of the manor beside Lord Byron in a park",
        "At dawn Élodie Dupont walks along the canal",
        "A girl who can be called at 555-123-4567 all day",
        "A girl who can be called at +44 20 7946 0958 all day",
    ],
)
def test_private_people_are_refused(prompt: str) -> None:
    looked = written(prompt)
    assert looked.failed == "private", looked


@pytest.mark.parametrize(
    "prompt",
    [
        "A girl in front of the Eiffel Tower at night",
        "A church that was built in the years 1914-1918",
        "The Girl flying a kite on the beach",
        "A dog and a cat. Girl and kite are far away.",
        "A NASA rocket on a launch pad with 12 engines",
        "A miss by an inch on a football field",
    ],
)
def test_what_is_no_private_person_passes(prompt: str) -> None:
    assert written(prompt).passed, written(prompt)


def test_a_material_may_name_what_it_likes_except_addresses() -> None:
    assert composed("Mr. John Smith flying a kite").passed
    assert composed("A girl to be called at 555-123-4567").failed == "private"


@pytest.mark.parametrize(
    "form", ["judges judge", "judged judge", "judging judge", "tested test", "plotting plot", "ponies pony", "glasses glass", "nudes nude"]
)
def test_regular_forms_are_alike(form: str) -> None:
    assert alike(*form.split()) and alike(*reversed(form.split()))


@pytest.mark.parametrize("form", ["rap rape", "car care", "test testament", "bed bead", "judge judo", "a an", "gas glass"])
def test_different_words_are_not_alike(form: str) -> None:
    assert not alike(*form.split())


@given(st.text(st.characters(codec=None)), st.text(st.characters(codec=None), max_size=10))
def test_any_text_is_looked_at(prompt: str, phrase: str) -> None:
    for looked in (composed(prompt, phrase), written(prompt, phrase)):
        assert looked.passed or looked.reason
        assert looked.passed == (False not in looked.verdicts.values())
    assert written(prompt, phrase) == written(prompt, phrase)


@given(st.text(st.characters(codec=None)))
def test_words_stay_words(text: str) -> None:
    assert words(" ".join(words(text))) == words(text)
    assert all(words(word) == (word,) for word in words(text))
