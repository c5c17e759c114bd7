"""The section `gates`."""

from typing import Annotated

from pydantic import Field

from trig.params.section import Section
from trig.params.values import Share, at_most
from trig.vocabulary.relations import Relation


class Gates(Section):
    """Limits of the data-quality gates."""

    max_null_share: Share  # of a model's images, and of its scores per dimension
    min_relations: Annotated[int, Field(ge=1), at_most(len(Relation) - 1, "a map knows no more relations")]
