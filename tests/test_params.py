"""Parameters: the shipped file is valid, and each mistake is one line that names file, key, value and remedy."""

import re
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
import yaml
from dvc.utils.serialize import parse_yaml
from hypothesis import given
from hypothesis import strategies as st
from lines import names
from pydantic import BaseModel, ValidationError

from trig import params
from trig.errors import ParamsError
from trig.params.finetune import AUTO
from trig.vocabulary.dimensions import Pair, Task, pairs

ROOT = Path(__file__).parents[1]
SHIPPED, READS = ROOT / "params.yaml", ROOT / "trig/params/reads.yaml"
Edit = Callable[[dict[str, Any]], object]


def put(key: str, value: object) -> Edit:
    """Edit that sets a dotted key."""
    *above, last = key.split(".")

    def edit(found: dict[str, Any]) -> None:
        for name in above:
            found = found[name]
        found[last] = value

    return edit


def both(*edits: Edit) -> Edit:
    return lambda found: [edit(found) for edit in edits]


def drop(key: str) -> Edit:
    section, name = key.split(".")
    return lambda found: found[section].pop(name)


def edited(place: Path, *edits: Edit) -> Path:
    """Copy of the shipped file with edits."""
    found = yaml.safe_load(SHIPPED.read_text("utf-8"))
    for edit in edits:
        edit(found)
    path = place / "params.yaml"
    path.write_text(yaml.safe_dump(found), "utf-8")
    return path


def complaint(path: Path) -> str:
    """One-line error of reading a file, without the file's name."""
    with pytest.raises(ParamsError) as failed:
        params.load(path)
    said = str(failed.value)
    assert said.startswith(f"{path}: ")
    assert len(said.splitlines()) == 1
    return said.removeprefix(f"{path}: ")


def sections(value: object) -> list[BaseModel]:
    """A section and its subsections."""
    if isinstance(value, BaseModel):
        return [value, *(found for name in type(value).model_fields for found in sections(getattr(value, name)))]
    return [found for entry in value.values() for found in sections(entry)] if isinstance(value, dict) else []


def test_the_shipped_file_says_what_the_pipeline_promises() -> None:
    found = params.load(SHIPPED)
    assert {"tiny", "tiny-turbo", "tiny-dtm"} <= set(found.generate.roster) <= set(found.models)
    assert found.annotate.even(Task.T2I) >= 30
    assert found.annotate.subsets() == tuple((task, pair) for task in Task for pair in pairs(task))
    assert [found.pipeline(tuned).adapter for tuned in found.tunings] == ["data/lora/tiny-dtm"]


@pytest.mark.parametrize("edit", [put("judges.tiny-served.endpoints", ["http://u:hush@x/v1"]), put("judges.tiny-served.key", "sk-hush")])
def test_a_secret_in_the_wrong_place_is_not_repeated(edit: Edit, tmp_path: Path) -> None:
    assert "hush" not in complaint(edited(tmp_path, edit))


def test_no_number_has_a_second_home() -> None:
    """A default in the code would apply silently to a missing key. Four sections may be missing (none is tuned or prompted), and what an entry may say."""
    optional = {
        name for section in sections(params.load(SHIPPED)) for name, field in type(section).model_fields.items() if not field.is_required()
    }
    assert optional == {"tunings", "finetune", "proof", "promptings", "prompting", "scope", "tasks", "per_subset", "sweep"}


def test_who_tunes_nothing_needs_no_section_for_it(tmp_path: Path) -> None:
    found = params.load(
        edited(tmp_path, lambda file: [file.pop(name) for name in ("tunings", "finetune", "proof")], put("generate.roster", ["tiny-turbo"]))
    )
    assert (dict(found.tunings), found.finetune) == ({}, None)
    with pytest.raises(ParamsError, match=names("tuning", "'tiny-dtm'")):
        found.tuning("tiny-dtm")


def test_a_value_cannot_be_changed_once_read() -> None:
    for section in sections(params.load(SHIPPED)):
        with pytest.raises(ValidationError):
            setattr(section, next(iter(type(section).model_fields)), 1)


