"""The section `report`."""

from typing import Annotated

from pydantic import Field

from trig.params.section import Section
from trig.params.values import Place, at_most


class Report(Section):
    """Contents of the report."""

    pictures_per_pair: Annotated[int, Field(ge=0), at_most(1_000_000, "no pair has so many prompts")]  # per model
    agreement: Place  # file: the judge's agreement with ground truth or human raters
