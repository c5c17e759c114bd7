"""What all sections of params.yaml share."""

from pydantic import BaseModel, ConfigDict


class Section(BaseModel):
    """A part of the file: fixed once read, and with no key that nobody reads."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, allow_inf_nan=False)
