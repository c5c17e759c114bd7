"""Prompting with the map: recipes are learnt on train prompts where they pay and harm nothing, within the budget; and best-of-N beside it."""

from collections.abc import Sequence
from pathlib import Path

import polars as pl
import pytest
from lines import names
from prompted import PAYS, World, grammar, settings

from trig import tables
from trig.backends.cards import PROMPTING
from trig.classify.samples import points, rooted
from trig.errors import ParamsError, TableError
from trig.generate.plan import plan
from trig.generate.prompted import prompted
from trig.keys import prompt_key
from trig.params import load
from trig.params.prompting import Prompted
from trig.prompting.aims import Aim
from trig.prompting.best import CHOSEN
from trig.prompting.find import Found, Work, by_best, by_map
from trig.prompting.grammar import FILE, Grammar
from trig.prompting.loop import SECOND
from trig.prompting.outcome import ALL, TARGETED, Card, outcomes
from trig.prompting.recipes import Example, Job, Recipe
from trig.protocols.generator import Order, Picture
from trig.protocols.refusal import Refusal
from trig.tables.prompts import split
from trig.tables.rewrites import REWRITES
from trig.tables.trials import HISTORY, TRIALS
from trig.testing import factories
from trig.vocabulary.dimensions import Dimension, Pair, Task
from trig.vocabulary.relations import Relation

PAIR = "IQ-R_TA-C"
SUBSETS = tuple((task, Pair.parse(name)) for task in (Task.T2I, Task.P2P) for name in (PAIR, "IQ-R_TA-S", "IQ-A_TA-S"))


class Fake:
    """A painter of which only the revision is asked."""

    revision, engine = "painter", "none"

    def generate(self, orders: Sequence[Order]) -> list[Picture | Refusal]:
        raise AssertionError(orders)


@pytest.fixture
def prompts() -> pl.DataFrame:
    return factories.prompts(SUBSETS, 12, 16).with_columns(parent=pl.lit(None, pl.String))


def work(prompts: pl.DataFrame, world: World, by: str = "dtm", seeds: int = 1, **changes: object) -> Work:
    one = Prompted.model_validate({"base": "tiny", "by": by})
    return Work(one, "revision", settings(**changes), prompts, seeds, world)


def recipes(found: Found) -> dict[tuple[str, str], str | None]:
    return {(row["task"], row["pair"]): row["recipe"] for row in found.card["pairs"]}


@pytest.mark.parametrize(
    ("relation", "raised", "figure"),
    [
        (Relation.SYNERGY, ("IQ-R", "TA-C"), [0.5, 0.5, None]),
        (Relation.BOTTLENECK, ("IQ-R", "TA-C"), [0.5, 0.5, None]),
        (Relation.TILT, ("IQ-R",), [0.2, 0.7, None]),
        (Relation.DISPERSION, ("IQ-R", "TA-C"), [0.2, 0.3, None]),
    ],
)
def test_a_relation_asks_for_what_is_to_rise(relation: Relation, raised: tuple[str, ...], figure: list[float | None]) -> None:
    aim = Aim.of(Pair.parse(PAIR), relation, 0.4, 0.6)
    assert aim is not None and tuple(one.value for one in aim.raised) == raised
    assert "Realism" in aim.instruction and "Content" in aim.instruction
    points = pl.DataFrame({"x": [0.2, 0.7, 0.1], "y": [0.8, 0.3, None]})
    assert points.select(aim.figure.alias("f"))["f"].to_list() == pytest.approx(figure)


@pytest.mark.parametrize("relation", [Relation.NONE, Relation.TOO_FEW])
def test_no_relation_asks_for_nothing(relation: Relation) -> None:
    assert Aim.of(Pair.parse(PAIR), relation, 0.4, 0.6) is None