@pytest.mark.parametrize(
    ("edit", "said"),
    [
        (put("threshold", {}), ("threshold", "unknown", "'thresholds'")),
        (put("thresholds.synergie", 0.8), ("thresholds.synergie", "unknown", "'synergy'")),
        (put("models.tiny.guidance", 2.0), ("models.tiny.guidance", "unknown", "'guidance_scale'")),
        (put("judges.tiny.backend", "magic"), ("judges.tiny.backend", "'magic'", "'transformers'", "'openai'")),
        (
            put("judges.tiny-served.endpoints", ["http://u:p@x/v1"]),
            ("judges.tiny-served.endpoints.0", "http://127.0.0.1:8000/v1"),
        ),
        *(
            (put("judges.tiny-served.endpoints", [url]), ("judges.tiny-served.endpoints.0", "http://127.0.0.1:8000/v1"))
            for url in ("http://judge:x/v1", "http://judge:99999/v1", "http://[::1:8000/v1", "http://:8000/v1", "ftp://judge/v1")
        ),
        (
            put("judges.tiny-served.key", "sk-secret"),
            ("judges.tiny-served.key", "OPENAI_API_KEY"),
        ),
        (put("judges.tiny-served.price", {"prompt": 0.1}), ("judges.tiny-served.price.completion", "missing")),
        (
            put("judges.tiny-served.price", {"prompt": -1, "completion": 0}),
            ("judges.tiny-served.price.prompt", "-1"),
        ),
        (put("judges.tiny-served.price", {"promt": 1, "prompt": 1, "completion": 0}), ("judges.tiny-served.price.promt", "unknown")),
        (put("finetune.rankk", 8), ("finetune.rankk", "unknown", "'rank'")),
        (drop("finetune.loss"), ("finetune.loss", "missing")),
        (put("finetune.loss", "stf"), ("finetune.loss", "'stf'", "'sft'")),
        (put("finetune.policy", "treshold"), ("finetune.policy", "'treshold'", "'threshold'")),
        *(
            (
                both(put("finetune.policy", policy), put("finetune.loss", loss)),
                ("finetune.loss", f"'{loss}'", f"'{policy}'", "set policy to", advice),
            )
            for policy, loss, advice in (
                ("threshold", "dpo", "dominance"),
                ("dominance", "sft", "threshold"),
                ("corrupt", "dpo", "tdpo"),
                ("pareto", "rankdpo", "best_of_n"),
                ("vote", "tdpo", "corrupt"),
                ("angle", "kto", "mapo"),
            )
        ),
        (put("finetune.beta", 500.0), ("finetune.beta", "500.0", "sft", "null")),
        (put("finetune.beta", 0.0), ("finetune.beta", "0.0")),
        (put("finetune.soft_labels", True), ("finetune.soft_labels", "True", "sft", "false")),
        (put("finetune.dimension_weights", {"IQ-X": 2.0}), ("finetune.dimension_weights", "'IQ-X'", "IQ-A")),
        (put("finetune.dimension_weights", {"IQ-A": -1.0}), ("finetune.dimension_weights.IQ-A", "-1.0")),
        (put("finetune.dimension_weights", {"IQ-A": 2.0}), ("finetune.dimension_weights", "2.0", "sft", "dpo")),
        *(
            (
                both(put("finetune.policy", "group"), put("finetune.loss", loss), put("finetune.gradient.reward", reward)),
                ("finetune.gradient", *said),
            )
            for loss, reward, said in (
                ("refl", "minimum", ("reward", "'minimum'", "refl", "gradient", "saturation", "flow-grpo")),
                ("flow-grpo", "saturation", ("reward", "'saturation'", "flow-grpo", "mean", "refl")),
                ("ddpo", "saturation", ("reward", "'saturation'", "ddpo", "mean", "refl")),
            )
        ),
        (
            both(put("finetune.policy", "group"), put("finetune.loss", "ddpo"), put("finetune.gradient.noise", 1.5)),
            ("finetune.gradient", "noise", "1.5", "ddpo", "at most 1"),
        ),
        (
            both(put("finetune.policy", "group"), put("finetune.loss", "flow-grpo"), put("finetune.accumulation", 2)),
            ("finetune.accumulation", "2", "flow-grpo", "set 1"),
        ),
        (put("finetune.accumulation", 0), ("finetune.accumulation", "0")),
        (put("finetune.ema", 1.0), ("finetune.ema", "1.0")),
        (put("finetune.gradient_checkpointing", "yes please"), ("finetune.gradient_checkpointing", "'yes please'")),
        (
            both(put("finetune.policy", "threshold"), put("finetune.loss", "flow-grpo")),
            ("finetune.loss", "'flow-grpo'", "groups", "set policy to group"),
        ),
        (put("finetune.gradient.window", 4), ("finetune.gradient.window", "4", "sampler_steps", "at most 3", "null")),
        (put("finetune.gradient.noise", 0.0), ("finetune.gradient.noise", "0.0")),
        (put("finetune.gradient.group", 1), ("finetune.gradient.group", "1")),
        (put("finetune.gradient", {}), ("finetune.gradient.reward", "missing")),
        (put("finetune.list_length", 1), ("finetune.list_length", "1")),
        (put("tunings.tiny-dtm.bases", "tiny"), ("tunings.tiny-dtm.bases", "unknown", "'base'")),
        (put("judges.tiny.wieghts", "x"), ("judges.tiny.wieghts", "unknown", "'weights'")),
        (drop("thresholds.synergy"), ("thresholds.synergy", "missing")),
        (put("thresholds.synergy", "0,8"), ("thresholds.synergy", "'0,8'")),
        (put("thresholds.synergy", -0.1), ("thresholds.synergy", "-0.1")),
        (put("thresholds.synergy", float("nan")), ("thresholds.synergy", "nan")),
        (put("thresholds.synergy_density", 0), ("thresholds.synergy_density", "0")),
        (put("thresholds.tilt_ratio", 0.5), ("thresholds.tilt_ratio", "0.5")),
        (put("thresholds.tilt_ratio", float("inf")), ("thresholds.tilt_ratio", "inf")),
        (put("thresholds.dispersion_corr", 1.5), ("thresholds.dispersion_corr", "1.5")),
        (put("thresholds.bottleneck", 0.8), ("thresholds", "bottleneck", "0.8", "synergy", "0.8")),
        (put("thresholds.rule", "papers"), ("thresholds.rule", "'papers'", "'paper'", "'reference'")),
        (put("annotate.per_subset", 0), ("annotate.per_subset", "0")),
        (put("annotate.per_subset", True), ("annotate.per_subset", "True")),
        (put("annotate.per_subset", 24.5), ("annotate.per_subset", "24.5")),
        (put("annotate.tasks", ["t2i", "t2i"]), ("annotate.tasks", "t2i", "twice")),
        (put("annotate.tasks", []), ("annotate.tasks", "[]")),
        (put("annotate.near_duplicate", 0), ("annotate.near_duplicate", "0")),
        (put("annotate.near_duplicate", 1.01), ("annotate.near_duplicate", "1.01")),
        (put("annotate.tasks", ["v2v"]), ("annotate.tasks.0", "'v2v'", "'t2i'")),
        (put("generate.roster", []), ("generate.roster", "[]")),
        (put("generate.roster", ["tiny", "flux"]), ("generate.roster", "'flux'")),
        (put("generate.roster", ["tiny", "tiny"]), ("generate.roster", "'tiny'", "twice")),
        (put("generate.roster", ["../tiny"]), ("generate.roster.0", "'../tiny'")),
        (put("generate.roster", ["flux.1"]), ("generate.roster.0", "'flux.1'")),
        *((put("generate.devices", value), ("generate.devices", repr(value), "all")) for value in (0, True, 1.5, "each", 10**9)),
        (put("judge.executor", "slurm"), ("judge.executor", "'slurm'", "'ray'")),
        (both(put("judge.name", "tiny-served"), put("judge.executor", "ray")), ("judge.executor", "'ray'", "'tiny-served'", "endpoints")),
        (both(put("judge.name", "tiny-served"), put("judge.devices", 2)), ("judge.executor", "2", "'tiny-served'")),
        (put("models.tiny.width", 60), ("models.tiny.width", "60")),
        (put("models.tiny.backend", "comfy"), ("models.tiny.backend", "'comfy'", "'diffusers'")),
        (put("judge.name", "gpt"), ("judge.name", "'gpt'")),
        (put("judge.scale", ["Bad", "Good", "Bad"]), ("judge.scale", "twice")),
        (put("judge.scale", ["Good"]), ("judge.scale", "two")),
        (put("judge.scale", ["Bad", " "]), ("judge.scale", "empty")),
        (put("judge.scale", "acrr"), ("judge.scale", "'acrr'")),
        (put("judge.scale", [1, 2, 3]), ("judge.scale", "[1, 2, 3]")),
        (put("judge.mode", "sampled"), ("judge.mode", "'sampled'", "'tiny'")),
        (
            put("models.tiny-dtm.steps", 8),
            ("models.tiny-dtm.steps", "8", "4"),
        ),
        (put("tunings", {"tiny": {"base": "tiny"}}), ("models.tiny.adapter", "folder")),
        (
            put("models.tiny.needs", "data"),
            ("models.tiny", "needs", "'data'", "'data/tiny/painter'"),
        ),
        (put("models.tiny-dtm.needs", "data"), ("models.tiny-dtm", "needs", "'data'", "'data/lora/tiny-dtm'")),
        (
            put("tunings.tiny-dtm.base", "tiny-dtm"),
            ("tunings.tiny-dtm.base", "'tiny-dtm'", "adapter"),
        ),
        (
            both(put("models.tiny-turbo.negative_prompt", "blur"), put("models.tiny-turbo.guidance_scale", 1.0)),
            ("models.tiny-turbo", "negative_prompt", "guidance_scale"),
        ),
        (put("tunings.tiny-dtm.base", "flux"), ("tunings.tiny-dtm.base", "'flux'")),
        (put("tunings", {"flux": {"base": "tiny"}}), ("tunings", "'flux'")),
        (put("generate.roster", ["tiny"]), ("tunings.tiny-dtm.base", "'tiny-turbo'", "generate.roster")),
        (lambda found: found.pop("finetune"), ("finetune", "missing")),
        (put("annotate.per_subset", 9), ("annotate.per_subset", "9", "thresholds.min_points", "10")),
        (put("annotate.per_subset", {"t2i": 0, "p2p": 12, "s2p": 12}), ("annotate.per_subset.t2i", "0")),
        (put("annotate.per_subset", {"t2i": 32, "p2p": 9, "s2p": 12}), ("annotate.per_subset", "9", "thresholds.min_points", "10", "p2p")),
        (put("annotate.train_per_subset", {"p2p": 3}), ("annotate", "train_per_subset", "t2i")),
        (put("annotate.per_subset", {"t2v": 3}), ("annotate.per_subset.t2v", "t2v")),
        (put("models.tiny.weights", "a'b"), ("models.tiny.weights", '"a\'b"')),
        (put("judges.tiny.needs", "a\nb"), ("judges.tiny.needs", r"'a\nb'")),
        (put("models.tiny.needs", "-rf"), ("models.tiny.needs", "'-rf'")),
        (put("report.agreement", " "), ("report.agreement", "' '")),
        (put("finetune.targets", ["TA-C_TA-X"]), ("finetune.targets", "dimension", "'TA-X'")),
        (put("finetune.targets", ["TA-C_TA-C"]), ("finetune.targets", "TA-C", "twice")),
        (put("finetune.targets", ["TA-C_TA-S", "TA-S_TA-C"]), ("finetune.targets", "'TA-C_TA-S'", "twice")),
        (put("finetune.targets", []), ("finetune.targets", "auto")),
        (put("finetune.targets", "weakest"), ("finetune.targets", "'weakest'")),
        (both(put("tunings.tiny-dtm.finetune", {}), put("finetune.targets", ["R-T_R-B"])), ("finetune.targets", "'R-T_R-B'")),
        (put("tunings.tiny-dtm.finetune", {"steps": 0}), ("tunings.tiny-dtm.finetune.steps", "0")),
        (put("tunings.tiny-dtm.finetune", {"step": 3}), ("tunings.tiny-dtm.finetune.step", "unknown", "'steps'")),
        (put("finetune.task", "i2i"), ("finetune.task", "'i2i'", "'t2i'")),
        (
            both(put("finetune.policy", "group"), put("finetune.loss", "flow-grpo"), put("finetune.task", "p2p")),
            ("finetune.loss", "'flow-grpo'", "finetune.task is 'p2p'", "t2i"),
        ),
        (put("tunings.tiny-dtm.finetune", {"task": "s2p"}), ("tunings.tiny-dtm.finetune.task", "'s2p'", "scope")),
        (put("tunings.tiny-dtm.finetune", {"targets": ["D-A_R-B"]}), ("tunings.tiny-dtm.finetune.targets", "t2i", "'D-A_R-B'")),
        (put("tunings.tiny-dtm.finetune", {"loss": "tdpo"}), ("tunings.tiny-dtm.finetune.loss", "'tdpo'", "policy")),
        (put("tunings.tiny-dtm.finetune", {"targets": ["R-T_R-B"]}), ("tunings.tiny-dtm.finetune.targets", "'R-T_R-B'")),
        (put("proof.eye", {"weights": None, "needs": "data/tiny/eye"}), ("proof.eye", "'data/tiny/eye'", "params.yaml")),
        (lambda found: found.pop("proof"), ("proof", "missing")),
        (lambda found: found.update({"[None]": 1}), ("[None]", "unknown", "seed")),
        (put("thresholds.[key]", 1), ("thresholds.[key]", "unknown")),
        (put("models.", {}), ("models.", "")),
        (put("seed", -1), ("seed", "-1")),
        (put("gates", None), ("gates", "None")),
    ],
)
def test_a_mistake_is_one_line_that_names_key_and_value(edit: Edit, said: Sequence[str], tmp_path: Path) -> None:
    assert re.match(names(*said), complaint(edited(tmp_path, edit)))


