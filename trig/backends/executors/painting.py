"""Image generation on several devices."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from trig.backends.executors.crew import Crew, Site
from trig.backends.executors.desk import Facts, Recipe
from trig.backends.executors.patient import Patient
from trig.params import Params
from trig.protocols.generator import Generator, Order, Picture
from trig.protocols.refusal import Refusal


class Painter:
    """Satisfies `Tool`."""

    def __init__(self, generator: Generator) -> None:
        self.facts = Facts(generator.revision, generator.engine)
        self.work = Patient(generator.generate)


@dataclass(frozen=True, slots=True)
class Painting:
    """The model of a name. Satisfies `Recipe`."""

    settings: Params
    name: str

    def load(self) -> Painter:
        """Load its pipeline."""
        from trig.backends import painters

        return Painter(painters.load(self.settings, self.name))


class Spread:
    """Workers for as long as batches come: afterwards the devices are free again. Satisfies `Executor`."""

    def __init__(self, site: Site, recipe: Recipe, timeout: float, generator: Generator) -> None:
        """`generator`: the model in this process, with which all workers must agree."""
        self.site, self.recipe, self.timeout = site, recipe, timeout
        self.facts = Facts(generator.revision, generator.engine)

    def paint(self, batches: Iterable[Sequence[Order]]) -> Iterator[tuple[int, list[Picture | Refusal]]]:
        """As they complete."""
        crew = Crew[Order, Picture](self.site, self.recipe, "generate", self.timeout, self.facts)
        with crew:
            yield from crew.run(batches)
