"""Weights of the hub: brought from a small server that speaks its protocol, read from the cache alone, and keyed by their commit."""

import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
import workplace
from aiohttp import web
from lines import names

from trig import params
from trig.backends import hub
from trig.backends.weights import description, folder, identity, located
from trig.errors import WeightsError
from trig.testing.servers import running

COMMIT = "0123456789abcdef0123456789abcdef01234567"
PAINTER, JUDGE = (workplace.ROOT / workplace.WEIGHTS / name for name in ("painter", "judge"))
WORDS = ("config.json", "model.safetensors", "tokenizer.json", "chat_template.jinja")
"""Files of a model of transformers."""


class Hub:
    """A hub with the tiny painter, a model of transformers, the same behind a gate, one with pickles, one too large for any disk, and nothing else."""

    def __init__(self) -> None:
        whole = {file.relative_to(PAINTER).as_posix(): file.read_bytes() for file in PAINTER.rglob("*") if file.is_file()}
        stray = {"weights.safetensors": b"0", "vae/diffusion_pytorch_model.fp16.safetensors": b"0", "vae/old.bin": b"0", "run.py": b"0"}
        index = {"_class_name": "X", "vae": ["diffusers", "AutoencoderKL"]}
        pickles = {"model_index.json": json.dumps(index).encode(), "vae/diffusion_pytorch_model.bin": b"0"}
        self.files = {
            "us/tiny": whole | stray,
            "us/gated": whole,
            "us/pickled": pickles,
            "us/vast": whole,
            "us/single": {"x.safetensors": b"0"},
            "us/judge": {file.name: file.read_bytes() for file in JUDGE.iterdir()}
            | {"original/consolidated.safetensors": b"0", "a.bin": b"0"},
            "us/words": dict.fromkeys((*WORDS, "README.md", "onnx/model.onnx", "run.py", "old/pytorch_model.bin"), b"{}"),
        }
        self.sent: list[str] = []

    async def handle(self, request: web.Request) -> web.StreamResponse:
        parts = request.path.strip("/").split("/")
        name = "/".join(parts[2:4] if parts[0] == "api" else parts[:2])
        if name not in self.files:
            return web.json_response({"error": "Repository not found"}, status=401, headers={"X-Error-Code": "RepoNotFound"})
        if COMMIT not in parts:
            return web.json_response({"error": "Invalid rev id"}, status=404, headers={"X-Error-Code": "RevisionNotFound"})
        size = {path: 10**16 if name == "us/vast" else len(content) for path, content in self.files[name].items()}
        if parts[4:5] == ["revision"]:
            told = [{"rfilename": path, "size": size[path]} for path in size]
            return web.json_response({"id": name, "sha": COMMIT, "siblings": told})
        if parts[4:5] == ["tree"]:
            return web.json_response([{"type": "file", "path": path, "size": size[path], "oid": path} for path in size])
        if name == "us/gated" and request.headers.get("authorization") != "Bearer good":
            status = 403 if "authorization" in request.headers else 401
            return web.json_response({"error": "Access is restricted"}, status=status, headers={"X-Error-Code": "GatedRepo"})
        path = "/".join(parts[4:])
        if request.method == "GET":
            self.sent.append(path)
        return web.Response(body=self.files[name][path], headers={"X-Repo-Commit": COMMIT, "ETag": f'"{abs(hash((name, path)))}"'})


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project with a model of each repository."""
    folder = tmp_path_factory.mktemp("project")
    workplace.bench(folder)
    repositories = ("tiny", "gated", "pickled", "vast", "single", "unknown", "words")
    models = {name: {"extends": "tiny", "weights": f"hub:us/{name}@{COMMIT}", "needs": "params.yaml"} for name in repositories}
    other = models["tiny"] | {"weights": f"hub:us/tiny@{COMMIT[::-1]}"}
    workplace.edit(folder, **{f"models__hub-{name}": entry for name, entry in (models | {"moved": other}).items()})
    judge = {"backend": "transformers", "needs": "params.yaml"}
    workplace.edit(folder, **{f"judges__hub-{name}": judge | {"weights": f"hub:us/{name}@{COMMIT}"} for name in ("judge", "single-judge")})
    return folder


@pytest.fixture(scope="module")
def served() -> Iterator[tuple[Hub, str]]:
    server = Hub()
    with running(server) as address:
        yield server, address


def fetched(place: Path, name: str, address: str, token: str = "", offline: str = "0") -> tuple[int, str]:
    """`trig models fetch`: exit code and output."""
    home = {"HF_HOME": str(place / "hub"), "HF_ENDPOINT": address, "HF_HUB_OFFLINE": offline, "HF_TOKEN": token}
    done = workplace.python("-m", "trig.cli", "models", "fetch", f"hub-{name}", cwd=place, **home)
    return done.returncode, done.stderr if done.returncode else done.stdout


def test_a_repository_is_fetched_once_and_painted_with_from_the_cache(
    place: Path, served: tuple[Hub, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    server, address = served
    weights, field = f"hub:us/tiny@{COMMIT}", "params.yaml: models.hub-tiny.weights"
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(place / "hub/hub"))
    with pytest.raises(WeightsError, match=names(field, f"us/tiny@{COMMIT}", "trig models fetch hub-tiny")):
        located(weights, field)
    assert fetched(place, "tiny", address)[0] == 0
    assert {"weights.safetensors", "run.py", "vae/old.bin", "vae/diffusion_pytorch_model.fp16.safetensors"}.isdisjoint(server.sent)
    before = len(server.sent)
    assert fetched(place, "tiny", address)[0] == 0
    assert len(server.sent) == before
    assert hub.commits("us/tiny") == [COMMIT]
    assert identity(weights, field) == COMMIT == description(weights, field, weights, engine_in_key=False)["revision"]
    drawn(place, weights)
    gone = next(located(weights, field).glob("vae"))
    for file in gone.iterdir():
        file.unlink()
    gone.rmdir()
    with pytest.raises(WeightsError, match=names(field, "vae", "trig models fetch hub-tiny")):
        located(weights, field)


def test_a_judge_is_fetched_once_and_its_commit_is_in_its_revision(
    place: Path, served: tuple[Hub, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    from trig.backends.judges.transformers import ASKING, Transformers
    from trig.keys import content_key

    server, address = served
    weights = f"hub:us/judge@{COMMIT}"
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(place / "hub/hub"))
    with pytest.raises(WeightsError, match=names("params.yaml: judges.hub-judge.weights", "trig models fetch hub-judge")):
        Transformers("hub-judge", weights, 8)
    code, line = fetched(place, "judge", address)
    assert code == 0, line
    assert {"model.safetensors", "chat_template.jinja"} <= set(server.sent) and "original/consolidated.safetensors" not in server.sent
    assert Transformers("hub-judge", weights, 8).revision == content_key(weights=COMMIT, asking=ASKING)
    code, line = fetched(place, "single-judge", address)
    assert code == 2 and "us/single-judge" in line


def test_of_a_model_of_transformers_comes_what_stands_at_the_top(
    place: Path, served: tuple[Hub, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    server, address = served
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(place / "hub/hub"))
    before = len(server.sent)
    assert fetched(place, "words", address)[0] == 0
    assert sorted(server.sent[before:]) == sorted(WORDS)
    found = located(f"hub:us/words@{COMMIT}", "params.yaml: models.hub-words.weights")
    (found / "model.safetensors").unlink()
    with pytest.raises(WeightsError, match=names("params.yaml: models.hub-words.weights", "any safetensors")):
        located(f"hub:us/words@{COMMIT}", "params.yaml: models.hub-words.weights")


def drawn(place: Path, weights: str) -> None:
    """A picture of weights of the cache is that of the folder they came from, and its key holds the commit and no path."""
    from trig.backends.painters.diffusers import PAINTING, Diffusers
    from trig.keys import content_key
    from trig.protocols.generator import Order

    local = params.load(workplace.ROOT / "params.yaml").pipeline("tiny").model_copy(update={"steps": 1, "weights": str(PAINTER)})
    cached = Diffusers("hub-tiny", local.model_copy(update={"weights": weights, "needs": "params.yaml"}))
    made = [painter.generate([Order("a red ball", 1, None)])[0] for painter in (Diffusers("tiny", local), cached)]
    assert made[0] == made[1]
    parts = {"weights": COMMIT, "adapter": None, "engine": None, "call": cached.model.decides(), "painting": PAINTING}
    assert cached.revision == content_key(**parts)
    assert str(place) not in repr(cached.model)


@pytest.mark.parametrize(
    ("name", "token", "said"),
    [
        ("gated", "", ("us/gated", "gated", "HF_TOKEN")),
        ("gated", "bad", ("us/gated", "gated", "accept", "may not read")),
        ("unknown", "", ("us/unknown", "no such repository")),
        ("moved", "", ("us/tiny", COMMIT[::-1], "no such commit")),
        ("pickled", "", ("us/pickled", "vae/diffusion_pytorch_model.bin", "pickle")),
        ("single", "", ("us/single", "model_index.json", "diffusers")),
        ("vast", "", ("GB to fetch", "free", "HF_HOME")),
    ],
)
def test_what_keeps_weights_from_coming_is_one_line(
    name: str, token: str, said: tuple[str, ...], place: Path, served: tuple[Hub, str]
) -> None:
    code, line = fetched(place, name, served[1], token)
    assert code == 2
    assert re.match(names(f"params.yaml: models.hub-{name}.weights", *said), line)


def test_a_token_opens_the_gate(place: Path, served: tuple[Hub, str]) -> None:
    assert fetched(place, "gated", served[1], "good")[0] == 0


def test_without_a_network_a_line_says_so(place: Path) -> None:
    code, line = fetched(place, "tiny", "http://127.0.0.1:9")
    assert code == 2 and "go online" in line and len(line.splitlines()) == 1
    code, line = fetched(place, "tiny", "http://127.0.0.1:9", offline="1")
    assert code == 2 and "HF_HUB_OFFLINE" in line and len(line.splitlines()) == 1


def test_a_pickle_beside_no_safetensors_is_refused_in_a_folder_too(tmp_path: Path) -> None:
    for name in ("vae/model.safetensors", "vae/training_args.bin", "unet/model.bin"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(b"0")
    with pytest.raises(WeightsError, match=names("models.x.weights", tmp_path, "unet/model.bin", "pickle")):
        folder(str(tmp_path), "models.x.weights")


def test_a_folder_that_lacks_a_shard_is_not_whole(tmp_path: Path) -> None:
    (tmp_path / "unet").mkdir()
    (tmp_path / "model_index.json").write_text('{"unet": ["diffusers", "X"], "safety_checker": [null, null]}', "utf-8")
    (tmp_path / "unet/m.safetensors.index.json").write_text('{"weight_map": {"a": "m-1.safetensors", "b": "m-2.safetensors"}}', "utf-8")
    (tmp_path / "unet/m-1.safetensors").write_bytes(b"0")
    assert hub.missing(tmp_path) == "unet/m-2.safetensors"
    (tmp_path / "unet/m-2.safetensors").write_bytes(b"0")
    assert hub.missing(tmp_path) is None


def test_a_network_without_weights_is_not_whole_whatever_the_others_have(tmp_path: Path) -> None:
    parts = {"unet": "config.json", "vae": "config.json", "scheduler": "scheduler_config.json", "tokenizer": "tokenizer_config.json"}
    for name, file in (*parts.items(), ("tokenizer", "config.json"), ("feature_extractor", "preprocessor_config.json")):
        (tmp_path / name).mkdir(exist_ok=True)
        (tmp_path / name / file).write_text("{}", "utf-8")
    (tmp_path / "model_index.json").write_text(json.dumps({name: ["diffusers", "X"] for name in (*parts, "feature_extractor")}), "utf-8")
    (tmp_path / "unet/m.safetensors").write_bytes(b"0")
    assert hub.missing(tmp_path) == "vae/*.safetensors"
    (tmp_path / "vae/m.safetensors").write_bytes(b"0")
    assert hub.missing(tmp_path) is None


def test_of_a_repository_comes_what_a_pipeline_loads() -> None:
    wanted = {
        "model_index.json", "unet/config.json", "unet/m-00001-of-00002.safetensors", "unet/m.safetensors.index.json", "tokenizer/merges.txt",
        "tokenizer/spiece.model", "vae/only.fp16.safetensors",
    }  # fmt: skip
    left = {
        "whole.safetensors", "unet/m.fp16-00001-of-00002.safetensors", "unet/m.bin", "unet/model.onnx", "pipeline.py", "unet/run.py",
        "safety_checker/model.safetensors", "README.md", "picture.png",
    }  # fmt: skip
    assert set(hub.chosen(wanted | left, ["tokenizer", "unet", "vae"])) == wanted
