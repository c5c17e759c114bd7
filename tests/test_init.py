"""`trig init real`: a params file that runs, with the comments of its template; and a roster without a tuned model through the whole pipeline."""

import shutil
from pathlib import Path

import pytest
import workplace
from lines import names
from typer.testing import CliRunner

from trig import params
from trig.cli import init, judges
from trig.cli.commits import MARK, commit
from trig.cli.edits import Edits
from trig.cli.main import app
from trig.errors import ParamsError
from trig.notation import read

SHIPPED = (workplace.ROOT / "params.yaml").read_text("utf-8")
SD15 = ("sd-legacy/stable-diffusion-v1-5", None)
COMMIT = "0123456789abcdef0123456789abcdef01234567"
ASKED = ("init", "real", "--models", "flux-dev,sd35-large", "--judge", "qwen2.5-vl-7b")


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project whose machine has an empty cache and no network."""
    workplace.bench(tmp_path)
    shutil.copy(workplace.ROOT / "params.yaml", tmp_path)
    (tmp_path / "material").symlink_to(workplace.ROOT / "material")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    return tmp_path


@pytest.fixture
def known(place: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The same where every commit is known."""
    for module in (init, judges):
        monkeypatch.setattr(module, "commit", lambda *_: COMMIT)
    return place


def asked(*more: str) -> None:
    ran = CliRunner().invoke(app, [*ASKED, *more], catch_exceptions=False)
    assert ran.exit_code == 0, ran.output


def test_it_writes_a_file_that_is_sound(known: Path) -> None:
    asked("--out", "real.yaml")
    found = params.load(known / "real.yaml")
    flux, judge = found.pipeline("flux-dev"), found.judges[found.judge.name]
    assert found.generate.roster == ["flux-dev", "sd35-large"] and found.models.keys() == {"flux-dev", "sd35-large"}
    assert (flux.weights, flux.steps, flux.dtype) == (f"hub:black-forest-labs/FLUX.1-dev@{COMMIT}", 50, "bfloat16")
    assert (found.annotate.profile, found.annotate.material, found.judge.rubrics) == ("trig", "material/general", "full")
    assert (dict(found.tunings), found.finetune, found.annotate.train_per_subset) == ({}, None, 0)
    assert (found.judge.name, getattr(judge, "model", "")) == ("qwen2-5-vl-7b", "qwen2.5-vl-7b")
    assert (judge.weights, judge.needs) == (f"hub:Qwen/Qwen2.5-VL-7B-Instruct@{COMMIT}", "params.yaml")
    assert found.thresholds == params.load(known / "params.yaml").thresholds


def test_every_comment_of_what_stays_is_there_at_its_column(known: Path) -> None:
    asked("--out", "real.yaml")
    old, new = (text.splitlines() for text in (SHIPPED, (known / "real.yaml").read_text("utf-8")))
    gone = {line.partition("#")[2] for line in old} - {line.partition("#")[2] for line in new}
    lost = {line for line in old if line.partition("#")[2] in gone}
    assert {line.partition(":")[0].strip() for line in lost} == {
        "weights", "needs", "tiny-turbo", "tiny-dtm", "tunings", "finetune", "targets", "task", "guard", "min_keep_share", "candidates", "keep_above",
        "max_gap", "loss", "policy", "beta", "soft_labels", "weighted", "dimension_weights", "min_gain", "max_angle", "list_length",
        "accumulation", "gradient_checkpointing", "ema",
        "batch_size", "tiny-served", "key", "price", "backend", "adapter", "dtype", "scope", "tiny-prompted", "tiny-best",
        "tiny-turbo-guidance-1", "promptings", "by", "annotator", "budget", "prompts", "seeds", "fdr", "max_fall", "map",
        "proof", "eye", "unchanged", "max_drift", "max_collapse", "every", "watch", "gradient", "reward", "group", "sampler_steps", "noise",
        "window", "clip", "kl", "updates",
    }  # fmt: skip
    columns = {line.partition("#")[2]: line.index("#") for line in old if "#" in line}
    edited = [line for line in new if line.strip().split(":")[0] in {"profile", "rubrics", "train_per_subset", "max_tokens"}]
    assert len(edited) == 4 and all(line.index("#") == columns[line.partition("#")[2]] for line in edited)
    assert "\n\njudge:" in "\n".join(new) and "\n\n\n" not in "\n".join(new)


def test_a_tuned_model_is_written_where_it_is_asked_for(known: Path) -> None:
    """With the settings of the published adapter: rank 8, 4e-4, eight pictures in a step, 2,060 steps, 1,024 pixels."""
    asked("--out", "real.yaml", "--models", "flux-dev", "--finetune", "flux-dev", "--tasks", "t2i")
    found = params.load(known / "real.yaml")
    assert (found.generate.roster[-1], found.tunings["flux-dev-dtm"].base) == ("flux-dev-dtm", "flux-dev")
    base, own = found.pipeline("flux-dev"), found.finetune
    assert own and (own.rank, own.learning_rate, own.steps, own.batch_size * own.accumulation) == (8, 4e-4, 2060, 8)
    assert (base.width, base.height, base.guidance_scale) == (1024, 1024, 3.5) and found.annotate.train_per_subset == 32


