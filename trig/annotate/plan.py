"""Dry run: the questions that an annotator would be asked in the first round, and their estimated token cost."""

from collections.abc import Callable, Iterable, Iterator, Sequence

import polars as pl

from trig.annotate import write
from trig.annotate.asked import Errand, kept, settled
from trig.annotate.compose import Composer
from trig.annotate.draft import Draft
from trig.annotate.material import Material
from trig.annotate.pool import PICTURED, pool
from trig.annotate.run import wanted
from trig.annotate.scribe import routed
from trig.annotate.shapes import Seen, Written
from trig.annotate.write import Brief
from trig.llm.cost import Plan, length
from trig.llm.shapes import stated
from trig.params.annotate import Annotate
from trig.store import Store
from trig.vocabulary.dimensions import Task

UNSEEN = Seen.model_construct(
    None, subject="the main thing", other=None, place=None, item="thing", description="something", fit=True, unfit_reason=None
)
"""Stands for a picture that nobody described yet."""


def errands(material: Material, sources: pl.DataFrame, settings: Annotate, seed: int, revision: str, store: Store) -> Iterator[Errand]:
    """Descriptions of pictures that have none, the prompts of the first round, and the checks of each; rejected drafts are asked for again later."""
    blank = sorted(sources.filter(pl.col("subject").is_null())["source"])
    wished = [task for task in PICTURED if task in settings.tasks]
    yield from (Errand(write.describe(task, material.about.language), (source,)) for task in wished for source in blank)
    known = pool(sources)
    pictured = {task: {**known[task], **(dict.fromkeys(blank, UNSEEN) if task in wished else {})} for task in Task}
    composer = Composer(material, pictured, seed)
    tried = (composer.draft(slot.task, slot.pair, slot.split, slot.number, 0) for slot in wanted(settings, material))
    drafts = [new for draft in tried if draft and (new := routed(draft, material))]
    brief = Brief(material.about.language, settings.max_tokens, material.scenes(), pictured)
    asked = [Errand(write.question(draft, brief)) for draft in drafts]
    yield from asked
    yield from _checks(drafts, asked, revision, store)


def _checks(drafts: Sequence[Draft], asked: Sequence[Errand], revision: str, store: Store) -> Iterator[Errand]:
    """Checks of what was written; of the template where nothing is written yet."""
    for draft, said in zip(drafts, kept(store, asked, revision), strict=True):
        text = said.prompt if isinstance(said, Written) else draft.prompt
        yield Errand(write.shows(text, draft.sub_prompts))
        yield Errand(write.recovery(text))


def plan(errands: Iterable[Errand], revision: str, store: Store, size: Callable[[str], tuple[int, int] | None] = lambda _: None) -> Plan:
    """What `answers` would do with these errands, not counting repairs; `size` is that of a source picture, by its content hash."""
    tokens: dict[str, int] = {}
    for errand in errands:
        ask = errand.ask
        text = f"{ask.system}{ask.text}{stated(ask.shape)}"
        tokens[errand.key(revision)] = length(text, [size(source) for source in errand.sources])
    known, for_good = settled(store, list(tokens))
    asked = {key: count for key, count in tokens.items() if key not in known | for_good}
    return Plan(known, for_good, asked)
