"""The section `report`."""

from typing import Annotated

from pydantic import Field

from trig.params.section import Section
from trig.params.values import Place, at_most


class Report(Section):
    """What the report shows."""

    pictures_per_pair: Annotated[int, Field(ge=0), at_most(1_000_000, "no pair has so many prompts")]  # of each model
    agreement: Place  # a file: how the judge was measured against truth or people