def test_what_pays_is_learnt_and_what_harms_another_dimension_is_not(prompts: pl.DataFrame) -> None:
    found = by_map(work(prompts, World()), grammar())
    learnt = {pair: recipe for (task, pair), recipe in recipes(found).items() if task == "t2i"}
    assert learnt == {PAIR: "lifelike", "IQ-R_TA-S": "lifelike", "IQ-A_TA-S": "grand"}
    reasons = dict(
        found.trials.filter(pl.col("round") == 1, pl.col("pair") == PAIR, pl.col("task") == "t2i").select("recipe", "reason").rows()
    )
    assert reasons["lifelike"] is None and reasons["bare"].startswith("TA-S falls by 0.19") and reasons["grand"] == "the aim does not rise"
    gains = {row["pair"]: row["gain"] for row in found.card["pairs"] if row["task"] == "t2i"}
    assert gains[PAIR] == pytest.approx(0.15, abs=0.03) and gains["IQ-A_TA-S"] == pytest.approx(0.1, abs=0.03)


def test_only_test_prompts_are_rewritten_and_only_train_prompts_are_painted(prompts: pl.DataFrame) -> None:
    world = World()
    found = by_map(work(prompts, world), grammar())
    test, train = (set(split(prompts, name)["data_id"]) for name in ("test", "train"))
    assert {name.partition(":")[0] for rows in world.seen for name in rows["data_id"]} <= train
    assert set(found.rewrites["data_id"]) == test and set(found.history["data_id"]) <= train
    rows = tables.check(found.rewrites, REWRITES, "rewrites")
    assert rows.select(pl.col("painted") == pl.col("prompt") + " " + pl.col("recipe")).to_series().all()
    assert rows["instruction"].null_count() == 0 and set(rows["writer"]) == {"grammar: planted"} and set(rows["round"]) == {1}


def test_the_judge_sees_the_prompt_as_it_was_and_the_noise_is_the_same(prompts: pl.DataFrame) -> None:
    world = World()
    by_map(work(prompts, world, seeds=2), grammar())
    keys = {(task, data_id): key for task, data_id, key in prompts.select("task", "data_id", "key").rows()}
    for rows in world.seen:
        asked = [(task, name.partition(":")[0]) for task, name in rows.select("task", "data_id").iter_rows()]
        assert rows["noise_key"].to_list() == [keys[one] for one in asked]
        assert rows["noise"].equals(rows["number"])
        assert not any(word in PAYS for prompt in rows["prompt"] for word in prompt.split())


def test_a_chain_grows_where_a_further_step_pays() -> None:
    both = factories.prompts([(Task.T2I, Pair.parse("IQ-R_IQ-A"))], 12, 16).with_columns(parent=pl.lit(None, pl.String))
    found = by_map(work(both, World(level=0.2)), grammar("grand", "lifelike", "idle"))
    assert set(recipes(found).values()) == {"lifelike+grand"}
    assert found.card["pairs"][0]["whole"] == pytest.approx(0.25, abs=0.03)
    assert found.trials.filter(recipe="grand")["reason"].to_list() == [SECOND]


@pytest.mark.parametrize("budget", [96, 150, 600])
def test_the_budget_holds_and_counts_distinct_pictures(prompts: pl.DataFrame, budget: int) -> None:
    world = World()
    found = by_map(work(prompts, world, budget=budget), grammar())
    assert found.card["spent"] == world.pictures <= budget
    assert (found.card["left_out"] > 0) == (budget < 600)


def test_a_budget_that_pays_for_no_map_is_one_line(prompts: pl.DataFrame) -> None:
    with pytest.raises(ParamsError, match=names("params.yaml: prompting.budget", 95, 96)):
        by_map(work(prompts, World(), budget=95), grammar())


def test_copies_share_their_pictures(prompts: pl.DataFrame) -> None:
    copies = prompts.filter(pl.col("pair") == PAIR).with_columns(
        pair=pl.lit("IQ-A_TA-C").cast(prompts.schema["pair"]),
        parent="data_id",
        data_id=pl.lit("IQ-A_TA-C_") + pl.col("data_id").str.split("_").list.last(),
    )
    once, twice = (by_map(work(frame, World(), rounds=1), grammar("idle")) for frame in (prompts, pl.concat([prompts, copies])))
    assert once.card["spent"] == twice.card["spent"]


