"""Files that are broken in the middle, claim too much, or are no files: one line, or a refusal with its reason."""

import json
import shutil
from io import BytesIO
from pathlib import Path

import polars as pl
import pytest
import reviewed
from lines import names
from PIL import Image

from trig import params
from trig.annotate.review import items
from trig.backends import hub, unloadable
from trig.errors import ParamsError, TableError, TrigError, WeightsError
from trig.exchange.record import written
from trig.llm.clients import MALFORMED
from trig.params.models.diffusers import DiffusersModel
from trig.params.zoo import ZOO
from trig.pictures import MOST_PIXELS, decoded, size
from trig.protocols.refusal import Refusal
from trig.run.edge import edge
from trig.tables import funnel, sources
from trig.testing.factories import png


def shards(folder: Path) -> Path:
    """One shard of source pictures."""
    row = {
        "source": sources.digest(png()),
        "image": {"bytes": png(), "path": None},
        "width": 8,
        "height": 8,
        "subject": "a kite",
        "tasks": ["p2p"],
    }
    frame = pl.DataFrame([row | {"origin": "noise", "licence": "CC0-1.0"}], schema=dict(sources.SOURCES.columns))
    sources.write(frame, folder)
    return next(folder.iterdir())


def test_a_picture_of_more_pixels_than_are_decoded_is_refused_by_its_header() -> None:
    side = int(MOST_PIXELS**0.5)
    for width, told in ((side + 1, True), (side, False)):
        file = BytesIO()
        Image.new("1", (width, side)).save(file, "PNG")
        said = decoded(file.getvalue()[:200])  # cut: no pixel of it can be decoded
        assert isinstance(said, Refusal) and said.final and (f"{width} × {side} pixels" in said.reason) is told
    assert size(file.getvalue()) == (side, side)


@pytest.mark.parametrize("how", ["cut", "no parquet", "another type", "no bytes"])
def test_a_broken_shard_of_sources_is_one_line_that_names_it(how: str, tmp_path: Path) -> None:
    shard = shards(tmp_path / "sources")
    frame = pl.read_parquet(shard)
    match how:
        case "cut":
            shard.write_bytes(shard.read_bytes()[:-30])
        case "no parquet":
            shard.write_bytes(b"PAR1")
        case "another type":
            frame.with_columns(pl.lit("x").alias("image")).write_parquet(shard)
        case "no bytes":
            frame.with_columns(image=pl.struct(bytes=pl.lit(None, pl.Binary), path=pl.lit("x"))).write_parquet(shard)
    with pytest.raises(TableError, match=names(tmp_path / "sources")):
        sources.Library(tmp_path / "sources").get(sources.digest(png()))


def test_shards_of_other_columns_are_one_line(tmp_path: Path) -> None:
    shard = shards(tmp_path / "sources")
    pl.read_parquet(shard).with_columns(width=pl.lit("wide")).write_parquet(shard.with_name("z.parquet"))
    with pytest.raises(TableError, match=names(shard.with_name("z.parquet"), "width")):
        sources.told(tmp_path / "sources")


@pytest.mark.parametrize("extra", ["[1]", "{", '{"a": NaN}'])
def test_further_fields_of_a_record_that_are_no_object_are_one_line(extra: str) -> None:
    row = {
        "task": "t2i",
        "data_id": "IQ-R_TA-C_1",
        "published_id": "x",
        "dimensions": [],
        "prompt": "",
        "sub_prompts": [],
        "parent_dataset": [],
        "extra": extra,
    }
    with pytest.raises(TableError, match=names("t2i IQ-R_TA-C_1", "extra_fields")):
        written(row | dict.fromkeys(("item", "img_id", "target_group", "text", "reason")))  # type: ignore[arg-type]


@pytest.mark.parametrize("change", [{"kind": "again", "key": "0"}, {"pair": "TA-X"}, {"known": {"quality": "6"}}, {"id": "q1"}])
def test_a_key_of_a_review_that_contradicts_itself_is_one_line(change: dict[str, object], tmp_path: Path) -> None:
    place = tmp_path / "out"
    reviewed.export(place, reviewed.prompts(tmp_path))
    key = json.loads((place / "key.json").read_text("utf-8"))
    key["items"][0] |= {"id": "q1"}
    key["items"][1] |= change
    (place / "key.json").write_text(json.dumps(key), "utf-8")
    with pytest.raises(TableError, match=names(place / "key.json")):
        items.load(place / "key.json")


def test_a_backend_that_is_a_list_is_one_line(tmp_path: Path) -> None:
    text = Path("params.yaml").read_text("utf-8").replace("  tiny-turbo:", "  tiny-turbo:\n    backend: [diffusers]")
    (tmp_path / "params.yaml").write_text(text, "utf-8")
    with pytest.raises(ParamsError, match=names(tmp_path / "params.yaml", "models.tiny-turbo.backend", "['diffusers']")):
        params.load(tmp_path / "params.yaml")


