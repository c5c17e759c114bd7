"""The loop: candidates are painted on train prompts and judged; a recipe per pair is kept where its aim rises and nothing else falls."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import polars as pl

from trig.classify.relations import counted
from trig.classify.samples import points, rooted
from trig.errors import ParamsError
from trig.params.prompting import Prompting
from trig.prompting.aims import Aim
from trig.prompting.measured import Ledger, Measure, asked, wide
from trig.prompting.recipes import Example, Job, Recipe, Writer
from trig.prompting.trial import Trial, Verdict, sides, tried, verdicts
from trig.tables.trials import HISTORY, TRIALS
from trig.vocabulary.dimensions import Pair, Task
from trig.vocabulary.relations import Relation

SECOND = "another candidate of the round gained more"
SHOWN = 3
"""Best and worst rewritings that a language model is shown, of each so many."""


@dataclass(slots=True)
class Case:
    """A pair in the loop."""

    task: Task
    aim: Aim
    prompts: pl.DataFrame  # train prompts, with `root`
    first: pl.DataFrame  # scores of the prompts as they are
    now: pl.DataFrame  # scores by the recipe in force
    recipe: Recipe = field(default_factory=Recipe)
    place: tuple[int, int] | None = None  # round and candidate that brought it
    trial: Trial | None = None
    tried: dict[str, int] = field(default_factory=lambda: defaultdict(int))  # step → how often
    examples: list[Example] = field(default_factory=list)

    @property
    def level(self) -> float:
        """Mean of the figure that is to rise; 0 where nothing was scored."""
        found = sides(self.aim, self.now).select(self.aim.figure.mean()).item()
        return 0.0 if found is None else float(found)


@dataclass(frozen=True, slots=True)
class Candidate:
    """A recipe on trial."""

    case: Case
    recipe: Recipe
    round: int
    number: int  # in its round, over all pairs
    painted: Sequence[str]

    @property
    def label(self) -> str:
        """Tells its pictures apart."""
        return f"{self.round}.{self.number}"


class Loop:
    """A run of the loop. `prompts` is the prompts table, of which the train split alone is used."""

    def __init__(self, prompts: pl.DataFrame, measure: Measure, writer: Writer, settings: Prompting) -> None:
        train = rooted(prompts, prompts).filter(pl.col("split") == "train")
        self.train = train.filter(pl.int_range(pl.len()).over("task", "pair") < settings.prompts)
        self.measure, self.writer, self.settings = measure, writer, settings
        self.ledger = Ledger(settings.budget, set())
        self.relations: dict[tuple[str, str], Relation] = {}
        self.left_out = 0  # candidates for which the budget did not suffice
        self.trials: list[dict[str, Any]] = []
        self.history: list[pl.DataFrame] = []
        self.learnt: dict[tuple[str, str], list[float]] = defaultdict(list)  # step and dimension → gains

    def run(self) -> dict[tuple[str, str], Case]:
        """The cases with the recipes that were learnt, by task and pair. Raises ParamsError where the budget does not pay for a map."""
        cases = self._cases()
        for round_ in range(1, self.settings.rounds + 1):
            trials = self._affordable(self._candidates(sorted(cases.values(), key=lambda case: case.level), round_))
            if not trials:
                break
            self._judge(trials)
        return cases

    def _cases(self) -> dict[tuple[str, str], Case]:
        """Paints the prompts as they are, draws the map of them, and sets an aim for each pair."""
        if self.train.is_empty():
            raise ParamsError("params.yaml: annotate.train_per_subset: no prompts are held for training; ask for some")
        rows = asked(self.train, self.train["prompt"].to_list(), self.settings.seeds, "0.0")
        if not self.ledger.pay(rows):
            raise ParamsError(
                f"params.yaml: prompting.budget: {self.settings.budget} pictures are fewer than the {len(self.ledger.price(rows))} of train prompts that"
                f" the map is drawn from; raise it, or lower prompting.prompts or prompting.seeds"
            )
        scores = self.measure(rows)
        cases = {}
        for (task, pair), (relation, *means) in _map(scores, self.settings).items():
            self.relations[task, pair] = relation
            own = self.train.filter(pl.col("task") == task, pl.col("pair") == pair)
            aim = Aim.of(Pair.parse(pair), relation, *means)
            if aim is not None:
                first = self._scores(scores, own, "0.0")
                cases[task, pair] = case = Case(Task(task), aim, own, first, first)
                self.history.append(self._told(Candidate(case, Recipe(), 0, 0, own["prompt"].to_list()), first))
        return cases

    def _scores(self, scores: pl.DataFrame, prompts: pl.DataFrame, label: str) -> pl.DataFrame:
        mine = scores.filter(pl.col("task") == prompts["task"][0], pl.col("pair") == prompts["pair"][0])
        return wide(mine, self.settings.map.score, label, prompts.select("data_id", "root"))

    def _candidates(self, cases: Sequence[Case], round_: int) -> list[Candidate]:
        """The next candidates of each case. A grammar's steps that change no prompt take no place."""
        whole = {id(case): self._recipes(case) for case in cases}
        jobs = [
            Job(case.task, case.aim, recipe, prompt) for case in cases for recipe in whole[id(case)] for prompt in case.prompts["prompt"]
        ]
        texts, before = (
            iter(self.writer.write(jobs)),
            iter(self.writer.write([_before(job) for job in jobs]) if not self.writer.learns else ()),
        )
        found: list[Candidate] = []
        for case in cases:
            kept = 0
            for recipe in whole[id(case)]:
                painted = [next(texts) for _ in range(case.prompts.height)]
                was = case.prompts["prompt"].to_list() if self.writer.learns else [next(before) for _ in painted]
                if painted != was and kept < self.settings.candidates:
                    kept += 1
                    found.append(Candidate(case, recipe, round_, len(found), painted))
        return found

    def _recipes(self, case: Case) -> list[Recipe]:
        """Recipes with one more step, the most promising first: by what the step gained in pairs that aim at the same dimensions."""
        steps = self.writer.steps(case.task, case.aim)
        order = sorted(steps, key=lambda step: (case.tried[step], -self._promise(step, case.aim)))
        if self.writer.learns:
            return [Recipe((step,), _shown(case.examples)) for step in order[: self.settings.candidates]]
        return [Recipe((*case.recipe.steps, step)) for step in order if not case.tried[step]]

    def _promise(self, step: str, aim: Aim) -> float:
        gains = [gain for one in aim.raised for gain in self.learnt[step, one.value]]
        return float(np.mean(gains)) if gains else 0.0

    def _affordable(self, candidates: Sequence[Candidate]) -> list[tuple[Candidate, pl.DataFrame]]:
        found = []
        for one in candidates:
            rows = asked(one.case.prompts, one.painted, self.settings.seeds, one.label)
            if self.ledger.pay(rows):
                found.append((one, rows))
            else:
                self.left_out += 1
        return found

    def _judge(self, trials: Sequence[tuple[Candidate, pl.DataFrame]]) -> None:
        """Paints and judges a round, and puts the best accepted candidate of each pair in force."""
        scores = self.measure(pl.concat([rows for _, rows in trials]))
        found = [(one, self._scores(scores, one.case.prompts, one.label)) for one, _ in trials]
        told = [tried(one.case.aim, one.case.first, one.case.now, new) for one, new in found]
        whole = [(*each, trial, verdict) for each, trial, verdict in zip(found, told, verdicts(told, self.settings), strict=True)]
        best = {id(one.case): one for one, _, _, verdict in sorted(whole, key=lambda each: each[2].gain or 0.0) if verdict.accepted}
        for one, new, trial, verdict in whole:
            if verdict.accepted and best[id(one.case)] is not one:
                self._note(one, new, trial, verdict._replace(accepted=False, reason=SECOND))
                continue  # its step is tried again, after the better one
            self._note(one, new, trial, verdict)
            one.case.tried[one.recipe.steps[-1]] += 1
            if verdict.accepted:
                one.case.recipe, one.case.place, one.case.trial, one.case.now = one.recipe, (one.round, one.number), trial, new

    def _note(self, one: Candidate, new: pl.DataFrame, trial: Trial, verdict: Verdict) -> None:
        step, case = one.recipe.steps[-1], one.case
        for dimension in case.aim.raised:
            self.learnt[step, dimension.value].append(trial.gain or 0.0)
        told = self._told(one, new)
        self.history.append(told)
        self.trials.append({**self._named(one), "prompts": case.prompts.height, **trial._asdict(), **verdict._asdict()})
        before = self._told(Candidate(case, Recipe(), 0, 0, case.prompts["prompt"].to_list()), case.first)
        both = told.join(before.select("data_id", before="aimed"), on="data_id", how="left", maintain_order="left")
        gains = both.with_columns(gain=pl.col("aimed") - pl.col("before")).drop_nulls("gain").filter(pl.col("prompt") != pl.col("painted"))
        case.examples += [Example(*row) for row in gains.select("prompt", "painted", "gain").iter_rows()]

    def _named(self, one: Candidate) -> dict[str, Any]:
        aim = one.case.aim
        named = {"task": one.case.task.value, "pair": str(aim.pair), "relation": aim.relation.value, "round": one.round}
        return named | {"candidate": one.number, "recipe": str(one.recipe), "writer": self.writer.name}

    def _told(self, one: Candidate, scores: pl.DataFrame) -> pl.DataFrame:
        """Rows of the history."""
        case = one.case
        means = sides(case.aim, scores).with_columns(aimed=case.aim.figure).group_by("data_id").agg(pl.col("x", "y", "aimed").mean())
        rows = case.prompts.select("data_id", "prompt", painted=pl.Series(one.painted, dtype=pl.String))
        named = [pl.lit(value).alias(name) for name, value in self._named(one).items()]
        told = rows.join(means, on="data_id", how="left", maintain_order="left").with_columns(named)
        return told.select([pl.col(name).cast(kind) for name, kind in HISTORY.columns.items()])

    def tables(self) -> tuple[pl.DataFrame, pl.DataFrame]:
        """TRIALS and HISTORY."""
        empty = pl.DataFrame(schema=dict(HISTORY.columns))
        return pl.DataFrame(self.trials, schema=dict(TRIALS.columns)), pl.concat([empty, *self.history])


def _map(scores: pl.DataFrame, settings: Prompting) -> Mapping[tuple[str, str], tuple[Relation, float, float]]:
    """Relation and means of each task and pair."""
    seen = points(scores, settings.map.score)
    means = seen.drop_nulls(["x", "y"]).group_by("task", "pair").agg(pl.col("x", "y").mean())
    found = counted(seen, settings.map.thresholds).join(means, on=["task", "pair"], how="inner", maintain_order="left")
    return {
        (task, pair): (Relation(relation), x, y) for task, pair, relation, x, y in found.select("task", "pair", "relation", "x", "y").rows()
    }


def _before(job: Job) -> Job:
    """The same without its last step."""
    return Job(job.task, job.aim, Recipe(job.recipe.steps[:-1]), job.prompt)


def _shown(examples: Sequence[Example]) -> tuple[Example, ...]:
    """Rewritings that gained most, and those that gained least."""
    ordered = sorted(examples, key=lambda one: (-one.gain, one.prompt, one.painted))
    return tuple(ordered if len(ordered) <= 2 * SHOWN else ordered[:SHOWN] + ordered[-SHOWN:])