def test_what_dvc_writes_is_read_as_dvc_reads_it(tmp_path: Path) -> None:
    """`-S finetune.learning_rate=1e-5` makes DVC write 1e-05, a string in YAML 1.1; and 010 is ten."""
    path = tmp_path / "params.yaml"
    text = SHIPPED.read_text("utf-8")
    path.write_text(text.replace("learning_rate: 7.0e-4", "learning_rate: 1e-05").replace("seed: 42", "seed: 010"), "utf-8")
    found = params.load(path)
    assert (found.tuning("tiny-dtm")[1].learning_rate, found.seed) == (1e-5, 10)
    assert parse_yaml(path.read_text("utf-8"), path)["finetune"]["learning_rate"] == 1e-5


def test_a_byte_order_mark_is_read_over_and_a_folder_is_one_line(tmp_path: Path) -> None:
    path = tmp_path / "params.yaml"
    path.write_bytes(b"\xef\xbb\xbf" + SHIPPED.read_bytes())
    assert params.load(path) == params.load(SHIPPED)
    (tmp_path / "folder").mkdir()
    assert "it cannot be read (Is a directory)" in complaint(tmp_path / "folder")


@pytest.mark.parametrize("place", ["my weights; touch x", "$HOME/`id`", "größe & co", "./-dash"])
def test_a_path_may_hold_what_single_quotes_hold(place: str, tmp_path: Path) -> None:
    found = params.load(edited(tmp_path, put("models.tiny-turbo.weights", place), *(put(f"models.{name}.needs", place) for name in TURBO)))
    assert found.models["tiny-turbo"].loads == place


