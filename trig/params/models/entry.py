"""What entries of `models` of all backends share."""

from collections.abc import Mapping
from typing import Annotated, Any, ClassVar, Self

from pydantic import Field, model_validator

from trig.params.section import Section
from trig.params.values import Call, Name, Pixels, Place, Prompts, TaskName

PINNED_IN = "params.yaml"
"""What an entry waits for that needs no file of this machine: a commit of the hub, or a server."""


class Sweep(Section):
    """The curve that an entry is a setting of: another entry with one knob turned."""

    of: Name
    knob: str  # a number among its fields, or call.NAME; the entry itself says the value


class Scope(Section):
    """Which test prompts a model paints."""

    tasks: Annotated[list[TaskName], Field(min_length=1)] | None = None  # null: all of annotate.tasks
    per_subset: Annotated[int, Field(ge=1), Prompts] | None = None  # of each subset the first so many; null: all


class Entry(Section):
    """An entry, resolved."""

    UNDECIDING: ClassVar[frozenset[str]] = frozenset({"needs", "extends", "scope"})
    """Fields that decide no picture: where an entry comes from, and how its pictures are got."""
    NEUTRAL: ClassVar[dict[str, Any]] = {}
    """Values with which a model paints as if the field were not there: these do not enter the content key of a picture."""

    COMPUTES: ClassVar[bool] = True
    """Whether it computes on a device, so that several of them help; one that waits for a server, or reads files, does not."""

    extends: Name | None  # the entry of `models` or of the zoo that it takes all else from
    needs: Place  # DVC dependency: what it reads on this machine, or params.yaml where there is nothing to read
    width: Pixels
    height: Pixels
    scope: Scope = Scope()
    sweep: Sweep | None = Field(default=None, exclude=True)  # a label: it decides no picture, and nothing reruns when it changes

    prompting: Place | None = Field(
        default=None, exclude=True
    )  # folder of the prompts that it paints in place of the run's own; decides by these

    def decides(self) -> dict[str, Any]:
        """What decides a picture beside the contents of weights and files, for its content key."""
        given = self.model_dump(exclude=set(self.UNDECIDING))
        return {name: value for name, value in given.items() if name not in self.NEUTRAL or value != self.NEUTRAL[name]}

    def told(self) -> dict[str, Any]:
        """What a report tells of the entry, and what later stages depend on."""
        return self.model_dump()

    @model_validator(mode="after")
    def _waits_for_its_prompts(self) -> Self:
        if self.prompting is not None and self.needs != self.prompting:
            raise ValueError(f"needs: {self.needs!r} is not its prompts {self.prompting!r}; name what the model waits for")
        return self

    @property
    def loads(self) -> str | None:
        """Weights that it loads: a folder, or `hub:owner/name@commit`; None where pictures come from elsewhere."""
        return None

    @property
    def elsewhere(self) -> bool:
        """Whether no file here stands for the model."""
        return self.needs in (PINNED_IN, self.prompting)

    @property
    def origin(self) -> str:
        """Where its pictures come from, for a table."""
        return self.loads or self.needs


def undecided(call: Call, given: Mapping[str, str]) -> None:
    """Raises ValueError for a further argument that something else decides; `given` names what does."""
    if twice := sorted(call.keys() & given.keys()):
        raise ValueError(f"call: {twice[0]!r} is decided by {given[twice[0]]!r}; leave it out here")
