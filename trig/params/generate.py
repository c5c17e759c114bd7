"""The section `generate`."""

from typing import Annotated

from pydantic import Field

from trig.params.executing import Executing
from trig.params.options import Format
from trig.params.values import Batch, Name, at_most


class Generate(Executing):
    """Models to generate with, and how."""

    roster: list[Name] = Field(min_length=1)
    seeds_per_prompt: Annotated[int, Field(ge=1), at_most(1_000, "each is a picture of every prompt by every model")]
    batch_size: Batch
    engine_in_key: bool  # library versions are part of the cache key
    format: Format  # of the pictures' files: png, lossless webp, or jpeg of quality 95
