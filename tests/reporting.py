"""A report on an invented run, put together as the stages do."""

from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path

import polars as pl

from trig import tables
from trig.classify.inputs import roster_diagnosed
from trig.classify.relations import relations
from trig.classify.samples import rooted
from trig.params.proof import Proof, SecondEye
from trig.params.sweeps import Curve
from trig.params.thresholds import Thresholds
from trig.prompting.best import CHOSEN
from trig.proof.evidence import Evidence
from trig.report import assemble, digest, gather, libraries, measures, originals, page, sheets, stills
from trig.report import publish as publishing
from trig.report.contents import Background, Contents, Gathered
from trig.report.facts.digest import Gate, Tuning, Yardstick
from trig.report.measures import Pixels
from trig.report.sheets import Sheet
from trig.store import Store
from trig.tables.prompts import PROMPTS
from trig.testing import factories
from trig.vocabulary.dimensions import Task

THRESHOLDS = factories.thresholds()
BACKGROUND = Background(
    tiny=True,
    rubrics={"name": "data/rubrics/mine", "texts": [{"task": "t2i", "dimension": "IQ-R", "text": "<b>Real?</b>\nGrade: Bad or Good."}]},
    tunings=(Tuning("tiny", "tiny-dtm", ("IQ-R_TA-S",), {"steps": "200"}),),
    versions={"judge": "tiny-judge@0123abcd"},
    settings={"seed": "42"},
    curves=(Curve("tiny", "steps", (("tiny-turbo", 4.0), ("tiny", 16.0))),),
    yardstick=Yardstick("the truth", {"IQ-R": 0.97, "IQ-O": 0.5}, {"IQ-R": 200, "IQ-O": 200}),
)


@dataclass(frozen=True)
class Run:
    """What the stages read, so that a test can change any of it."""

    models: tuple[str, ...]
    prompts: pl.DataFrame
    scores: pl.DataFrame
    relations: pl.DataFrame
    sheets: Sequence[Sheet]
    pictures: Mapping[str, bytes]
    gates: tuple[Gate, ...]
    pixels: Pixels
    originals: Mapping[str, bytes] = field(default_factory=dict)
    thresholds: Thresholds = THRESHOLDS
    background: Background = BACKGROUND

    @property
    def score(self) -> str:
        return self.thresholds.score

    @cached_property
    def gathered(self) -> Gathered:
        """What no limit of the rule decides."""
        told = (
            self.models,
            self.prompts,
            self.scores,
            self.thresholds,
            self.sheets,
            self.pictures,
            self.background,
            self.pixels,
            self.originals,
            libraries.bundled(),
        )
        return gather.gathered(*told)

    @property
    def answers(self) -> pl.DataFrame:
        return self.gathered.answers

    @property
    def points(self) -> pl.DataFrame:
        return self.gathered.points

    @cached_property
    def contents(self) -> Contents:
        made, _ = digest.digest(self.gathered)
        return assemble.contents(made, self.relations, self.thresholds, self.gates)

    @cached_property
    def html(self) -> str:
        return page.render(self.contents)

    def write(self, folder: Path) -> None:
        """Every file of the report, and the digest."""
        gather.write(self.gathered, folder / "digest", folder)
        kept = digest.read(folder / "digest" / "facts.json")
        publish(assemble.contents(kept, self.relations, self.thresholds, self.gates), folder)

    @property
    def stills(self) -> tuple[bytes, bytes]:
        return stills.maps(self.contents), stills.dimensions(self.gathered)


def publish(contents: Contents, folder: Path) -> None:
    """The report's files."""
    with ThreadPoolExecutor(1) as worker:
        publishing.publish(contents, stills.drawn(contents, worker), folder)


CHANGE = {"gain": 0.1, "gain_low": 0.05, "gain_high": 0.15}
PROMPTED = {
    "base": "tiny",
    "by": "dtm",
    "writer": "grammar: <tiny>",
    "flag": None,
    "budget": 900,
    "spent": 800,
    "painted": 500,
    "draws": None,
    "left_out": 3,
    "pairs": [
        {"task": "t2i", "pair": pair, "relation": "tilt", "instruction": "Hold a floor.", "recipe": recipe, "trials": 2, **CHANGE}
        for pair, recipe in (("IQ-R_TA-S", "photo+bare"), ("TA-C_TA-S", None))
    ],
}
"""The card of rewritten prompts."""
CONTROL = {**PROMPTED, "by": "best-of", "writer": None, "flag": CHOSEN, "draws": 3, "spent": 1_500, "pairs": []}


def prompted(run: "Run") -> "Run":
    """The same run with two prompted models: `tiny-turbo` paints rewritten prompts, `tiny-dtm` is the control."""
    return replace(run, background=replace(run.background, promptings={"tiny-turbo": PROMPTED, "tiny-dtm": CONTROL}))


LIMITS = Proof(
    eye=SecondEye(weights=None, needs="params.yaml"), prompts=2, seeds=2, unchanged=0.001, max_fall=0.03, max_drift=0.2, max_collapse=0.1
)


def proven(run: "Run", gain: float = 0.1, stopped: str | None = None) -> "Run":
    """The same run with a second eye on the tuned model: it sees the target gain by so much, and the others fall; diversity is halved."""
    base = run.scores.filter(pl.col("model") == "tiny").with_columns(scorer=pl.lit("eye"), key=pl.col("key") + "e")
    target = pl.col("dimension").cast(pl.String).is_in(["IQ-R", "TA-S"])
    after = base.with_columns(
        model=pl.lit("tiny-dtm"), key=pl.col("key") + "t", expected=pl.col("expected") + pl.when(target).then(gain).otherwise(-0.05)
    )
    spreads = [
        run.pixels.diversity.filter(pl.col("model") == "tiny").with_columns(
            model=pl.lit(model), vendi=pl.lit(vendi), key=pl.col("key") + model
        )
        for model, vendi in (("tiny", 3.0), ("tiny-dtm", 2.0))
    ]
    (tuning,) = run.background.tunings
    notes = {**tuning.notes, "candidates": "320", **({"stopped": stopped} if stopped else {})}
    found = {"tiny-dtm": Evidence(pl.concat([base, after]), pl.concat(spreads))}
    return replace(run, background=replace(run.background, tunings=(replace(tuning, notes=notes),), proof=LIMITS, proofs=found))


def run_of(root: Path, rows: int = 12, per_pair: int = 3, seeds: int = 1, tasks: Sequence[Task] = (Task.T2I,)) -> Run:
    """A run of three models, all pairs of the tasks, `rows` prompts each and `seeds` pictures of each prompt, written to `root`."""
    factories.write_run(root, rows, seeds, tasks)
    prompts = tables.read(root / "prompts.parquet", PROMPTS)
    scores = rooted(roster_diagnosed(root / "scores", root / "diagnostics", factories.MODELS, prompts), prompts)
    shown = gather.picked(scores, THRESHOLDS.score, per_pair)
    with Store.open(root / "work") as store:
        list(sheets.draw(shown, root / "images", store))
        pictures = sheets.drawn(shown, store)
        edited = originals.sources(shown, prompts)
        list(originals.draw(edited, factories.Drawings(), store))
        before = originals.drawn(edited, store)
    pixels = measures.read(root / "figures", factories.MODELS, prompts)
    gates = (Gate("prompts", True, 9, (), "gates/prompts.html"), Gate("scores", False, 7, ("<b>3 rows</b> fail",)))
    return Run(factories.MODELS, prompts, scores, relations(scores, THRESHOLDS), shown, pictures, gates, pixels, before)
