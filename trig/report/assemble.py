"""Assembles everything that the report shows, from the digest and the map."""

from collections.abc import Iterator

import polars as pl

from trig import published
from trig.classify import compare
from trig.classify import map as dtm
from trig.params.thresholds import Thresholds
from trig.report import fronts, prompting, proofs
from trig.report.contents import Contents, Digest
from trig.report.facts import page as facts
from trig.report.facts.digest import Gate
from trig.report.facts.rows import fitted, rows
from trig.vocabulary.relations import Relation


def contents(digest: Digest, relations: pl.DataFrame, thresholds: Thresholds, gates: tuple[Gate, ...] = ()) -> Contents:
    """Everything that the report shows of a run."""
    return Contents(
        *(digest, relations, dtm.all_groups(relations)),
        overall=dict(_overall(relations)),
        agreements=fitted(facts.Agreement, compare.all_agreements(relations, digest.facts["models"])),
        thresholds=thresholds,
        gates=gates,
        published=_published(),
        metrics=dtm.metrics(relations, digest.metrics)
        | fronts.metrics(digest.facts["fronts"], thresholds)
        | prompting.metrics(digest.facts["promptings"])
        | proofs.metrics(digest.facts["proofs"]),
    )


def _overall(relations: pl.DataFrame) -> Iterator[tuple[str, facts.Overall]]:
    """Majority-vote map of each task. It has a cell where a majority has a verdict."""
    found = dtm.overall(relations)
    told = found.filter(pl.col("relation") != Relation.TOO_FEW.value)
    for (_, task), groups in dtm.all_groups(found).items():
        yield task, {"cells": rows(facts.Cell, told.filter(pl.col("task") == task)), "groups": groups}


def _published() -> facts.Published:
    means = published.means().group_by("task", "model", "dtm", maintain_order=True).agg("dimension", "mean")
    return {
        "source": published.SOURCE,
        "means": [
            {"task": task, "model": model, "dtm": with_dtm, "means": dict(zip(codes, values, strict=True))}
            for task, model, with_dtm, codes, values in means.iter_rows()
        ],
        "relations": rows(facts.PublishedRelation, published.relations()),
        "maps": [{"model": model, "task": task, "groups": own} for (model, task), own in dtm.all_groups(published.relations()).items()],
    }
