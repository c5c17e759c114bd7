"""The sections `promptings` and `prompting`."""

from typing import Annotated, Literal

from pydantic import Field

from trig.params.extends import OWN
from trig.params.models import Model
from trig.params.models.entry import PINNED_IN
from trig.params.models.folder import FolderModel
from trig.params.models.openai import ServedModel
from trig.params.section import Section
from trig.params.thresholds import Limits
from trig.params.values import Name, Share, at_most


class Prompted(Section):
    """A model whose prompts are rewritten, or whose pictures are chosen; its key is also its key in `models`."""

    base: Name  # the model that paints
    by: Literal["dtm", "best-of"]  # rewriting by the model's own map; or the control: the best of as many seeds as the budget pays


class Prompting(Section):
    """How prompts are rewritten: a loop on train prompts."""

    annotator: Name | None  # the language model of `annotators` that rewrites; null: the grammar of the material
    budget: Annotated[
        int, Field(ge=1), at_most(100_000_000, "each is painted and judged")
    ]  # pictures to choose by, of each of `promptings`
    prompts: Annotated[int, Field(ge=2), at_most(100_000, "no pair has so many train prompts")]  # train prompts of each pair, at most
    seeds: Annotated[
        int, Field(ge=1), at_most(1_000, "each is a picture of every candidate")
    ]  # pictures of a prompt, of which the mean counts
    rounds: Annotated[int, Field(ge=1), at_most(1_000, "each adds to every prompt")]
    candidates: Annotated[int, Field(ge=1), at_most(1_000, "each is painted for every prompt")]  # of a pair in a round
    fdr: Annotated[float, Field(gt=0, lt=1)]  # false discovery rate among the candidates of a round
    max_fall: Share  # of the mean of any dimension, for a rewriting that is kept
    map: Limits


def differs(name: str, mine: Model, base_name: str, base: Model) -> None:
    """Raises ValueError unless a model is its base with other prompts, and nothing else."""
    if mine.prompting is None:
        raise ValueError(f"models.{name}.prompting: missing; name the folder of its prompts, such as data/prompting/{name}")
    if base.prompting is not None:
        raise ValueError(f"promptings.{name}.base: {base_name!r} is prompted itself; begin with a model that paints prompts as they are")
    if type(mine) is not type(base):
        raise ValueError(f"models.{name}.backend: {mine.backend!r} is not its base's {base.backend!r}; let it extend {base_name}")
    if isinstance(base, FolderModel):
        raise ValueError(f"promptings.{name}.base: {base_name!r} is a folder of finished pictures; choose a model that paints")
    if isinstance(base, ServedModel) and base.needs != PINNED_IN:
        raise ValueError(
            f"promptings.{name}.base: {base_name!r} needs {base.needs!r}, for which its prompts would stand; set {PINNED_IN} there"
        )
    for field in sorted(type(base).model_fields.keys() - {"prompting", *OWN}):
        if getattr(mine, field) != getattr(base, field):
            raise ValueError(
                f"models.{name}.{field}: {getattr(mine, field)!r} is not its base's {getattr(base, field)!r}, so their difference would not be"
                f" the prompts'; leave it out"
            )
