"""Raters compared with each other, with themselves and with gold answers; and the verdict that their votes come to."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from trig.annotate.review import Verdict
from trig.annotate.review.answers import CONCERNS, QUESTIONS, Answers, Filled, same
from trig.annotate.review.items import Item, Key
from trig.errors import TableError
from trig.stats.agreement import Floats, alpha
from trig.vocabulary.about import ABOUT
from trig.vocabulary.dimensions import Dimension, dimension


@dataclass(frozen=True, slots=True)
class Rule:
    """From when a rater counts, and votes decide."""

    gold: float  # least gold score of a rater who counts
    votes: int  # least votes that decide
    majority: float  # least share of the votes that decides; a tie never does
    spread: int  # largest difference of the quality grades


@dataclass(frozen=True, slots=True)
class Share:
    """How many of some comparisons agree."""

    agree: int
    of: int

    @property
    def share(self) -> float | None:
        """None without a comparison."""
        return self.agree / self.of if self.of else None


@dataclass(frozen=True, slots=True)
class Rater:
    """A rater's figures."""

    rater: str
    answered: int  # items
    gold: Share  # known answers that were given; grades of quality within 1
    repeats: Share  # answers to repeated prompts that stayed the same; grades of quality within 1
    consensus: Share  # verdicts that are those of the majority of the other raters who are kept
    kept: bool  # the gold score is not too low


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a review came to."""

    raters: Sequence[Rater]
    alphas: Sequence[Mapping[str, Any]]  # question, level, alpha, units with two ratings or more
    concerns: Mapping[Dimension, Share]  # votes that say that a prompt concerns the dimension
    verdicts: Sequence[tuple[Item, Verdict]]


def outcome(key: Key, filled: Sequence[Filled], rule: Rule) -> Outcome:
    """Figures of all raters, agreement and verdicts of those who are kept. Raises TableError where none is."""
    firsts = key.of("prompt")
    scores = {one.rater: _alike((item.known, one.answers.get(item.id, {})) for item in key.of("gold")) for one in filled}
    kept = [one for one in filled if (share := scores[one.rater].share) is None or share >= rule.gold]
    if not kept:
        raise TableError(f"every rater's gold score is below {rule.gold:g}; look at the gold answers, or lower --gold-score")
    raters = [_rater(key, one, scores[one.rater], kept) for one in filled]
    return Outcome(raters, _alphas(firsts, kept), _concerns(firsts, kept), [(item, adjudicate(item, kept, rule)) for item in firsts])


def _rater(key: Key, one: Filled, gold: Share, kept: Sequence[Filled]) -> Rater:
    first_of = {item.key: item.id for item in key.of("prompt")}
    repeats = _alike((one.answers.get(first_of[item.key], {}), one.answers.get(item.id, {})) for item in key.of("again"))
    others = [other for other in kept if other is not one]
    voted = [(one.answers[name]["verdict"], _majority(name, others)) for name in first_of.values() if name in one.answers]
    with_others = [mine == theirs for mine, theirs in voted if theirs]
    return Rater(one.rater, len(one.answers), gold, repeats, Share(sum(with_others), len(with_others)), one in kept)


def _alike(pairs: Iterable[tuple[Answers, Answers]]) -> Share:
    """Answers that two sets have in common, and how many of them agree."""
    shared = [(one, other, question) for one, other in pairs for question in QUESTIONS if question in one and question in other]
    found = [same(question, one[question], other[question]) for one, other, question in shared]
    return Share(sum(found), len(found))


def _majority(name: str, raters: Sequence[Filled]) -> str | None:
    """The verdict of most raters; None for a tie, or without a vote."""
    ranked = Counter(one.answers[name]["verdict"] for one in raters if name in one.answers).most_common()
    return ranked[0][0] if ranked and (len(ranked) == 1 or ranked[0][1] > ranked[1][1]) else None


def _alphas(items: Sequence[Item], raters: Sequence[Filled]) -> list[Mapping[str, Any]]:
    """Alpha per question, over first answers; whether prompts concern their dimensions is one question, with two units a prompt."""
    grids = {
        "concerns": np.concatenate([_grid(items, raters, question) for question in CONCERNS], axis=1),
        **{question: _grid(items, raters, question) for question in QUESTIONS if question not in CONCERNS},
    }
    found: list[Mapping[str, Any]] = []
    for question, grid in grids.items():
        units = int((np.isfinite(grid).sum(axis=0) > 1).sum())
        found.append({"question": question, "level": "nominal", "alpha": alpha(grid, "nominal"), "units": units})
        if question == "quality":
            found.append({"question": question, "level": "ordinal", "alpha": alpha(grid, "ordinal"), "units": units})
    return found


def _grid(items: Sequence[Item], raters: Sequence[Filled], question: str) -> Floats:
    """Answers as numbers, (raters, items); NaN where missing."""
    number = {answer: float(index) for index, answer in enumerate(QUESTIONS[question])}
    cells = [[number[one.answers[item.id][question]] if item.id in one.answers else np.nan for item in items] for one in raters]
    return np.array(cells, dtype=np.float64).reshape(len(raters), len(items))


def _concerns(items: Sequence[Item], raters: Sequence[Filled]) -> dict[Dimension, Share]:
    votes = [
        (dimension(code), one.answers[item.id][question])
        for item in items
        for one in raters
        if item.id in one.answers
        for code, question in zip(item.pair.split("_"), CONCERNS, strict=True)
    ]
    counts = Counter(votes)
    return {each: Share(counts[each, "yes"], counts[each, "yes"] + counts[each, "no"]) for each in Dimension}


def adjudicate(item: Item, raters: Sequence[Filled], rule: Rule) -> Verdict:
    """The verdict of the majority, or open where a person has to settle it."""
    given = [one for one in raters if item.id in one.answers]
    votes = [one.answers[item.id] for one in given]
    counts = Counter(vote["verdict"] for vote in votes)
    told = f"{counts['accept']} accept, {counts['reject']} reject"
    ahead = "accept" if counts["accept"] >= counts["reject"] else "reject"
    if doubt := _doubt(item, votes, counts, ahead, rule):
        return Verdict("open", told, _with_remarks(doubt, item, given))
    return Verdict(ahead, told, _with_remarks(f"{counts[ahead]} of {len(votes)} {ahead}", item, given))


def _doubt(item: Item, votes: Sequence[Answers], counts: Mapping[str, int], ahead: str, rule: Rule) -> str | None:
    """Why the votes decide nothing."""
    if len(votes) < rule.votes:
        return f"{len(votes)} votes, and {rule.votes} are needed"
    if counts["accept"] == counts["reject"]:
        return f"a tie of {counts['accept']} to {counts['reject']}"
    if counts[ahead] < rule.majority * len(votes):
        return f"only {counts[ahead]} of {len(votes)} {ahead}"
    grades = [int(vote["quality"]) for vote in votes]
    if max(grades) - min(grades) > rule.spread:
        return f"grades of quality from {min(grades)} to {max(grades)}"
    for code, question in zip(item.pair.split("_"), CONCERNS, strict=True):
        against = sum(vote[question] == "no" for vote in votes)
        if ahead == "accept" and 2 * against > len(votes):
            return f"accepted, but {against} of {len(votes)} say that it does not concern {ABOUT[dimension(code)].name}"
    return None


def _with_remarks(reason: str, item: Item, raters: Sequence[Filled]) -> str:
    return " | ".join([reason, *(remark for one in raters if (remark := one.remarks.get(item.id)))])


def figures(key: Key, found: Outcome, rule: Rule) -> dict[str, Any]:
    """Agreement figures for the quality report, as JSON values."""
    counts = Counter(verdict.verdict for _, verdict in found.verdicts)
    return {
        "review": key.review,
        "prompts": len(found.verdicts),
        "verdicts": {name: counts[name] for name in ("accept", "reject", "open")},
        "alpha": list(found.alphas),
        "raters": [
            {"rater": one.rater, "answered": one.answered, "kept": one.kept}
            | {name: _share(getattr(one, name)) for name in ("gold", "repeats", "consensus")}
            for one in found.raters
        ],
        "concerns": {each.value: _share(share) for each, share in found.concerns.items()},
        "rule": {"gold": rule.gold, "votes": rule.votes, "majority": rule.majority, "spread": rule.spread},
    }


def _share(share: Share) -> dict[str, float | int | None]:
    return {"share": share.share, "agree": share.agree, "of": share.of}
