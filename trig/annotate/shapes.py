"""Shapes of a language model's answers."""

from typing import Self

from pydantic import BaseModel, Field, field_validator, model_validator

from trig.annotate.wording import braceless, one_line, seen, tidy
from trig.vocabulary.dimensions import Dimension

PROMPT, PHRASE, TEXT = 2_000, 120, 600
"""Characters of a prompt, a phrase and a description; an answer beyond them is repaired or refused."""


def _tidied(words: str | None) -> str | None:
    return None if words is None else braceless(tidy(words))


class _Told(BaseModel):
    """Texts on one line."""

    _lines = field_validator("*", mode="before")(one_line)


class Written(_Told):
    """A prompt. What else is wrong with it is for the checks to tell."""

    _seen = field_validator("prompt")(seen)

    prompt: str = Field(min_length=1, max_length=PROMPT, description="the prompt alone", examples=["A grey cat asleep on a garden wall."])


class Seen(_Told):
    """What a picture shows, and whether it serves the purpose, in texts such as a material's."""

    _tidy = field_validator("subject", "other", "place", "item", "description", "unfit_reason")(_tidied)

    subject: str = Field(min_length=1, max_length=PHRASE, description="the main thing, with its article", examples=["a wooden chair"])
    other: str | None = Field(max_length=PHRASE, description="a second thing, with its article; null if there is none", examples=["a lamp"])
    place: str | None = Field(
        max_length=PHRASE,
        description="where it is, beginning with a preposition; null if that cannot be told",
        examples=["in a bright room"],
    )
    item: str | None = Field(
        max_length=PHRASE, description="the main thing as a noun without an article; null if nothing stands out", examples=["wooden chair"]
    )
    description: str = Field(
        min_length=1,
        max_length=TEXT,
        description="things, their looks and where they stand to each other, in two or three sentences",
        examples=["A wooden chair with a straight back stands by the window. To its right is a tall white lamp."],
    )
    fit: bool = Field(description="whether the picture serves the purpose", examples=[True])
    unfit_reason: str | None = Field(max_length=PHRASE, description="why it does not; null where it does", examples=[None])


class Shown(BaseModel):
    """Whether each of two phrases shows in a prompt."""

    first: bool = Field(description="whether the first phrase shows", examples=[True])
    second: bool = Field(description="whether the second phrase shows", examples=[False])


class Recovered(BaseModel):
    """The two dimensions that a prompt seems to be about."""

    first: Dimension = Field(description="code of the likeliest", examples=["TA-C"])
    second: Dimension = Field(description="code of the next; another one", examples=["IQ-A"])

    @model_validator(mode="after")
    def _differ(self) -> Self:
        if self.first == self.second:
            raise ValueError("first and second are the same; name two different codes")
        return self
