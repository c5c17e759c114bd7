"""`trig judge --dry-run`: exact counts of questions, close token estimates, nothing sent."""

import json
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import polars as pl
import pytest
import workplace
from aiohttp import web
from typer.testing import CliRunner

from trig import params, tables
from trig.backends import checkpoint, judges
from trig.backends.judges.transformers import Transformers
from trig.cli.main import app
from trig.errors import ParamsError, TableError
from trig.judge.album import Album
from trig.judge.ask import answer
from trig.judge.plan import Plan, together
from trig.judge.rubrics import rubrics
from trig.judge.run import Painted, calls
from trig.keys import prompt_key
from trig.llm.cost import length
from trig.pictures import opened
from trig.protocols.judge import Question
from trig.store import Store
from trig.tables.images import IMAGES
from trig.tables.prompts import PROMPTS, numbered, split
from trig.tables.sources import Library, digest
from trig.testing import factories
from trig.testing.servers import Stub, running
from trig.vocabulary.dimensions import Dimension, Pair, Task

JUDGE = "judges__tiny-served__"
CALLS = 24
"""Of the factory's prompts: 3 subsets of 4, on 2 dimensions."""


@pytest.fixture
def server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Stub]:
    """Server and working folder: a roster of two models, pictures of the first, the served judge configured."""
    stub = Stub()
    with running(stub) as address:
        roster = {"generate__roster": ["tiny", "tiny-turbo"]}
        endpoint = {JUDGE + "endpoints": [f"{address}/v1"], JUDGE + "model": "stub", JUDGE + "retries": 0}
        workplace.bench(tmp_path, judge__name="tiny-served", **roster, **endpoint)
        monkeypatch.chdir(tmp_path)
        monkeypatch.delenv("DVC_ROOT", raising=False)
        prompts = factories.prompts()
        tables.write(prompts, PROMPTS, tmp_path / "data/prompts.parquet")
        paint(prompts, "tiny")
        yield stub


def paint(prompts: pl.DataFrame, model: str) -> None:
    tables.write(factories.images(prompts, model, 64, 64), IMAGES, Path("data/images") / model / "t2i/all.parquet")


def prompts() -> pl.DataFrame:
    return tables.read(Path("data/prompts.parquet"), PROMPTS)


def reword(old: str, new: str) -> None:
    """Rewords a prompt, as a rerun of annotate would."""
    rows = [
        {**row, "prompt": new, "key": prompt_key(row["task"], new, None)} if row["prompt"] == old else row
        for row in prompts().iter_rows(named=True)
    ]
    tables.write(pl.DataFrame(rows, schema=dict(PROMPTS.columns)), PROMPTS, Path("data/prompts.parquet"))


def planned(*words: str) -> dict[str, Any]:
    """Figures of a dry run by model, and `all`."""
    told = CliRunner().invoke(app, ["judge", "--dry-run", "--json", *words], catch_exceptions=False)
    found = json.loads(told.stdout)
    return {each["model"]: each for each in [*found["models"], found["all"]]}


def counts(figures: dict[str, Any]) -> tuple[int, int, int, int]:
    known, refused, asked = (figures[name] for name in ("known", "refused", "to_ask"))
    assert known + refused + asked == figures["calls"]
    return figures["calls"], known, refused, asked


def run_the_judge(model: str) -> None:
    settings = params.load()
    images = Album.open(Path("data/images") / model)
    with Store.open() as store:
        judge = judges.load(settings)
        painted = Painted(numbered(split(prompts(), "test"), 1), Library(), images)
        list(answer(calls(painted, judge.revision, settings.judge), painted, judge, store, settings.judge))


def test_before_a_run_all_is_to_ask_and_after_it_nothing(server: Stub) -> None:
    assert counts(planned("tiny")["tiny"]) == (CALLS, 0, 0, CALLS)
    assert [json.loads(content) for content in server.asked] == [[{"type": "text", "text": "Good?"}]], (
        "neither a picture nor a prompt was sent"
    )
    run_the_judge("tiny")
    assert server.pictured == CALLS
    assert counts(planned("tiny")["tiny"]) == (CALLS, CALLS, 0, 0)
    assert planned("tiny")["tiny"]["prompt_tokens"] == 0


