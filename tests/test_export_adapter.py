"""`trig export adapter`: the exported adapter paints as the roster's entry does, and its card tells first what worsened."""

import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import diffusers
import polars as pl
import pytest
import torch
from exchanged import HOSTILE, done
from lines import names
from workplace import bench

from trig import params, tables
from trig.backends.cards import TUNING
from trig.backends.painters.diffusers import Diffusers
from trig.backends.trainers.diffusers import Lora
from trig.cli.adapter import WEIGHTS
from trig.errors import FileError, ParamsError, TrigError, WeightsError
from trig.protocols.generator import Order
from trig.protocols.tuner import Lessons, Sample
from trig.report import digest
from trig.report.facts.digest import Change, Tuning
from trig.tables.lessons import LESSONS
from trig.tables.relations import RELATIONS
from trig.testing import factories
from trig.vocabulary.dimensions import Pair, Task

NAME, PAIR = "tiny-dtm", "TA-C_TA-S"
ORDERS = [Order("a red ball in a meadow", 1), Order("a pencil sketch of a blue tree", 2)]


def change(dimension: str, mean: float, pair: str | None = None) -> Change:
    return {
        "task": "t2i", "pair": pair, "dimension": dimension, "before": 0.5, "after": 0.5 + mean, "mean": mean, "low": mean - 0.02,
        "high": mean + 0.02, "n": 24,
    }  # fmt: skip


CHANGES = [change("IQ-R", 0.001), change("TA-C", 0.05, PAIR), change("D-K", -0.04)]


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A run in little: an adapter, the table of its lessons, relations of both models, and the digest's changes."""
    bench(tmp_path / "run")
    monkeypatch.chdir(tmp_path / "run")
    _, settings = params.load().tuning(NAME)
    base = Diffusers("tiny", params.load().pipeline("tiny"))
    tuner = Lora(base, settings.model_copy(update={"steps": 1, "batch_size": 2, "rank": 2, "learning_rate": 0.05}), 1)
    list(tuner.steps(Lessons.single([Sample(order.prompt, factories.png(order.seed, 64, 64)) for order in ORDERS])))
    tuner.save(Path("data/lora") / NAME, {"base": "tiny", "pairs": [PAIR], "candidates": 320, "kept": 160, "prompts": 2})
    shared = {
        "place": 0,
        "task": "t2i",
        "pair": PAIR,
        "number": 0,
        "seed": 1,
        "x": 0.5,
        "y": 0.5,
        "good": True,
        "confidence": 1.0,
        "agreement": 1.0,
    }
    told = {**shared, "weight": 1.0, "reason": "passes", "policy": "threshold", "scorer": "tiny", "model": "tiny"}
    rows: list[dict[str, Any]] = [
        {**told, "lesson": number, "data_id": f"{PAIR}_{number}", "prompt": prompt, "digest": str(number)}
        for number, prompt in enumerate((ORDERS[0].prompt, HOSTILE))
    ]
    tables.write(pl.DataFrame(rows, schema=dict(LESSONS.columns)), LESSONS, Path("data/lessons") / f"{NAME}.parquet")
    of = [(Task.T2I, Pair.parse(PAIR)), (Task.P2P, Pair.parse(PAIR))]
    both = factories.relations(of, ("tiny", NAME)).filter(~((pl.col("model") == NAME) & (pl.col("task") == "p2p")))
    tables.write(both, RELATIONS, Path("data/relations.parquet"))
    Path("material/tiny").mkdir(parents=True)
    Path("material/tiny/material.yaml").write_text("licence: Apache-2.0", "utf-8")
    Path("data/annotate.json").write_text('{"credits": [], "subsets": []}', "utf-8")
    tell(monkeypatch, [Tuning("tiny", NAME, (PAIR,))])
    return tmp_path / "run"


def tell(monkeypatch: pytest.MonkeyPatch, tunings: list[Tuning]) -> None:
    facts = {"tunings": tunings, "versions": {"judge": "tiny@1"}, "proofs": [{"model": NAME, "said": ["A second eye: <b>agrees</b>."]}]}
    monkeypatch.setattr(digest, "read", lambda _: SimpleNamespace(facts=facts, changes=[CHANGES] * len(tunings), tiny=True))


def test_an_exported_adapter_paints_as_the_entry_of_the_roster(place: Path) -> None:
    assert WEIGHTS in done("export", "adapter", NAME, "out")
    said = params.load().pipeline(NAME).model_copy(update={"steps": 2, "dtype": "float32"})
    painter = Diffusers(NAME, said)
    wanted = painter.generate(ORDERS)
    pipe = diffusers.DiffusionPipeline.from_pretrained(said.weights, dtype=torch.float32)
    painter.pipe = pipe
    pipe.set_progress_bar_config(disable=True)
    assert painter.generate(ORDERS) != wanted
    pipe.load_lora_weights(place / "out")
    assert painter.generate(ORDERS) == wanted


def test_the_card_tells_first_what_worsened_and_escapes_what_it_is_told(place: Path) -> None:
    done("export", "adapter", NAME, "out")
    card = (place / "out" / "README.md").read_text("utf-8")
    assert sorted(file.name for file in (place / "out").iterdir()) == ["README.md", WEIGHTS]
    _, head, body = card.split("---\n", 2)
    assert json.loads(head.splitlines()[0].partition(": ")[2]) == "diffusers"
    lead, *sections = body.split("\n## ")
    assert "**Worsened** on held-out prompts: D-K (t2i, over all pairs) -0.040." in lead
    assert f"Improved: TA-C (t2i, {PAIR}) +0.050." in lead and "toy world" in lead
    first = next(line for line in sections[0].splitlines() if line.startswith("| t2i"))
    assert "D-K" in first and "-0.060 to -0.020" in first
    assert sections[1].count("\n| t2i") == 2 and "p2p" not in sections[1]
    assert "kept 160 of 320 candidates, 50%" in card and "Apache&#45;2&#46;0" in card and "chose the lessons" in card
    assert "agrees" in lead and "<b>" not in lead
    assert "- lessons: <code>" in card and "<script>" not in card and "**b**" not in card and "@all" not in card


def test_nothing_is_said_to_have_worsened_where_nothing_is_shown_to_have(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(f"{__name__}.CHANGES", CHANGES[:1])
    tell(monkeypatch, [Tuning("tiny", NAME, (PAIR,))])
    done("export", "adapter", NAME, "out")
    card = (place / "out" / "README.md").read_text("utf-8")
    assert "No dimension is shown to have worsened on held-out prompts. No dimension is shown to have improved." in card


def test_what_cannot_be_exported_is_one_line_and_no_folder(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refused(error: type[TrigError], said: list[object], name: str = NAME, out: str = "other") -> None:
        with pytest.raises(error, match=names(*said)) as told:
            done("export", "adapter", name, out)
        assert len(str(told.value).splitlines()) == 1

    (place / "full").mkdir()
    (place / "full" / "mine.txt").write_text("x")
    refused(FileError, [place / "full", "already"], out="full")
    refused(ParamsError, ["tuning", "'tiny'", NAME], name="tiny")
    tell(monkeypatch, [])
    refused(ParamsError, ["data/digest/facts.json", NAME, "generate.roster", "dvc repro"])
    (place / "data/lora" / NAME / WEIGHTS).unlink()
    refused(WeightsError, [f"data/lora/{NAME}/{WEIGHTS}", f"dvc repro finetune@{NAME}", "dvc pull"])
    (place / "data/lora" / NAME / TUNING).unlink()
    assert not (place / "other").exists()
    assert [file.name for file in (place / "full").iterdir()] == ["mine.txt"]