def test_equal_runs_find_equal_tables_and_order_does_not_matter(prompts: pl.DataFrame) -> None:
    one, other = (by_map(work(frame, World()), grammar()) for frame in (prompts, prompts.sort("pair", "data_id", descending=True)))
    assert recipes(one) == recipes(other)
    again = by_map(work(prompts, World()), grammar())
    assert again.history.equals(one.history) and again.trials.equals(one.trials) and again.card == one.card


def test_lost_scores_accept_nothing(prompts: pl.DataFrame) -> None:
    world = World()

    def refusing(rows: pl.DataFrame) -> pl.DataFrame:
        found = world(rows)
        lost = pl.col("data_id").is_in(rows.filter(pl.col("painted").str.ends_with("lifelike"))["data_id"].to_list()[:1])
        return found.with_columns(pl.when(lost).then(None).otherwise(pl.col(name)).alias(name) for name in ("expected", "score_trig"))

    found = by_map(Work(Prompted(base="tiny", by="dtm"), "", settings(), prompts, 1, refusing), grammar("lifelike"))
    lost = found.trials.filter(pl.col("reason") == "1 scores are lost")
    assert lost.height == 1 and not lost["accepted"].item()


def test_a_folder_holds_the_tables_and_the_card(prompts: pl.DataFrame, tmp_path: Path) -> None:
    by_map(work(prompts, World()), grammar()).write(tmp_path / "made")
    for name, table in (("rewrites", REWRITES), ("trials", TRIALS), ("history", HISTORY)):
        assert tables.read(tmp_path / f"made/{name}.parquet", table).height
    assert (tmp_path / "made" / PROMPTING).is_file()


def test_a_rewritten_prompt_begins_with_the_noise_of_the_original(prompts: pl.DataFrame, tmp_path: Path) -> None:
    by_map(work(prompts, World(), seeds=2), grammar("lifelike", raises=(Dimension.REALISM,))).write(tmp_path)
    base = load().model("tiny")
    test = split(prompts, "test")
    plain = plan(prompted(test, base, 2), Fake(), 42, 2)
    rewritten = plan(prompted(test, base.model_copy(update={"prompting": str(tmp_path)}), 2), Fake(), 42, 2)
    assert plain["seed"].equals(rewritten["seed"])
    same = rewritten["prompt"] == plain["prompt"]
    assert 0 < same.sum() < same.len()
    assert (plain["image_key"] == rewritten["image_key"]).equals(same)
    assert rewritten["key"].to_list() == [prompt_key(*row) for row in rewritten.select("task", "prompt", "source").iter_rows()]


def test_prompts_that_were_others_are_told(prompts: pl.DataFrame, tmp_path: Path) -> None:
    by_map(work(prompts, World()), grammar()).write(tmp_path)
    entry = load().model("tiny").model_copy(update={"prompting": str(tmp_path)})
    changed = split(prompts, "test").with_columns(key=pl.col("key").str.reverse())
    for frame, seeds in ((changed, 1), (split(prompts, "test"), 2)):
        with pytest.raises(TableError, match=names(tmp_path, "rewrites.parquet", "dvc repro")):
            prompted(frame, entry, seeds)


def test_best_of_n_paints_what_the_budget_pays_for_and_chooses_the_best(prompts: pl.DataFrame) -> None:
    world = World()
    found = by_best(work(prompts, world, "best-of", seeds=2, budget=500))
    pictures = split(prompts, "test").height * 2
    assert found.card["draws"] == 1 + 500 // pictures == 4
    assert found.card["spent"] == world.pictures == 4 * pictures and found.card["flag"] == CHOSEN
    rows = tables.check(found.rewrites, REWRITES, "rewrites")
    assert rows["painted"].equals(rows["prompt"]) and rows["recipe"].null_count() == rows.height
    assert rows.select((pl.col("noise") - pl.col("number")) % 2 == 0).to_series().all() and rows["noise"].max() == 7
    shown = world.seen[0].select("task", "data_id", "number", "noise", name=pl.col("data_id").str.split(":").list.first())
    of_its_pair = pl.col("pair").cast(pl.String).str.split("_").list.contains(pl.col("dimension").cast(pl.String))
    means = world(world.seen[0]).filter(of_its_pair).group_by("task", "data_id", "number").agg(pl.col("expected").mean())
    best = means.join(shown, on=["task", "data_id", "number"]).sort("expected").unique(["task", "name", "number"], keep="last")
    both = rows.join(best, left_on=["task", "data_id", "number"], right_on=["task", "name", "number"])
    assert both.height == pictures and both["noise"].equals(both["noise_right"])


