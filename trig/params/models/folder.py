"""Finished pictures in a folder."""

from pathlib import PurePosixPath
from typing import ClassVar, Literal, Self

from pydantic import model_validator

from trig.params.models.entry import Entry
from trig.params.values import Place

TABLES = (".csv", ".jsonl", ".parquet")
"""Suffixes of mapping tables."""


class FolderModel(Entry):
    """Pictures made elsewhere, by data_id or by a table."""

    COMPUTES: ClassVar[bool] = False
    UNDECIDING: ClassVar[frozenset[str]] = Entry.UNDECIDING | {"folder", "mapping"}  # the picture found decides, and not how

    backend: Literal["folder"]
    folder: Place
    mapping: (
        Place | None
    )  # table in the folder, by its path there, with columns data_id, file and perhaps task and number; null: names are data_ids

    @model_validator(mode="after")
    def _waits_for_its_folder(self) -> Self:
        if self.needs != self.folder:
            raise ValueError(f"needs: {self.needs!r} is not its folder {self.folder!r}; name what the model waits for")
        return self

    @model_validator(mode="after")
    def _maps_by_a_table_of_the_folder(self) -> Self:
        if self.mapping is None:
            return self
        if PurePosixPath(self.mapping).is_absolute() or ".." in PurePosixPath(self.mapping).parts:
            raise ValueError(
                f"mapping: {self.mapping!r} is not in the folder, where changes are noticed; put it there and name its path there"
            )
        if PurePosixPath(self.mapping).suffix not in TABLES:
            raise ValueError(f"mapping: {self.mapping!r} is no table; name one that ends in {', '.join(TABLES)}")
        return self