def test_another_prompt_makes_its_own_questions_unknown_and_no_others(server: Stub) -> None:
    run_the_judge("tiny")
    sent = server.pictured
    old = split(prompts(), "test")["prompt"][0]
    reword(old, "A ball.")
    assert counts(planned("tiny")["tiny"]) == (CALLS, CALLS - 2, 0, 2)
    reword("A ball.", old)
    assert counts(planned("tiny")["tiny"]) == (CALLS, CALLS, 0, 0)
    assert server.pictured == sent


def test_what_was_refused_for_good_is_counted_apart(server: Stub) -> None:
    whole = factories.images(prompts(), "tiny", 64, 64)
    torn = pl.col("image").struct.with_fields(
        pl.when(whole["data_id"] == whole["data_id"][0]).then(pl.lit(b"torn")).otherwise(pl.field("bytes")).alias("bytes")
    )
    first = pl.col("data_id") == whole["data_id"][0]
    hashes = pl.when(first).then(pl.lit(digest(b"torn"))).otherwise("digest").alias("digest")
    tables.write(
        whole.with_columns(torn, hashes),
        IMAGES,
        Path("data/images/tiny/t2i/all.parquet"),
    )
    reword(split(prompts(), "test")["prompt"][-1], "refuse this")
    run_the_judge("tiny")
    assert counts(planned("tiny")["tiny"]) == (CALLS, CALLS - 4, 2, 2), "another day the server may not refuse"
    assert server.pictured == CALLS - 2


@pytest.mark.usefixtures("server")
def test_what_passed_without_an_answer_is_to_be_asked_again(monkeypatch: pytest.MonkeyPatch) -> None:
    usual = Stub.complete
    monkeypatch.setattr(Stub, "complete", lambda self, body: web.Response(status=500) if "image_url" in str(body) else usual(self, body))
    run_the_judge("tiny")
    assert counts(planned("tiny")["tiny"]) == (CALLS, 0, 0, CALLS)


@pytest.mark.usefixtures("server")
def test_equal_pictures_of_two_models_are_asked_about_once() -> None:
    paint(prompts(), "tiny-turbo")
    found = planned()
    assert counts(found["tiny"]) == counts(found["tiny-turbo"]) == counts(found["all"]) == (CALLS, 0, 0, CALLS)


def test_pictures_that_are_still_to_be_made_count_as_the_prompts_table_has_them(server: Stub) -> None:
    found = planned()
    assert found["tiny-turbo"]["prompt_tokens"] == found["tiny"]["prompt_tokens"] > 0, "the same prompts, and pictures of the same size"
    assert found["all"]["prompt_tokens"] == 2 * found["tiny"]["prompt_tokens"]
    run_the_judge("tiny")
    found = planned()
    assert counts(found["tiny-turbo"]) == (CALLS, 0, 0, CALLS) and found["tiny-turbo"]["unpainted"] == CALLS
    assert counts(found["all"]) == (2 * CALLS, CALLS, 0, CALLS) and found["tiny"]["unpainted"] == 0
    assert server.asked


@pytest.mark.usefixtures("server")
def test_a_prompt_that_came_later_counts_too() -> None:
    tables.write(factories.prompts(per_subset=5, train=1), PROMPTS, Path("data/prompts.parquet"))
    found = planned("tiny")["tiny"]
    assert counts(found) == (CALLS + 6, 0, 0, CALLS + 6) and found["unpainted"] == 6


