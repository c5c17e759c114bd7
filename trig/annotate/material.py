"""A material: the folder of captions, sub-prompts, frames and routes that prompts are written from."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, BeforeValidator, Field, TypeAdapter, field_validator, model_validator

from trig.annotate.checks.scripts import leftward, right_to_left
from trig.annotate.languages import known
from trig.annotate.wording import Entry, Id, Said, Strict, Words, filled, framed, load
from trig.errors import ParamsError, TableError
from trig.params.values import Name
from trig.vocabulary.dimensions import Dimension, Pair, Task, pairs

Role = Literal["subject", "other", "relation", "scene", "none"]
Filled = Annotated[Words, AfterValidator(filled)]
Told = Annotated[Said, AfterValidator(filled)]


class Caption(Entry):
    """Parts of a sentence about an ordinary scene."""

    subject: Told
    action: Said = ""
    other: Told
    place: Said = ""
    kind: Said = ""  # such as `people`; phrases may ask for some kinds only


class Slot(Strict):
    """Where a phrase goes in a sentence."""

    role: Role
    once: bool = False  # two phrases cannot share it
    frames: Annotated[dict[Id, Filled], framed("frames", "phrase"), framed("frames", "scene")] = Field(default_factory=dict)
    edits: Annotated[dict[Id, Filled], framed("edits", "phrase")] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _framed(self) -> Self:
        if self.role == "scene" and not self.frames:
            raise ValueError("frames: a slot of role scene needs at least one, such as {with: '{scene}, {phrase}'}")
        return self


class Joins(Strict):
    """How two parts become one sentence."""

    things: Annotated[dict[Id, Filled], framed("things", "subject"), framed("things", "other")] = Field(min_length=1)
    company: Annotated[dict[Id, Filled], framed("things", "subject")] = Field(
        default={"alone": "{subject}"}
    )  # beside a phrase that replaces the subject
    clauses: Annotated[dict[Id, Filled], framed("clauses", "x"), framed("clauses", "y")] = Field(min_length=1)


class About(Strict):
    """material.yaml."""

    name: Name
    language: Annotated[str, AfterValidator(known)]  # ISO 639-1
    licence: Filled
    origin: Filled
    capital: bool = False  # prompts begin with a capital letter
    slots: dict[Id, Slot] = Field(min_length=1)
    joins: Joins
    items: Annotated[dict[Id, Filled], framed("items", "item")] = Field(default={"this": "this {item}"})
    poses: dict[Id, Said] = Field(default={"none": ""})


def _worded(phrase: object) -> object:
    return {"text": phrase} if isinstance(phrase, str) else phrase


class Wording(Entry):
    """A phrase, and its wording in edit clauses where that differs; a text alone is a phrase."""

    text: Said
    edit: Said | None = None


class Kind(Strict):
    """Phrases of one kind, such as styles of painting."""

    fits: list[Said] = Field(default_factory=list, alias="with")  # kinds of caption that take these phrases; empty: all
    slot: Id | None = None
    phrases: dict[Id, Annotated[Wording, BeforeValidator(_worded)]] = Field(min_length=1)


class SubPrompts(Strict):
    """Phrases of one dimension. An optional dimension can be judged on any picture."""

    slot: Id
    optional: bool
    kinds: dict[Id, Kind] = Field(min_length=1)

    @field_validator("kinds")
    @classmethod
    def _once(cls, kinds: dict[str, Kind]) -> dict[str, Kind]:
        names = [(kind, name) for kind, each in kinds.items() for name in each.phrases]
        texts = [" ".join(phrase.text.casefold().split()) for each in kinds.values() for phrase in each.phrases.values()]
        for at, (kind, name) in enumerate(names):
            if texts.index(texts[at]) != at:
                raise ValueError(f"{kind}.phrases.{name}: {texts[at]!r} stands twice; name each phrase once")
            if name in [other for _, other in names[:at]]:
                raise ValueError(f"{kind}.phrases.{name}: the id {name} stands twice in this dimension; give another")
        return kinds

    @model_validator(mode="after")
    def _needed(self) -> Self:
        for name, kind in self.kinds.items():
            if not self.optional and any(not phrase.text for phrase in kind.phrases.values()):
                raise ValueError(f"kinds.{name}: a phrase is empty, and the dimension is not optional; write words, or set optional: true")
        return self


class Routes(Strict):
    """How the prompts of a subset are written; combine where nothing else is said."""

    refine: dict[Task, list[str]] = Field(default_factory=dict)
    expand: dict[Task, list[str]] = Field(default_factory=dict)
    copies: dict[Literal[Task.T2I], dict[str, str]] = Field(default_factory=dict)  # subset → the subset whose prompts it repeats

    @model_validator(mode="after")
    def _pairs(self) -> Self:
        named = [name for each in (self.refine, self.expand) for names in each.values() for name in names]
        copies = self.copies.get(Task.T2I, {})
        for name in (*named, *copies, *copies.values()):
            try:
                canonical = str(Pair.parse(name))
            except ParamsError as error:
                raise ValueError(str(error)) from None
            if name != canonical:
                raise ValueError(f"{name}: write the pair as {canonical}")
        for name, parent in copies.items():
            mine, theirs = Pair.parse(name), Pair.parse(parent)
            if parent in copies:
                raise ValueError(f"copies: {name}: copies {parent}, which is a copy itself; name the subset that has the prompts")
            if not {mine.x, mine.y} & {theirs.x, theirs.y}:
                raise ValueError(
                    f"copies: {name}: copies {parent}, with which it shares no dimension; name a subset that has {mine.x} or {mine.y}"
                )
        return self


class WordLists(Strict):
    """Words that a prompt may not hold."""

    betraying: list[Filled] = Field(default_factory=list)  # they tell that a picture is evaluated
    unsafe: list[Filled] = Field(default_factory=list)  # outside R-T


@dataclass(frozen=True, slots=True)
class Phrase:
    """A sub-prompt as the composer uses it."""

    id: str
    text: str
    edit: str
    slot: str
    kind: str
    fits: frozenset[str]  # kinds of caption; empty: all
    licence: str | None = None  # null: the material's
    origin: str | None = None

    def fit(self, kind: str) -> bool:
        """Whether a caption of this kind takes the phrase."""
        return not self.fits or kind in self.fits


@dataclass(frozen=True, slots=True)
class Material:
    """Everything prompts are written from."""

    about: About
    captions: Mapping[str, Caption]
    phrases: Mapping[Dimension, tuple[Phrase, ...]]
    optional: frozenset[Dimension]
    routes: Routes
    edits: Mapping[str, str]  # p2p, where neither dimension has a phrase
    words: WordLists = field(default_factory=WordLists)

    def route(self, task: Task, pair: Pair) -> str:
        """How a subset's prompts are written where there is a language model."""
        name = str(pair)
        return next((route for route in ("refine", "expand") if name in getattr(self.routes, route).get(task, [])), "combine")

    def scenes(self) -> dict[str, str]:
        """Captions as sentences, by id."""
        return {name: " ".join(filter(None, (each.subject, each.action, each.place))) for name, each in self.captions.items()}

    def parent(self, task: Task, pair: Pair) -> Pair | None:
        """The subset whose prompts this one repeats."""
        named = self.routes.copies.get(Task.T2I, {}).get(str(pair)) if task is Task.T2I else None
        return None if named is None else Pair.parse(named)


