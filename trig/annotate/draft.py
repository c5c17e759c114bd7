"""A draft: a prompt that has not been checked yet."""

from dataclasses import dataclass

from trig.vocabulary.dimensions import Pair, Task


@dataclass(frozen=True, slots=True)
class Draft:
    """Try `round` at slot `slot` of a subset."""

    task: Task
    pair: Pair
    split: str  # test or train
    slot: int  # number of the prompt in its subset, from 1
    round: int  # tries before this one
    prompt: str
    sub_prompts: tuple[str, str]  # in pair order; "" where a dimension needs no phrase
    caption: str  # id
    route: str = "combine"
    template: str | None = None  # frames used; None where a model wrote it
    annotator: str = "template"
    item: str | None = None  # s2p: noun phrase of the subject
    source: str | None = None  # content hash of the source picture