@pytest.mark.parametrize("file", ["vae/config.json", "tokenizer/tokenizer.json", "text_encoder/config.json"])
def test_a_pipeline_with_a_contradictory_configuration_is_one_line(file: str, tmp_path: Path) -> None:
    from trig.backends.painters.diffusers import Diffusers
    from trig.testing.architectures import build

    place = build("FluxPipeline", tmp_path / "flux")
    found = json.loads((place / file).read_text("utf-8"))
    found |= {"block_out_channels": [], "added_tokens": [{"id": 1}], "hidden_size": ["x"]}
    (place / file).write_text(json.dumps(found), "utf-8")
    entry = {"extends": "flux-dev", "weights": str(place), "needs": str(place), "dtype": "float32"}
    model = DiffusersModel.model_validate(ZOO.resolved({"x": entry}, "params.yaml")["x"])
    with pytest.raises(WeightsError, match=names("params.yaml: models.x", place, "diffusers")):
        _ = Diffusers("x", model).pipe


CODE = "from pathlib import Path\nPath(__file__).with_name('ran').touch()\nfrom diffusers import FluxPipeline\nclass Mine(FluxPipeline): pass\n"


@pytest.mark.parametrize("part", ["", "transformer"])
def test_code_beside_the_weights_of_a_pipeline_is_not_run(part: str, tmp_path: Path) -> None:
    from trig.backends.painters.diffusers import Diffusers
    from trig.testing.architectures import build

    place = build("FluxPipeline", tmp_path / "flux")
    index = json.loads((place / hub.INDEX).read_text("utf-8"))
    (place / hub.INDEX).write_text(json.dumps(index | {part or "_class_name": ["mine", "Mine"]}), "utf-8")
    (place / part / "mine.py").write_text(CODE, "utf-8")
    entry = {"extends": "flux-dev", "weights": str(place), "needs": str(place), "dtype": "float32"}
    model = DiffusersModel.model_validate(ZOO.resolved({"x": entry}, "params.yaml")["x"])
    with pytest.raises(WeightsError, match=names("params.yaml: models.x", place, "diffusers", "mine.py")):
        _ = Diffusers("x", model).pipe
    assert not list(tmp_path.rglob("ran"))


def test_code_beside_the_weights_of_a_judge_is_not_run_and_nobody_is_asked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from trig.backends.judges.transformers import Transformers

    monkeypatch.setattr("builtins.input", lambda _="": pytest.fail("it asked"))
    place = shutil.copytree("data/tiny/judge", tmp_path / "judge")
    for name in ("config.json", "tokenizer_config.json"):
        own = {"auto_map": dict.fromkeys(("AutoConfig", "AutoProcessor", "AutoModelForImageTextToText"), "mine.Mine")}
        found = json.loads((place / name).read_text("utf-8")) | own
        (place / name).write_text(json.dumps(found | ({"model_type": "strange"} if name == "config.json" else {})), "utf-8")
    (place / "mine.py").write_text(CODE, "utf-8")
    with pytest.raises(WeightsError, match=names("params.yaml", "judges.x.weights", place)):
        Transformers("x", str(place), 4)
    assert not list(tmp_path.rglob("ran"))


def test_only_what_tokenizers_raise_gets_another_type() -> None:
    for raised, seen in ((Exception("x"), ValueError), (KeyError("x"), KeyError), (NotImplementedError("x"), NotImplementedError)):
        with pytest.raises(seen), unloadable.typed():
            raise raised


@pytest.mark.parametrize("shards_of", [{"a": 1}, {"a": None}, {"a": 0.5}])
def test_an_index_of_shards_that_names_no_files_is_no_whole_model(shards_of: dict[str, object], tmp_path: Path) -> None:
    (tmp_path / hub.CONFIG).write_text("{}", "utf-8")
    (tmp_path / "m.safetensors.index.json").write_text(json.dumps({"weight_map": shards_of}), "utf-8")
    assert hub.missing(tmp_path, single=True) == hub.CONFIG


def test_counts_that_are_a_folder_are_one_line(tmp_path: Path) -> None:
    with pytest.raises(TableError, match=names(tmp_path, "cannot be read")):
        funnel.read(tmp_path)


def test_an_answer_nested_without_end_is_one_of_another_shape() -> None:
    with pytest.raises(MALFORMED):
        json.loads("[" * 100_000)


def test_what_would_break_a_message_or_command_the_terminal_is_escaped(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as left, edge():
        raise TrigError("a\nb\x1b[2J\u202ec\ud800: é ✓")
    assert left.value.code == 2
    assert capsys.readouterr().err == "error: a\\nb\\x1b[2J\\u202ec\\ud800: é ✓\n"
