"""Dry run: the questions that an annotator would be asked in the first round, and their estimated token cost."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

import polars as pl

from trig.annotate import write
from trig.annotate.asked import Errand, kept, settled
from trig.annotate.compose import Composer
from trig.annotate.draft import Draft
from trig.annotate.material import Material
from trig.annotate.run import wanted
from trig.annotate.scribe import routed
from trig.annotate.sentence import Shown
from trig.annotate.shapes import Seen, Written
from trig.annotate.write import Brief
from trig.llm.cost import Plan, length
from trig.llm.shapes import stated
from trig.params.annotate import Annotate
from trig.store import Store
from trig.vocabulary.dimensions import Task

UNSEEN = Shown("the main thing", None, None, "thing")
"""Stands for a picture that nobody described yet."""


def errands(material: Material, sources: pl.DataFrame, settings: Annotate, seed: int, revision: str, store: Store) -> Iterator[Errand]:
    """Descriptions of pictures that have none, the prompts of the first round, and the checks of each; rejected drafts are asked for again later."""
    blank = set(sources.filter(pl.col("subject").is_null())["source"])
    for task in (Task.P2P, Task.S2P):
        if task in settings.tasks:
            yield from (Errand(write.describe(task, material.about.language), (source,)) for source in sorted(blank))
    shown = {row["source"]: _shown(row) for row in sources.drop("image").iter_rows(named=True)}
    composer = Composer(material, shown, seed)
    tried = (composer.draft(slot.task, slot.pair, slot.split, slot.number, 0) for slot in wanted(settings, material))
    drafts, brief = [new for draft in tried if draft and (new := routed(draft, material))], _brief(material, shown, settings)
    asked = [Errand(write.question(draft, brief)) for draft in drafts]
    yield from asked
    yield from _checks(drafts, asked, revision, store)


def _shown(row: Mapping[str, str | None]) -> Shown:
    return Shown(row["subject"], row["other"], row["place"], row["item"]) if row["subject"] else UNSEEN


def _brief(material: Material, shown: Mapping[str, Shown], settings: Annotate) -> Brief:
    seen = {
        name: Seen.model_construct(
            None,
            subject=each.subject,
            other=each.other,
            place=each.place,
            item=each.item,
            description=each.subject,
            fit=True,
            unfit_reason=None,
        )
        for name, each in shown.items()
    }
    return Brief(material.about.language, settings.max_tokens, material.scenes(), seen)


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