def test_a_budget_without_a_choice_is_one_line(prompts: pl.DataFrame) -> None:
    with pytest.raises(ParamsError, match=names("params.yaml: prompting.budget", 71, 72)):
        by_best(work(prompts, World(), "best-of", budget=71))


def test_the_outcome_is_paired_and_the_control_answers_for_the_same_pairs() -> None:
    frame = factories.prompts([(Task.T2I, Pair.parse(name)) for name in (PAIR, "IQ-A_TA-S")], 12, 0).with_columns(
        parent=pl.lit(None, pl.String)
    )
    base = factories.scores(frame)
    moved = {"rewritten": {PAIR: 0.1}, "best": {PAIR: 0.2, "IQ-A_TA-S": 0.2}}
    runs = [
        base,
        *(
            base.with_columns(
                model=pl.lit(model), expected=pl.col("expected") + pl.col("pair").cast(pl.String).replace_strict(by, default=0.0)
            )
            for model, by in moved.items()
        ),
    ]
    scored = rooted(pl.concat(runs), frame)
    learnt = {"recipe": "lifelike", "instruction": "", "relation": "tilt", "task": "t2i", "pair": PAIR}
    told = {"base": "tiny", "by": "dtm", "writer": "g", "flag": None, "budget": 9, "spent": 9, "painted": 24, "draws": None, "left_out": 0}
    cards: dict[str, Card] = {
        "rewritten": {**told, "pairs": [learnt, learnt | {"pair": "IQ-A_TA-S", "recipe": None}]},
        "best": {**told, "flag": CHOSEN, "pairs": []},
    }
    found = {one["model"]: one for one in outcomes(cards, points(scored, "expected"), scored.select("task", "data_id", "root").unique())}
    groups = {(model, group["scope"]): group for model, one in found.items() for group in one["groups"]}
    assert groups["rewritten", TARGETED]["change"] == pytest.approx(0.1) and groups["rewritten", TARGETED]["pairs"] == 1
    assert groups["rewritten", ALL]["change"] == pytest.approx(0.05) and groups["rewritten", ALL]["pairs"] == 2
    assert groups["best", TARGETED]["change"] == pytest.approx(0.2) and groups["best", TARGETED]["n"] == 12
    assert [row["change"] for row in found["rewritten"]["pairs"]] == pytest.approx([0.1, 0.0])
    nothing = outcomes({"rewritten": {**told, "pairs": []}}, points(scored, "expected"), scored.select("task", "data_id", "root").unique())
    assert nothing[0]["groups"][0]["change"] is None and nothing[0]["groups"][0]["pairs"] == 0


TINY = Path("material/tiny")
REWRITTEN = [
    ("answer", "D-K", "the thing you kick and a black bomb on a beach", "a ball and a black bomb on a beach"),
    ("answer", "D-K", "pixel art of a ball the colour of blood in a room", "pixel art of a red ball in a room"),
    ("unusual", "D-A", "something round in a meadow, lifelike", "a ring in a meadow, lifelike"),
    ("lifelike", "IQ-R", "a red ball in a meadow", "a red ball in a meadow, lifelike"),
    ("lifelike", "IQ-R", "a red ball in a meadow, beautiful", "a red ball in a meadow, beautiful"),
    ("photo", "IQ-R", "a red ball in a meadow", "a photo of a red ball in a meadow"),
    ("photo", "IQ-R", "a cartoon of a red ball", "a cartoon of a red ball"),
    ("bare", "TA-C", "a red ball in a meadow, beautiful", "a red ball in a meadow"),
    ("turn", "TA-R", "a red ball to the left of a blue box in a room", "a blue box to the right of a red ball in a room"),
    (
        "turn",
        "TA-R",
        "a cartoon of a nurse above something to travel in in a room, lifelike",
        "a cartoon of something to travel in below a nurse in a room, lifelike",
    ),
    ("soften", "R-T", "a cup and a red knife at night", "a cup and a red umbrella at night"),
]