def test_a_system_that_edits_is_taught_edits(known: Path) -> None:
    asked("--out", "real.yaml", "--models", "flux-kontext-dev", "--finetune", "flux-kontext-dev", "--tasks", "p2p,s2p")
    found = params.load(known / "real.yaml").finetune
    assert found and found.task == "p2p"


def test_a_system_paints_the_tasks_that_it_can(known: Path) -> None:
    asked("--out", "real.yaml", "--models", "flux-schnell,instruct-pix2pix", "--tasks", "t2i,p2p")
    found = params.load(known / "real.yaml")
    assert {name: found.scope(name).tasks for name in found.generate.roster} == {"flux-schnell": ["t2i"], "instruct-pix2pix": ["p2p"]}


def test_an_entry_of_the_template_may_judge(known: Path) -> None:
    ran = CliRunner().invoke(app, [*ASKED[:-1], "tiny-served", "--out", "real.yaml"])
    assert ran.exit_code == 0
    assert read((known / "real.yaml").read_text("utf-8"))["judges"] == read(SHIPPED)["judges"]


def test_nothing_is_overwritten_unless_it_is_said(known: Path) -> None:
    with pytest.raises(ParamsError, match=names("params.yaml", "--force", "--out")):
        asked()
    assert (known / "params.yaml").read_text("utf-8") == SHIPPED
    asked("--force")
    assert "flux-dev" in params.load(known / "params.yaml").models
    with pytest.raises(ParamsError, match=names("params.yaml: tunings", "git show HEAD:params.yaml", "--template")):
        asked("--force", "--models", "flux-schnell", "--finetune", "flux-schnell")


def test_where_no_commit_is_known_the_file_says_so_and_is_refused_with_the_remedy(place: Path) -> None:
    ran = CliRunner().invoke(app, [*ASKED, "--force"])
    assert ran.exit_code == 0 and "git ls-remote https://huggingface.co/black-forest-labs/FLUX.1-dev main" in ran.output
    assert "judges.qwen2-5-vl-7b.weights: no commit" in ran.output
    with pytest.raises(ParamsError, match=names(f"{place / 'params.yaml'}: models.flux-dev", "FLUX.1-dev@main", "git ls-remote")):
        params.load(place / "params.yaml")


def test_a_commit_is_that_of_the_cache_or_of_the_hub(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert commit(*SD15) == MARK
    monkeypatch.setenv("HF_HUB_OFFLINE", "0")
    monkeypatch.setattr("huggingface_hub.HfApi.model_info", lambda *_, **__: type("Info", (), {"sha": COMMIT}))
    assert commit(*SD15) == COMMIT
    whole = place / "cache/models--sd-legacy--stable-diffusion-v1-5/snapshots" / COMMIT[::-1]
    (whole / "vae").mkdir(parents=True)
    (whole / "model_index.json").write_text('{"vae": ["diffusers", "AutoencoderKL"]}', "utf-8")
    (whole / "vae/model.safetensors").write_bytes(b"0")
    assert commit(*SD15) == COMMIT[::-1]


@pytest.mark.parametrize("error", [OSError("no route"), ValueError("no name")])
def test_a_hub_that_does_not_answer_is_no_error(place: Path, monkeypatch: pytest.MonkeyPatch, error: Exception) -> None:  # noqa: ARG001
    def fails(*_: object, **__: object) -> None:
        raise error

    monkeypatch.setenv("HF_HUB_OFFLINE", "0")
    monkeypatch.setattr("huggingface_hub.HfApi.model_info", fails)
    assert commit(*SD15) == MARK


@pytest.mark.parametrize(
    ("more", "said"),
    [
        (("--models", "flux"), ("--models", "'flux'", "flux-dev")),
        (("--models", "freediff"), ("--models", "'freediff'", "unavailable")),
        (("--tasks", "p2p,s2p"), ("--tasks", "p2p, s2p", "flux-dev", "t2i")),
        (("--judge", "clip"), ("--judge", "'clip'", "qwen2.5-vl-7b", "tiny")),
        (("--material", "nowhere"), ("--material", "'nowhere'", "general")),
        (("--finetune", "sdxl"), ("--finetune", "'sdxl'", "flux-dev")),
        (("--models", "pixart-sigma", "--finetune", "pixart-sigma"), ("--finetune", "'pixart-sigma'", "sdxl", "flux-schnell")),
        (("--profile", "small"), ("real.yaml: annotate.profile", "'small'")),
        (("--template", "absent.yaml"), ("absent.yaml", "no such file")),
    ],
)
def test_what_cannot_be_written_is_one_line_and_no_file(known: Path, more: tuple[str, ...], said: tuple[str, ...]) -> None:
    with pytest.raises(ParamsError, match=names(*said)):
        asked("--out", "real.yaml", *more)
    assert not (known / "real.yaml").exists()


@pytest.mark.parametrize("value", [None, True, 3, 0.5, 4e-4, "a", "a-b/c.d@e", "true", "No", "", "it's", "a: b", "- a", "1e3", "ü", "#"])
def test_a_value_is_read_as_it_was_written(value: str | float | None) -> None:
    edits = Edits("a:\n  b: 1   # why\n", "x")
    edits.scalar("a", "b", value=value)
    assert read(edits.text) == {"a": {"b": value}} and edits.text.endswith("# why\n")


def test_flow_style_is_refused_where_lines_are_wanted() -> None:
    with pytest.raises(ParamsError, match=names("x: a")):
        Edits("a: [b]\n", "x").block("a", lines=["- c"])