TURBO = ("tiny-turbo", "tiny-turbo-guidance-1", "tiny-turbo-guidance-4")
"""Entries with the weights of the first."""


def numbers(value: object, path: str = "") -> Iterator[str]:
    """Keys of all numbers in a file."""
    if isinstance(value, dict):
        for name, inner in value.items():
            yield from numbers(inner, f"{path}.{name}".lstrip("."))
    elif isinstance(value, int | float) and not isinstance(value, bool):
        yield path


@pytest.mark.parametrize("key", list(numbers(yaml.safe_load(SHIPPED.read_text("utf-8")))))
def test_every_number_has_an_upper_bound(key: str, tmp_path: Path) -> None:
    """Absurd values would overflow or exhaust memory hours later."""
    beyond = 10**30
    assert key in complaint(edited(tmp_path, put(key, float(beyond) if isinstance(said_there(key), float) else beyond)))


def said_there(key: str) -> object:
    found = yaml.safe_load(SHIPPED.read_text("utf-8"))
    for name in key.split("."):
        found = found[name]
    return found


@pytest.mark.parametrize(
    ("key", "value", "why"),
    [
        ("seed", 2**63, "random generators take seeds of 63 bits"),
        ("thresholds.bootstraps", 10**9, "resamples are in memory together"),
        ("thresholds.permutations", 10**9, "shuffles are in memory together"),
        ("finetune.rank", 10**6, "no layer has more to adapt"),
        ("finetune.learning_rate", 1e30, "AdamW moves every weight"),
    ],
)
def test_an_upper_bound_says_why(key: str, value: float, why: str, tmp_path: Path) -> None:
    said = complaint(edited(tmp_path, put(key, value)))
    assert said.startswith(f"{key}: {value!r} is more than ")
    assert why in said


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("seed: [1", "not readable as YAML"),
        ("seed: 1\nseed: 2", 'not readable as YAML: line 2, column 1: found duplicate key "seed"'),
        ("", "holds no parameters"),
        ("- seed", "holds no parameters"),
        ("\xff", "not readable as YAML"),
    ],
)
def test_a_file_that_is_no_parameters_is_one_line(text: str, said: str, tmp_path: Path) -> None:
    path = tmp_path / "params.yaml"
    path.write_text(text, "latin-1")
    assert complaint(path).startswith(said)