def material(folder: Path, allow_toxic: bool) -> Material:
    """Loads a material. Raises TableError in one line for whatever is missing or cannot be meant."""
    about = load(folder / "material.yaml", TypeAdapter(About))
    dimensions = load(folder / "sub_prompts.yaml", TypeAdapter(dict[Dimension, SubPrompts]))
    if missing := [dimension.value for dimension in Dimension if dimension not in dimensions]:
        raise TableError(f"{folder / 'sub_prompts.yaml'}: {missing[0]}: missing; give its slot and phrases")
    phrases = {dimension: tuple(_phrases(dimensions[dimension])) for dimension in Dimension}
    if allow_toxic:
        phrases[Dimension.TOXICITY] += tuple(_phrases(load(folder / "toxic.yaml", TypeAdapter(SubPrompts))))
    captions = load(folder / "captions.yaml", TypeAdapter(Annotated[dict[Id, Caption], BeforeValidator(_some)]))
    found = Material(
        about,
        captions,
        phrases,
        frozenset(dimension for dimension, each in dimensions.items() if each.optional),
        load(folder / "routes.yaml", TypeAdapter(Routes)),
        load(folder / "edits.yaml", TypeAdapter(Annotated[dict[Id, Filled], framed("general", None)])),
        load(folder / "words.yaml", TypeAdapter(WordLists)),
    )
    _sound(found, folder)
    _directed(found, folder)
    return found


