"""The section `models`: an entry is read by its `backend`."""

from typing import Annotated, TypeAlias, get_args

from pydantic import Field

from trig.params.models.diffusers import DiffusersModel
from trig.params.models.entry import Entry
from trig.params.models.folder import FolderModel
from trig.params.models.openai import ServedModel
from trig.params.models.transformers import TransformersModel

Model: TypeAlias = DiffusersModel | FolderModel | ServedModel | TransformersModel
ModelEntry = Annotated[Model, Field(discriminator="backend")]
MODELS: dict[str, type[Entry]] = {get_args(each.model_fields["backend"].annotation)[0]: each for each in get_args(Model)}
"""Entries by backend."""
TRAINED = ("diffusers",)
"""Backends with a trainer."""