@pytest.mark.parametrize(("step", "raises", "prompt", "expected"), REWRITTEN)
def test_the_tiny_worlds_grammar_writes_what_its_painter_reads(step: str, raises: str, prompt: str, expected: str) -> None:
    tiny = Grammar.of(TINY, 23)
    pair = Pair.parse(f"{raises}_TA-S" if raises != "TA-S" else "TA-C_TA-S")
    aim = Aim.of(pair, Relation.BOTTLENECK, 0.2, 0.3)
    assert aim is not None and step in tiny.steps(Task.T2I, aim)
    assert tiny.write([Job(Task.T2I, aim, Recipe((step,)), prompt)]) == [expected]


def test_every_word_of_the_tiny_grammar_is_known_to_the_painter() -> None:
    from tinyworld.words import vocabulary

    puts = {word.strip(",") for each in Grammar.of(TINY, 23).operations.values() for change in each.changes for word in change.put.split()}
    assert {word for word in puts if word.isalpha()} <= set(vocabulary())


def test_a_prompt_that_would_grow_too_long_stays() -> None:
    aim = Aim.of(Pair.parse(PAIR), Relation.BOTTLENECK, 0.2, 0.3)
    assert aim is not None
    assert Grammar.of(TINY, 7).write([Job(Task.T2I, aim, Recipe(("photo",)), "a red ball in a meadow")]) == ["a red ball in a meadow"]


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("bad: {raises: [IQ-R], tasks: [t2i], changes: [{find: '(', put: ''}]}", ("bad", "find", "(")),
        ("bad: {raises: [IQ-R], tasks: [t2i], changes: [{find: 'a', put: '\\2'}]}", ("bad", "put")),
        ("bad: {raises: [XX], tasks: [t2i], changes: [{find: 'a', put: ''}]}", ("bad", "raises", "XX")),
        ("bad: {raises: [], tasks: [t2i], changes: [{find: 'a', put: ''}]}", ("bad", "raises")),
        ("bad: {raises: [IQ-R], tasks: [t2i], change: []}", ("bad", "change")),
    ],
)
def test_a_mistake_in_a_grammar_is_one_line(text: str, told: tuple[str, ...], tmp_path: Path) -> None:
    (tmp_path / FILE).write_text(text, "utf-8")
    with pytest.raises(TableError, match=names(tmp_path / FILE, *told)):
        Grammar.of(tmp_path, 23)


def test_a_material_without_a_grammar_is_one_line(tmp_path: Path) -> None:
    with pytest.raises(TableError, match=names(tmp_path / FILE, "prompting.annotator")):
        Grammar.of(tmp_path, 23)


class Student:
    """A writer that learns: it repeats the last word of an example that gained much."""

    name, learns = "student", True

    def __init__(self) -> None:
        self.taught: list[tuple[Example, ...]] = []

    def steps(self, task: Task, aim: Aim) -> list[str]:
        del task, aim
        return ["idle", "lifelike"]

    def write(self, jobs: Sequence[Job]) -> list[str]:
        self.taught += [job.recipe.examples for job in jobs]
        return [f"{job.prompt} {_said(job.recipe)}" if job.recipe.steps else job.prompt for job in jobs]


def _said(recipe: Recipe) -> str:
    best = max(recipe.examples, key=lambda one: one.gain, default=None)
    return best.painted.rpartition(" ")[2] if best and best.gain > 0.1 else recipe.steps[0]


def test_a_writer_that_learns_is_shown_what_gained_most_and_least(prompts: pl.DataFrame) -> None:
    student = Student()
    found = by_map(work(prompts.filter(pl.col("pair") == PAIR), World(), candidates=1), student)
    assert [row["recipe"] for row in found.card["pairs"]] == ["lifelike", "lifelike"]
    first, second = found.trials.filter(round=1)["reason"].to_list(), found.trials.filter(round=2)["accepted"].to_list()
    assert set(first) == {"the aim does not rise"} and all(second)
    shown = [examples for examples in student.taught if examples]
    assert shown and all(len(examples) <= 6 for examples in shown)
    assert all(examples[0].gain >= examples[-1].gain for examples in shown)