def _some(captions: object) -> object:
    if isinstance(captions, Mapping) and not any(captions.values()):
        raise ValueError("there is no caption; write one at least, such as beach: {subject: a girl, other: a jetty}")
    return captions


def _phrases(found: SubPrompts) -> Iterator[Phrase]:
    for name, kind in found.kinds.items():
        for id_, phrase in kind.phrases.items():
            edit = phrase.text if phrase.edit is None else phrase.edit
            slot, fits = kind.slot or found.slot, frozenset(kind.fits)
            yield Phrase(id_, phrase.text, edit, slot, name, fits, phrase.licence, phrase.origin)


def _sound(found: Material, folder: Path) -> None:
    """Raises TableError for a caption that stands twice, unknown slots and kinds, and copies of nothing."""
    first: dict[tuple[str, str, str, str], str] = {}
    for name, caption in found.captions.items():
        said = (caption.subject, caption.action, caption.other, caption.place)
        if first.setdefault(said, name) != name:
            raise TableError(f"{folder / 'captions.yaml'}: {name}: the same caption as {first[said]}; keep one")
    kinds = {caption.kind for caption in found.captions.values()}
    for dimension, phrases in found.phrases.items():
        for phrase in phrases:
            where = f"{folder / 'sub_prompts.yaml'}: {dimension}.kinds.{phrase.kind}"
            if phrase.slot not in found.about.slots:
                raise TableError(f"{where}: slot: {phrase.slot} is unknown; choose one of {', '.join(found.about.slots)}")
            if strange := sorted(phrase.fits - kinds):
                raise TableError(f"{where}: with: no caption is of kind {strange[0]!r}; choose among {', '.join(sorted(kinds))}")
    wanted = {str(pair) for pair in pairs(Task.T2I)}
    for name, parent in found.routes.copies.get(Task.T2I, {}).items():
        if not {name, parent} <= wanted:
            raise TableError(
                f"{folder / 'routes.yaml'}: copies: {name}: {parent}: one of them is no text-to-image subset; take the line out"
            )


def _directed(found: Material, folder: Path) -> None:
    """Raises TableError for letters that run from right to left in a material of which most do not."""
    texts = list(_texts(found))
    if not right_to_left(text for file, _, text in texts if file == "captions"):
        for file, where, text in texts:
            if leftward(text):
                raise TableError(
                    f"{folder / file}.yaml: {where}: {text[:60]!r} has letters that run from right to left, and those of most captions do not;"
                    " correct it"
                )


def _texts(found: Material) -> Iterator[tuple[str, str, str]]:
    """All that may become part of a prompt: file, place in it, and text."""
    for name, caption in found.captions.items():
        yield from (("captions", f"{name}.{part}", getattr(caption, part)) for part in ("subject", "action", "other", "place", "kind"))
    for dimension, phrases in found.phrases.items():
        for phrase in phrases:
            where = f"{dimension}.kinds.{phrase.kind}.phrases.{phrase.id}"
            yield from (("sub_prompts", where, text) for text in (phrase.text, phrase.edit))
    about = found.about
    frames = {f"slots.{name}.{kind}": getattr(slot, kind) for name, slot in about.slots.items() for kind in ("frames", "edits")}
    frames |= {f"joins.{kind}": getattr(about.joins, kind) for kind in ("things", "company", "clauses")}
    for where, entries in {**frames, "items": about.items, "poses": about.poses}.items():
        yield from (("material", f"{where}.{name}", text) for name, text in entries.items())
    yield from (("edits", name, text) for name, text in found.edits.items())
