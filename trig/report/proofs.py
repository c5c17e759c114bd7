"""Tuned models in the report: their facts, what they amount to in sentences, metrics, and lines of the summary."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from trig.params.proof import Proof
from trig.proof.evidence import Evidence, moved, spread
from trig.proof.verdicts import Verdict, of_change, together
from trig.report.contents import Gathered
from trig.report.facts.digest import Change, Tuning
from trig.report.facts.proof import Control, Monitor, Proved, Seen, Spread, Told
from trig.report.facts.rows import fitted
from trig.report.markdown import code, prose, table
from trig.report.numbers import changes, couples
from trig.report.prompting import facts as prompted
from trig.vocabulary.about import ABOUT
from trig.vocabulary.about_figures import ABOUT as FIGURES
from trig.vocabulary.dimensions import Dimension, Pair
from trig.vocabulary.figures import Figure

DECIMALS = 4
"""Decimals of metrics.json."""
HEADS = ("task", "over", "dimension", "judge", "95 % interval", "n", "second eye", "95 % interval", "n", "verdict")


def facts(run: Gathered, tuned: Sequence[Sequence[Change]]) -> list[Proved]:
    """Facts of the tuned models that were looked at; `tuned` are the judge's changes of each of the background's tunings."""
    limits, found = run.background.proof, run.background.proofs
    if limits is None:
        return []
    both = zip(run.background.tunings, tuned, strict=True)
    return [_proved(run, tuning, of, found[tuning.tuned], limits) for tuning, of in both if tuning.tuned in found]


def _proved(run: Gathered, tuning: Tuning, by_judge: Sequence[Change], evidence: Evidence, limits: Proof) -> Proved:
    aims = {dimension.value for pair in tuning.pairs for dimension in (Pair.parse(pair).x, Pair.parse(pair).y)}
    by_eye = changes(evidence.seen, tuning, run.score).to_dicts() if evidence.seen.height else []
    rows = list(_rows(by_judge, by_eye, aims, limits))
    monitors = fitted(Monitor, [one | {"astray": _astray(one, limits)} for one in moved(run.pixels, tuning.base, tuning.tuned)])
    spreads = fitted(
        Spread, [one | {"collapsed": _collapsed(one, limits)} for one in spread(evidence.diversity, tuning.base, tuning.tuned)]
    )
    own = [row for row in rows if row["target"] and row["pair"] is None]
    stopped = tuning.notes.get("stopped")
    repaired = bool(own) and all(row["verdict"] == Verdict.IMPROVED for row in own)
    found: Proved = {
        "model": tuning.tuned,
        "base": tuning.base,
        "pairs": list(tuning.pairs),
        "eye": evidence.seen["scorer"][0] if evidence.seen.height else None,
        "stopped": stopped,
        "repaired": repaired,
        "said": [],
        "rows": rows,
        "monitors": monitors,
        "spreads": spreads,
        "controls": list(_controls(run, tuning, aims)),
    }
    return {**found, "said": list(_sentences(found, limits))}


def _rows(judge: Sequence[Mapping[str, Any]], eye: Sequence[Mapping[str, Any]], aims: set[str], limits: Proof) -> Iterator[Told]:
    """Target pairs first, then all prompts; the dimensions in their order."""
    sides = [{(row["task"], row["pair"], row["dimension"]): row for row in of} for of in (judge, eye)]
    order = list(map(str, Dimension))
    keys = sorted({*sides[0], *sides[1]}, key=lambda one: (str(one[0]), one[1] is None, str(one[1]), order.index(str(one[2]))))
    for task, pair, dimension in keys:
        if pair is not None and dimension not in str(pair).split("_"):
            continue
        said = [side.get((task, pair, dimension)) for side in sides]
        verdict, why = together(*(None if row is None else of_change(row, limits.unchanged) for row in said))
        mine, other = (None if row is None else _seen(row) for row in said)
        yield {
            "task": str(task), "pair": pair, "dimension": str(dimension), "target": str(dimension) in aims, "judge": mine, "eye": other,
            "verdict": verdict.value, "why": why,
        }  # fmt: skip


def _seen(row: Mapping[str, Any]) -> Seen:
    return {"before": row["before"], "after": row["after"], "change": row["mean"], "low": row["low"], "high": row["high"], "n": row["n"]}


def _astray(one: Mapping[str, Any], limits: Proof) -> bool:
    """Whether a figure ran away: by more than may be, or from one value that all had; and surely."""
    sure = one["low"] is not None and not one["low"] <= 0 <= one["high"]
    return bool(sure and (one["drift"] is None or abs(one["drift"]) > limits.max_drift))


def _collapsed(one: Mapping[str, Any], limits: Proof) -> bool:
    return bool(one["high"] is not None and one["high"] < 0 and one["lost"] > limits.max_collapse)


def _controls(run: Gathered, tuning: Tuning, aims: set[str]) -> Iterator[Control]:
    """Other models that began with the same base."""
    ways: dict[str, tuple[str, int | None]] = {
        one.tuned: (f"tuned for {', '.join(one.pairs)}", _number(one.notes.get("candidates")))
        for one in run.background.tunings
        if one.base == tuning.base
    }
    ways |= {one["model"]: (f"prompting: {one['by']}", one["pictures"]) for one in prompted(run) if one["base"] == tuning.base}
    order = [(tuning.base, name) for name in ways]
    for (_, name), found in couples(run.scores, run.score, order).items():
        own = {row["dimension"]: _seen(row) for row in found if row["dimension"] in aims}
        yield {"model": name, "how": ways[name][0], "pictures": ways[name][1], "changes": own}


def _number(said: str | None) -> int | None:
    return int(said) if said is not None and said.isdigit() else None


def _sentences(found: Proved, limits: Proof) -> Iterator[str]:
    """Whether it repairs, what it costs, and what went astray."""
    whole = [row for row in found["rows"] if row["pair"] is None]
    aims, guards = ([row for row in whole if row["target"] is target] for target in (True, False))
    verb = "repairs" if found["repaired"] else "does not show that it repairs"
    told = "; ".join(map(_aim, aims)) or "nobody scored them"
    yield f"{found['model']} {verb} {', '.join(found['pairs'])} of {found['base']} over all held-out prompts: {told}."
    fell = [(row, said) for row in guards if (said := _fell(row, limits))]
    if fell:
        price = ", ".join(f"{_name(row['dimension'])}{_in(row, whole)} {said}" for row, said in fell)
        yield f"At a price: {price}."
    else:
        yield f"No other dimension falls by more than {limits.max_fall:g}."
    for one in found["monitors"]:
        if one["astray"]:
            about = FIGURES[Figure(one["figure"])].name
            yield f"{about} ran away, from {one['before']:.3f} to {one['after']:.3f} on {one['task']}: look at the pictures before you believe a score."
    for each in found["spreads"]:
        if each["high"] is not None and each["high"] < 0:
            lost = f"{each['lost']:.0%} of the diversity over seeds is lost on {each['task']}"
            yield f"Pictures of one prompt are more alike: {lost}{', which is a collapse' if each['collapsed'] else ''}."
    if found["stopped"]:
        yield f"Its training was ended early: {found['stopped']}."


def _aim(row: Told) -> str:
    said = " and ".join(f"{each['change']:+.3f} by the {by}" for by, each in (("judge", row["judge"]), ("second eye", row["eye"])) if each)
    return f"{_name(row['dimension'])} {row['verdict']}, {said}"


def _fell(row: Told, limits: Proof) -> str:
    """What fell by more than may be, by whom, and how surely; empty where nothing did."""
    told = [
        f"{each['change']:+.3f} by the {by}{'' if each['high'] is not None and each['high'] < 0 else ' (not sure)'}"
        for by, each in (("judge", row["judge"]), ("second eye", row["eye"]))
        if each and each["change"] < -limits.max_fall
    ]
    return " and ".join(told)


def _in(row: Told, rows: Sequence[Told]) -> str:
    return f" on {row['task']}" if len({one["task"] for one in rows}) > 1 else ""


def _name(dimension: str) -> str:
    return ABOUT[Dimension(dimension)].name


def metrics(found: Sequence[Proved]) -> dict[str, Any]:
    """Per tuned model: whether it repairs, verdicts, and what went astray. Empty without any."""
    told = {
        one["model"]: {
            "base": one["base"],
            "pairs": one["pairs"],
            "repaired": one["repaired"],
            "stopped": one["stopped"],
            "astray": [each["figure"] for each in one["monitors"] if each["astray"]],
            "collapsed": any(each["collapsed"] for each in one["spreads"]),
            "dimensions": {row["dimension"]: _told(row) for row in one["rows"] if row["pair"] is None},
        }
        for one in found
    }
    return {"proofs": told} if told else {}


def _told(row: Told) -> dict[str, Any]:
    sides = ((by, seen) for by, seen in (("judge", row["judge"]), ("eye", row["eye"])) if seen)
    return {"verdict": row["verdict"], **{by: round(seen["change"], DECIMALS) for by, seen in sides}}


def first(found: Sequence[Proved]) -> list[str]:
    """The first paragraph of the summary: a line per tuned model. Empty without any."""
    return [f"- {prose(' '.join(one['said']))}" for one in found]


def lines(found: Sequence[Proved]) -> list[str]:
    """Tables of Markdown, one per tuned model. Empty without any."""
    made = []
    for one in found:
        rows = [_line(row) for row in one["rows"]]
        title = f"### {code(one['model'])} beside {code(one['base'])}"
        about = "Paired on held-out prompts and seeds. The judge scores prompts that are about the dimension, the second eye all; it chose no lesson."
        made += ["", title, "", about, "", *table(HEADS, rows, names=3)]
    return made


def _line(row: Told) -> list[str]:
    over = code(row["pair"]) if row["pair"] else "all prompts"
    return [row["task"], over, _name(row["dimension"]), *_side(row["judge"]), *_side(row["eye"]), row["verdict"]]


def _side(seen: Seen | None) -> tuple[str, str, str]:
    if seen is None:
        return "–", "–", "–"
    ends = "–" if seen["low"] is None else f"{seen['low']:+.3f} to {seen['high']:+.3f}"
    return f"{seen['change']:+.3f}", ends, str(seen["n"])
