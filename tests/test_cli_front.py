"""`trig sweep` and `trig front`: a curve in params.yaml, and what is shown of it."""

import json
from contextlib import chdir
from pathlib import Path
from typing import Any

import polars as pl
import pytest
import workplace
from lines import names
from test_params import READS
from typer.testing import CliRunner

from stages import params as stage
from trig import params, tables
from trig.cli.main import app
from trig.cli.sweep import named
from trig.errors import ParamsError
from trig.params.sweeps import Curve, knobs
from trig.tables.diagnostics import DIAGNOSTICS
from trig.tables.prompts import PROMPTS
from trig.tables.scores import SCORES
from trig.testing import factories

SETTINGS = {"tiny-guidance_scale-1": 1.0, "tiny": 3.0, "tiny-guidance_scale-4p5": 4.5}
CONFLICT = "TA-C_TA-S"


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with the project's parameters."""
    workplace.bench(tmp_path)
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture(scope="module")
def curve(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same with a curve, and with scores of which one pair conflicts along the knob."""
    place = tmp_path_factory.mktemp("curve")
    workplace.bench(place)
    with chdir(place):
        ran("sweep", "tiny", "guidance_scale", "1,3,4.5")
    factories.write_run(place / "data", rows=16)
    prompts = tables.read(place / "data/prompts.parquet", PROMPTS)
    base = factories.run_scores("tiny", prompts)
    for model, value in SETTINGS.items():
        moved = (
            pl.when(pl.col("pair") != CONFLICT).then(0.0).when(pl.col("dimension") == "TA-C").then(0.02 * value).otherwise(-0.02 * value)
        )
        own = base.with_columns(model=pl.lit(model), score_trig=(0.4 + 0.2 * pl.col("score_trig") + moved))
        tables.write(tables.check(own, SCORES, model), SCORES, place / f"data/scores/{model}.parquet")
        tables.write(tables.check(own.drop_nulls("judge"), DIAGNOSTICS, model), DIAGNOSTICS, place / f"data/diagnostics/{model}.parquet")
    return place


@pytest.fixture
def swept(curve: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(curve)


def ran(*arguments: str) -> str:
    done = CliRunner().invoke(app, list(arguments), catch_exceptions=False)
    assert done.exit_code == 0, done.output
    return done.output


def test_a_sweep_adds_a_curve_and_keeps_every_comment(place: Path) -> None:
    before = (place / "params.yaml").read_text("utf-8").splitlines()
    ran("sweep", "tiny", "guidance_scale", "4.5,1,3.0")
    after = (place / "params.yaml").read_text("utf-8").splitlines()
    settings = params.load()
    assert settings.curves == (Curve("tiny", "guidance_scale", tuple(SETTINGS.items())),)
    assert settings.pipeline("tiny-guidance_scale-4p5").guidance_scale == 4.5
    rest = iter(after)
    assert all(line in rest for line in before) and len(after) == len(before) + 2 + 2 * 5


def test_a_sweep_adds_what_the_curve_lacks(place: Path) -> None:
    ran("sweep", "tiny", "guidance_scale", "1,4.5")
    text = (place / "params.yaml").read_text("utf-8")
    assert "nothing added" in ran("sweep", "tiny", "guidance_scale", "1,3,4.5")
    assert (place / "params.yaml").read_text("utf-8") == text
    ran("sweep", "tiny", "guidance_scale", "8")
    assert [value for _, value in params.load().curves[0].settings] == [1, 3, 4.5, 8]


@pytest.mark.usefixtures("place")
def test_an_argument_of_the_pipeline_is_a_knob() -> None:
    ran("sweep", "tiny", "call.true_cfg_scale", "2,-0.5")
    (curve,) = params.load().curves
    assert curve.settings == (("tiny-true_cfg_scale-m0p5", -0.5), ("tiny-true_cfg_scale-2", 2.0))
    assert params.load().pipeline("tiny-true_cfg_scale-2").call == {"true_cfg_scale": 2}


def test_a_model_that_is_not_in_the_roster_joins_its_curve(place: Path) -> None:
    workplace.edit(
        place, generate__roster=["tiny-turbo", "tiny", "tiny-dtm"], models__other={"extends": "tiny", "needs": "data/tiny/painter"}
    )
    ran("sweep", "other", "steps", "2,16")
    assert params.load().curves[0].models == ("other-steps-2", "other", "other-steps-16")


@pytest.mark.parametrize("value", [1, 1.5, -0.25, 1e-05, 2e21, 300])
def test_a_name_is_legal_and_can_be_read_back(value: float, place: Path) -> None:
    name = named("tiny", "call.eta", value)
    assert float(name.removeprefix("tiny-eta-").replace("p", ".").replace("m", "-")) == value
    workplace.edit(place, **{f"models__{name}": {"extends": "tiny", "needs": "data/tiny/painter"}})
    assert name in params.load().models


def test_the_label_of_a_curve_decides_no_picture_and_reruns_nothing(place: Path) -> None:
    plain = params.load(place / "params.yaml").pipeline("tiny")
    ran("sweep", "tiny", "guidance_scale", "1")
    entry = params.load().pipeline("tiny-guidance_scale-1")
    assert entry.sweep is not None and plain.sweep is None
    assert entry.decides() == plain.decides() | {"guidance_scale": 1.0}
    stage.main(place / "params.yaml", READS, place / "params", place / "models", place / "judges", place / "eye.json")
    assert "sweep" not in (place / "models/tiny-guidance_scale-1.json").read_text("utf-8")


def test_what_extends_a_setting_is_none_itself(place: Path) -> None:
    ran("sweep", "tiny", "guidance_scale", "1")
    workplace.edit(place, models__further={"extends": "tiny-guidance_scale-1", "needs": "data/tiny/painter", "steps": 4})
    assert params.load().pipeline("further").sweep is None


@pytest.mark.usefixtures("place")
def test_knobs_are_the_numbers_that_decide_a_picture() -> None:
    assert set(knobs(params.load().model("tiny"))) == {"width", "height", "steps", "guidance_scale"}


@pytest.mark.parametrize(
    ("arguments", "named_things"),
    [
        (("tiny", "negative_prompt", "1"), ("params.yaml: models.tiny", "'negative_prompt'", "guidance_scale")),
        (("tiny", "call.a b", "1"), ("params.yaml: models.tiny", "'call.a b'", "call.NAME")),
        (("nobody", "steps", "1"), ("model", "'nobody'", "tiny-turbo")),
        (("tiny", "steps", "1,many"), ("'1,many'", "1,2,3,5,8")),
        (("tiny", "steps", "nan"), ("'nan'", "1,2,3,5,8")),
        (("tiny", "steps", "1.5"), ("params.yaml", "models.tiny-steps-1p5.steps", "1.5")),
        (("tiny", "width", "30"), ("params.yaml", "models.tiny-width-30.width", "30")),
    ],
)
def test_what_cannot_be_swept_is_one_line_and_changes_nothing(
    place: Path, arguments: tuple[str, ...], named_things: tuple[str, ...]
) -> None:
    before = (place / "params.yaml").read_bytes()
    with pytest.raises(ParamsError, match=names(*named_things)):
        CliRunner().invoke(app, ["sweep", *arguments], catch_exceptions=False)
    assert (place / "params.yaml").read_bytes() == before


@pytest.mark.parametrize(
    ("changes", "named_things"),
    [
        ({"sweep": {"of": "nobody", "knob": "steps"}}, ("models.own.sweep.of", "'nobody'", "tiny")),
        ({"sweep": {"of": "own", "knob": "steps"}}, ("models.own.sweep.of", "'own'", "tiny")),
        ({"sweep": {"of": "tiny", "knob": "negative_prompt"}}, ("models.own.sweep.knob", "'negative_prompt'", "guidance_scale")),
        ({"sweep": {"of": "tiny", "knob": "steps"}, "guidance_scale": 2.0}, ("models.own.guidance_scale", "2.0", "3.0", "tiny")),
        ({"sweep": {"of": "tiny", "knob": "steps"}, "call": {"eta": 1}}, ("models.own.call.eta", "1", "tiny")),
        ({"sweep": {"of": "tiny"}}, ("models.own.sweep.knob", "missing")),
    ],
)
def test_an_entry_that_is_no_setting_of_its_curve_is_refused(place: Path, changes: dict[str, Any], named_things: tuple[str, ...]) -> None:
    workplace.edit(place, models__own={"extends": "tiny", "needs": "data/tiny/painter", **changes})
    with pytest.raises(ParamsError, match=names("params.yaml", *named_things)):
        params.load()


def test_two_settings_with_one_value_are_refused(place: Path) -> None:
    entry = {"extends": "tiny", "needs": "data/tiny/painter", "sweep": {"of": "tiny", "knob": "steps"}, "steps": 6}
    workplace.edit(place, models__own=entry, generate__roster=["tiny", "own"], tunings={})
    with pytest.raises(ParamsError, match=names("params.yaml", "generate.roster", "'own'", "'tiny'", "steps", "6")):
        params.load()


@pytest.mark.usefixtures("swept")
def test_the_front_names_what_the_knob_trades() -> None:
    told = json.loads(ran("front", "--json"))
    assert told["curves"] == [{"of": "tiny", "knob": "guidance_scale", "settings": SETTINGS}]
    conflicts = [row for row in told["conflicts"] if row["rises"]]
    assert [(row["pair"], row["rises"], row["falls"]) for row in conflicts] == [(CONFLICT, "TA-C", "TA-S")]
    assert conflicts[0]["change_x"] == pytest.approx(0.07) and conflicts[0]["change_y"] == pytest.approx(-0.07)
    assert {row["model"] for row in told["settings"]} == {*SETTINGS, "tiny-turbo", "tiny-dtm"}
    assert {row["curve"] for row in told["areas"]} == {None, "tiny.guidance_scale"}


@pytest.mark.usefixtures("swept")
def test_the_front_is_told_in_words() -> None:
    shown = ran("front")
    assert "tiny.guidance_scale: 1, 3, 4.5" in shown
    assert "1 conflicts along the knob among 42 pairs" in shown
    assert f"t2i {CONFLICT}: TA-C rises, TA-S falls" in shown
    pair = ran("front", "--pair", "TA-S_TA-C")
    assert [line.split()[1] for line in pair.splitlines() if " guidance_scale " in line] == list(SETTINGS)
    assert "all models" in pair


@pytest.mark.usefixtures("swept")
@pytest.mark.parametrize(
    ("pair", "named_things"), [("TA-C_nothing", ("dimension", "'nothing'", "IQ-R")), ("D-A_R-T", ("--pair", "'D-A_R-T'", CONFLICT))]
)
def test_an_unknown_pair_names_the_known_ones(pair: str, named_things: tuple[str, ...]) -> None:
    with pytest.raises(ParamsError, match=names(*named_things)):
        CliRunner().invoke(app, ["front", "--pair", pair], catch_exceptions=False)


@pytest.mark.usefixtures("place")
def test_without_a_curve_the_front_says_how_to_make_one() -> None:
    with pytest.raises(ParamsError, match=names("params.yaml", "generate.roster", "trig sweep tiny")):
        CliRunner().invoke(app, ["front"], catch_exceptions=False)