def test_a_missing_file_is_one_line(tmp_path: Path) -> None:
    assert complaint(tmp_path / "params.yaml").startswith("there is no such file here")


@pytest.mark.parametrize("targets", ["auto", "random", ["TA-C_TA-S"], ["TA-S_TA-C", "IQ-R_TA-S"]])
def test_targets_are_found_or_named(targets: str | list[str], tmp_path: Path) -> None:
    _, finetune = params.load(edited(tmp_path, put("tunings.tiny-dtm.finetune", {}), put("finetune.targets", targets))).tuning("tiny-dtm")
    assert finetune.targets == (targets if isinstance(targets, str) else [str(Pair.parse(pair)) for pair in targets])


def test_a_tuned_model_may_be_trained_otherwise_than_the_others(tmp_path: Path) -> None:
    own = {"targets": ["TA-C_TA-S"], "policy": "dominance", "loss": "dpo", "gradient": {"group": 2}}
    found = params.load(edited(tmp_path, put("tunings.tiny-dtm.finetune", own)))
    _, settings = found.tuning("tiny-dtm")
    assert found.finetune
    assert (settings.targets, settings.policy, settings.loss) == (["TA-C_TA-S"], "dominance", "dpo")
    assert settings.gradient == found.finetune.gradient.model_copy(update={"group": 2})
    assert settings.rank == found.finetune.rank and found.finetune.targets == AUTO


def test_an_unknown_model_names_the_known_ones() -> None:
    with pytest.raises(ParamsError, match=names("model", "'flux'", "tiny", "tiny-turbo", "tiny-dtm")):
        params.load(SHIPPED).model("flux")


leaves = st.one_of(st.none(), st.booleans(), st.integers(-5, 5), st.floats(-2, 2), st.text(max_size=5), st.lists(st.integers(), max_size=2))
keys = st.sampled_from(["seed", "generate.roster", "models.tiny.steps", "judge.scale", "thresholds.synergy", "finetune"])


@given(key=keys, value=leaves)
def test_any_value_is_taken_or_refused_in_one_line(key: str, value: object, tmp_path_factory: pytest.TempPathFactory) -> None:
    path = edited(tmp_path_factory.mktemp("any"), put(key, value))
    said = refusal(path)
    section, *_ = key.split(".")
    assert said is None or (said.startswith(f"{path}: {section}") and len(said.splitlines()) == 1)


def refusal(path: Path) -> str | None:
    """Error of a file; None when it is valid."""
    try:
        params.load(path)
    except ParamsError as failed:
        return str(failed)
    return None
