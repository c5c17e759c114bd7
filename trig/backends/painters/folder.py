"""Finished pictures: files that another program made, as they are."""

import logging
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from trig.backends.painters.mapping import ByDataId, ByTable, Files, Names
from trig.backends.weights import digest, there
from trig.errors import WeightsError
from trig.keys import content_key
from trig.params.models.folder import FolderModel
from trig.pictures import SUFFIXES, decoded
from trig.protocols.generator import Order, Picture, Row
from trig.protocols.refusal import Refusal
from trig.tables.sources import digest as digest_of

PAINTING = 1
"""Cache version: raise it when other files would be found or refused."""


class Folder:
    """A folder of pictures. Satisfies `Generator` and `Keyed`: one changed file changes one picture."""

    engine = "made elsewhere"

    def __init__(self, name: str, model: FolderModel) -> None:
        self.model, self.field = model, f"params.yaml: models.{name}"
        self.place = there(model.folder, f"{self.field}.folder")
        self.files = Files(self.place)
        if not any(file.suffix in SUFFIXES for file in self.files.paths.values()):
            raise WeightsError(f"{self.field}.folder: {self.place}: no picture here; its files must end in {', '.join(SUFFIXES)}")
        self.names: Names = ByTable(self.place / model.mapping, f"{self.field}.mapping") if model.mapping else ByDataId()
        self.seen: dict[Path, str | None] = {}
        self.revision = content_key(call=model.decides(), painting=PAINTING)

    def revisions(self, orders: Sequence[Order]) -> list[str]:
        """Hash of the file of each order, or of the reason why there is none. Files that are nobody's are told."""
        found = [self._file(order) for order in orders]
        files = list({file for file in found if isinstance(file, Path)})
        with ThreadPoolExecutor() as threads:
            self.seen |= zip(files, threads.map(digest, files), strict=True)
        self._tell_others()
        return [self._key(each) for each in found]

    def generate(self, orders: Sequence[Order]) -> list[Picture | Refusal]:
        """The file of each order, as it is."""
        return [self._picture(order) for order in orders]

    def _key(self, found: Path | Refusal) -> str:
        told = {"reason": found.reason} if isinstance(found, Refusal) else {"file": self.seen[found]}
        return content_key(**told, revision=self.revision)

    def _file(self, order: Order) -> Path | Refusal:
        row = order.row or Row("", "", "")
        names = self.names.of(row)
        return names if isinstance(names, Refusal) else self.files.one(names)

    def _picture(self, order: Order) -> Picture | Refusal:
        found = self._file(order)
        if isinstance(found, Refusal):
            return found
        name = found.relative_to(self.place).as_posix()
        try:
            file = found.read_bytes()
        except OSError as error:
            return Refusal(f"{name!r} cannot be read ({error.strerror})", final=self.seen.get(found) is None)
        if found in self.seen and self.seen[found] != digest_of(file):
            return Refusal(f"{name!r} changed meanwhile; run again")
        shown = decoded(file)
        if isinstance(shown, Refusal):
            return Refusal(f"{name!r}: {shown.reason}", final=True)
        if shown.size != (self.model.width, self.model.height):
            wanted = f"{self.model.width} × {self.model.height}"
            return Refusal(f"{name!r} has {shown.width} × {shown.height} pixels, where the entry says {wanted}", final=True)
        return Picture(file)

    def _tell_others(self) -> None:
        """A warning of files, and of rows of the table, that no prompt asks for."""
        files = [path for path in self.files.left if path != self.model.mapping]
        for where, others in ((f"folder: {self.place}", files), (f"mapping: {self.model.mapping}", self.names.unused())):
            if others:
                logging.getLogger(__name__).warning(
                    "%s.%s: %d of it belong to no prompt of this run, the first %r", self.field, where, len(others), others[0]
                )