@pytest.mark.usefixtures("server")
def test_the_cost_is_the_one_reckoned_by_hand() -> None:
    assert planned("tiny")["tiny"]["usd"] is None
    place = Path("params.yaml").parent
    workplace.edit(place, **{JUDGE + "price": {"prompt": 2.5, "completion": 10}, JUDGE + "needs": "params.yaml"})
    texts = [
        f"Prompt: {prompt}\n{rubrics('brief', Task.T2I, params.load().judge.scale.grades)[dimension]}"
        for pair, prompt in split(prompts(), "test").select(pl.col("pair").cast(pl.String), "prompt").rows()
        for dimension in (Pair.parse(pair).x, Pair.parse(pair).y)
    ]
    tokens = sum(-(-len(text) // 4) + 6 for text in texts)  # 64 · 64 / 28² is 5.2
    found = planned("tiny")["tiny"]
    assert found["prompt_tokens"] == tokens
    assert found["usd"] == pytest.approx(tokens * 2.5e-6 + CALLS * 10e-6)


def test_the_estimate_is_what_the_judge_reads_but_for_its_template() -> None:
    settings = params.load()
    known = checkpoint.read(Path(settings.judges["tiny"].needs))
    judge = Transformers("tiny", settings.judges["tiny"].needs, 8)
    assert known.vision
    over: dict[int, set[int]] = {1: set(), 2: set()}
    for seed, (width, height) in enumerate([(64, 64), (50, 64), (200, 90), (640, 480)]):
        for source in (None, factories.png(seed + 9, height, width)):
            words = rubrics("brief", Task.T2I, settings.judge.scale.grades)[list(Dimension)[seed]]
            question = Question(factories.png(seed, width, height), f"a red ball {seed}", words, source)
            shown = [opened(file).convert("RGB") for file in question.images]
            asked = judge.processor(text=[judge.chat.text(question)], images=shown)
            estimate = length(question.text, [each.size for each in shown], known.count, known.vision.tokens)
            over[len(shown)].add(len(asked.input_ids[0]) - estimate)
    assert [len(found) for found in over.values()] == [1, 1] and max(over[2]) - max(over[1]) == 2
    assert 0 < max(over[1]) <= 20


def test_a_picture_that_cannot_be_read_has_no_tokens() -> None:
    assert length("four", [None, (28, 28)], len, None) == 4 + 1


def test_runs_one_after_the_other_share_what_they_ask() -> None:
    one, other = Plan(frozenset("a"), frozenset("b"), {"c": 3, "d": 4}, 0), Plan(frozenset("a"), frozenset(), {"d": 4, "e": 5}, 1)
    assert together([one, other]) == Plan(frozenset("a"), frozenset("b"), {"c": 3, "d": 4, "e": 5}, 1)
    assert together([one, other]).tokens == 12


@pytest.mark.usefixtures("server")
def test_people_read_a_table_that_marks_upper_bounds() -> None:
    told = CliRunner().invoke(app, ["judge", "--dry-run"]).stdout
    rows = {line.split()[0]: line.split()[1:] for line in told.splitlines() if line.startswith(("tiny", "all"))}
    assert rows["tiny"][:4] == ["24", "0", "0", "24"] and rows["tiny"][-1] == "–"
    assert rows["tiny-turbo"][:6] == ["≤", "24", "0", "0", "≤", "24"] and rows["all"][:2] == ["≤", "48"]
    assert "24 questions are about pictures that are still to be made" in told and "judges.tiny-served.price" in told


@pytest.mark.usefixtures("server")
def test_what_is_wrong_is_one_line() -> None:
    for words, kind, said in (
        (["slow", "--dry-run"], ParamsError, "model: 'slow' is not in generate.roster; choose of tiny, tiny-turbo"),
        (["--json"], ParamsError, "--json: only a dry run has figures; add --dry-run"),
        (["--dry-run", "--prompts", "absent"], TableError, "absent: there is no prompts table here"),
    ):
        error = CliRunner().invoke(app, ["judge", *words]).exception
        assert isinstance(error, kind) and str(error).startswith(said)


@pytest.mark.usefixtures("server")
def test_without_a_dry_run_the_stages_run_and_their_exit_code_is_passed_on(monkeypatch: pytest.MonkeyPatch) -> None:
    ran: list[list[str]] = []

    def run(command: list[str], check: bool) -> subprocess.CompletedProcess[bytes]:
        ran.append(command[1:])
        return subprocess.CompletedProcess(command, 7 + check)

    monkeypatch.setattr(subprocess, "run", run)
    assert CliRunner().invoke(app, ["judge", "tiny-turbo"]).exit_code == 7
    assert CliRunner().invoke(app, ["judge"]).exit_code == 7
    repro = ["-m", "dvc", "repro"]
    assert ran == [[*repro, "judge@tiny-turbo"], [*repro, "judge@tiny", "judge@tiny-turbo"]]
