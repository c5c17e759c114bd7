"""Base class of the sections of params.yaml."""

from pydantic import BaseModel, ConfigDict


class Section(BaseModel):
    """A section: frozen, strict, unknown keys forbidden."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, allow_inf_nan=False)
