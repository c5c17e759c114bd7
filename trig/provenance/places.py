"""Where the tables of a run lie, below one folder, and what a run's notes call them."""

from dataclasses import dataclass
from pathlib import Path

from trig import tables
from trig.params import Params


@dataclass(frozen=True, slots=True)
class Places:
    """The folder of a run's data."""

    data: Path

    @property
    def prompts(self) -> Path:
        """The prompts table."""
        return self.data / "prompts.parquet"

    @property
    def sources(self) -> Path:
        """Folder of source pictures."""
        return self.data / "sources"

    @property
    def relations(self) -> Path:
        """The relations table."""
        return self.data / "relations.parquet"

    def images(self, model: str) -> Path:
        """Folder of a model's shards."""
        return self.data / "images" / model

    def scores(self, model: str) -> Path:
        """A model's scores."""
        return self.data / "scores" / f"{model}.parquet"

    def diagnostics(self, model: str) -> Path:
        """How a judge came to them."""
        return self.data / "diagnostics" / f"{model}.parquet"

    def tables(self, settings: Params) -> list[Path]:
        """Every table of a run that is here."""
        found = [self.prompts, self.data / "rejected.parquet", *tables.shards(self.sources)]
        for model in settings.generate.roster:
            found += [*tables.shards(self.images(model)), self.scores(model), self.diagnostics(model)]
            found += [file for kind in ("figures", "prompting") for file in tables.shards(self.data / kind / model)]
        for tuned in settings.tunings:
            found += [self.data / "lessons" / f"{tuned}.parquet", *tables.shards(self.data / "proof" / tuned)]
        found += [self.relations, *tables.shards(self.data / "digest")]
        return [file for file in found if file.is_file()]

    def input(self, name: str, stage: str, settings: Params) -> Path:
        """What a note calls by this name."""
        if stage == "annotate" or name == "material":
            return Path(str(settings.told(f"annotate.{name}")[f"annotate.{name}"]))
        place = self.data / name
        file = place.with_name(f"{place.name}.parquet")
        return file if file.is_file() else place

    def code(self, stage: str) -> Path:
        """The hash of the code of a stage."""
        return self.data / "code" / f"{stage.replace('-', '_')}.txt"
