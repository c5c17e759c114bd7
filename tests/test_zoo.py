"""The model zoo: every entry against the installed diffusers, and entries of params.yaml that extend it or each other."""

import inspect
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import diffusers
import pytest
import workplace
from lines import names
from pydantic import BaseModel
from test_params import READS, SHIPPED, both, complaint, edited, put

from stages import params as stage
from trig import params
from trig.backends.families import FAMILIES
from trig.notation import read
from trig.params.judge import JUDGES
from trig.params.models import MODELS
from trig.params.models.diffusers import GIVEN
from trig.params.zoo import DiffusersSystem, systems

DIFFUSERS = {name: system for name, system in systems().items() if isinstance(system, DiffusersSystem)}
AVAILABLE = {name: system for name, system in systems().items() if system.unavailable is None}
COMMIT = "0123456789abcdef0123456789abcdef01234567"
Edit = Callable[[dict[str, Any]], object]
FLUX = {"extends": "flux-dev", "weights": f"hub:black-forest-labs/FLUX.1-dev@{COMMIT}", "needs": "params.yaml"}


@pytest.mark.parametrize(("file", "entries"), [("zoo.yaml", MODELS), ("judges.yaml", JUDGES)])
def test_what_an_entry_need_not_say_are_fields_of_its_backend(file: str, entries: dict[str, type[BaseModel]]) -> None:
    local = read((workplace.ROOT / "trig/params" / file).read_text("utf-8"))["local"]
    unknown = {
        f"{file}: local.{backend}.{name}" for backend, given in local.items() for name in given.keys() - entries[backend].model_fields
    }
    assert not unknown, "name a field of the backend's entry"


def test_what_is_trained_is_of_a_family() -> None:
    trained = [name for name, system in systems().items() if system.trained]
    assert trained and all(DIFFUSERS[name].pipeline in FAMILIES for name in trained)


@pytest.mark.parametrize("name", DIFFUSERS)
def test_diffusers_has_the_classes_that_an_entry_names(name: str) -> None:
    system = DIFFUSERS[name]
    kinds = {system.pipeline: diffusers.DiffusionPipeline, system.scheduler: diffusers.SchedulerMixin}
    for kind, of in kinds.items():
        assert kind is None or issubclass(getattr(diffusers, kind), of)


@pytest.mark.parametrize("name", [name for name, system in DIFFUSERS.items() if system.pipeline])
def test_the_pipeline_of_an_entry_knows_every_argument(name: str) -> None:
    system = DIFFUSERS[name]
    takes = inspect.signature(getattr(diffusers, str(system.pipeline)).__call__).parameters.keys()
    assert asked(system) <= takes
    assert not system.call.keys() & GIVEN.keys()


def asked(system: DiffusersSystem) -> set[str]:
    """Arguments without which the entry would not paint as it says. A pipeline that only edits may take the source's size."""
    if "LEditsPP" in str(system.pipeline):
        return {*system.call}  # steps and guidance are those of the inversion before it
    guides = "true_cfg_scale" if "QwenImage" in str(system.pipeline) else "guidance_scale"
    wanted = {"num_inference_steps", *system.call}
    wanted |= {guides} if (system.guidance_scale or 0) > 1 and "HunyuanImage" not in str(system.pipeline) else set()  # it has guiders
    wanted |= {"negative_prompt"} if system.negative_prompt else set()
    return wanted | ({"width", "height"} if "t2i" in system.tasks else set())


def test_the_published_settings_are_the_entries() -> None:
    """Steps, guidance and size of the paper's runs."""
    said = {
        name: (getattr(system, "steps", None), getattr(system, "guidance_scale", None), system.width) for name, system in systems().items()
    }
    assert (
        said.items()
        >= {
            "flux-dev": (50, 3.5, 1024),
            "sd35-large": (28, 4.5, 1024),
            "sana15-4800m": (20, 4.5, 1024),
            "janus-pro-7b": (None, 5.0, 384),
            "dall-e-3": (None, None, 1024),
            "omnigen": (50, 2.5, 1024),
            "instruct-pix2pix": (100, 7.5, 512),
            "hq-edit": (30, 7.0, 512),
            "freediff": (50, 7.5, 512),
            "blip-diffusion": (25, 7.5, 512),
            "ssr-encoder": (30, 5.0, 512),
            "ominicontrol": (8, 1.0, 512),
            "flux-ip-adapter": (25, 4.0, 512),
        }.items()
    )


@pytest.mark.parametrize("name", AVAILABLE)
def test_every_available_entry_can_be_extended_in_three_lines(name: str, tmp_path: Path) -> None:
    system = AVAILABLE[name]
    weights = {"weights": f"hub:{system.repository}@{COMMIT}"} if system.repository else {}
    found = params.load(edited(tmp_path, put("models.x", {"extends": name, "needs": "params.yaml", **weights}))).models["x"]
    told = system.model_dump()
    assert {key: value for key, value in found.model_dump().items() if key in told} == {
        key: told[key] for key in type(found).model_fields if key in told
    }
    assert found.backend == system.backend


def test_an_entry_may_have_the_name_of_the_one_it_extends_in_the_zoo(tmp_path: Path) -> None:
    variant = {"extends": "flux-dev", "needs": "params.yaml", "steps": 20, "call": {"sigmas": None}}
    found = params.load(edited(tmp_path, put("models.flux-dev", FLUX), put("models.flux-fast", variant)))
    slow, fast = found.pipeline("flux-dev"), found.pipeline("flux-fast")
    assert (slow.steps, fast.steps) == (50, 20)
    assert fast.weights == FLUX["weights"]
    assert fast.call == {"max_sequence_length": 512, "sigmas": None}


def test_the_shipped_variants_resolve_to_their_base() -> None:
    found = params.load(SHIPPED).models
    plain = {"backend": "diffusers", "dtype": "auto", "guidance_scale": 3.0, "height": 64, "negative_prompt": "", "steps": 6, "width": 64}
    assert found["tiny"].decides() == plain
    assert found["tiny-turbo"].decides() == found["tiny-dtm"].decides() == plain | {"steps": 4, "guidance_scale": 1.5}
    assert {model.loads for model in found.values()} == {"data/tiny/painter"}


def test_a_field_that_changes_how_a_pipeline_is_called_enters_the_key(tmp_path: Path) -> None:
    found = params.load(edited(tmp_path, put("models.flux-dev", FLUX))).models["flux-dev"].decides()
    assert found == {
        "backend": "diffusers", "pipeline": "FluxPipeline", "dtype": "bfloat16", "call": {"max_sequence_length": 512}, "steps": 50,
        "guidance_scale": 3.5, "negative_prompt": "", "width": 1024, "height": 1024,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("edit", "said"),
    [
        (put("models.x", {"extends": "nothing", "needs": "x"}), ("models.x.extends", "'nothing'", "tiny", "flux-dev")),
        (put("models.x", {"extends": "x", "needs": "x"}), ("models.x.extends", "'x'", "unknown")),
        (put("models.x", {"extends": "freediff", "needs": "params.yaml"}), ("models.x.extends", "'freediff'", "unavailable")),
        (
            both(put("models.a", {"extends": "b", "needs": "x"}), put("models.b", {"extends": "a", "needs": "x"})),
            ("models.b.extends", "'a'", "b"),
        ),
        (put("models.x", {"extends": "tiny", "needs": "data/tiny/painter", "stepz": 3}), ("models.x.stepz", "unknown", "'steps'")),
        (put("models.x", {"extends": "tiny", "steps": 3}), ("models.x.needs", "missing")),
        (put("models.x", {"extends": 3}), ("models.x.extends", "3")),
        (put("models.x", {"extends": "flux-dev", "needs": "params.yaml"}), ("models.x", "not pinned", "git ls-remote")),
        (put("models.x", FLUX | {"weights": "hub:a/b@main"}), ("models.x.weights", "'main'", "git ls-remote")),
        (put("models.x", FLUX | {"weights": "hub:a/b@0123abc"}), ("models.x.weights", "'0123abc'", "40 digits")),
        (put("models.x", FLUX | {"weights": "hub:flux"}), ("models.x.weights", "'hub:flux'", "hub:owner/name@commit")),
        (put("models.x", FLUX | {"needs": "data"}), ("models.x", "needs", "'data'", "params.yaml")),
        (put("models.x", FLUX | {"call": {"width": 8}}), ("models.x", "call", "'width'")),
        (put("models.x", FLUX | {"call": 3}), ("models.x.call", "3")),
        (put("models.tiny.call", 3), ("models.tiny.call", "3")),
        (put("models.x", FLUX | {"dtype": "half"}), ("models.x.dtype", "'half'", "'bfloat16'")),
    ],
)
def test_a_mistake_in_an_entry_is_one_line(edit: Edit, said: tuple[str, ...], tmp_path: Path) -> None:
    assert re.match(names(*said), complaint(edited(tmp_path, edit)))


def test_each_model_has_its_whole_entry_on_disk(tmp_path: Path) -> None:
    written = {name: entries(tmp_path, put("models.tiny-turbo.steps", steps)) for name, steps in (("a", 4), ("b", 5))}
    assert {name for name in written["a"] if written["a"][name] != written["b"][name]} >= {"tiny-turbo.json", "tiny-dtm.json"}
    assert written["a"]["tiny.json"] == written["b"]["tiny.json"]


def entries(place: Path, edit: Edit) -> dict[str, bytes]:
    """data/models of an edited params.yaml."""
    stage.main(edited(place, edit), READS, place / "params", place / "models", place / "judges", place / "eye.json")
    return {file.name: file.read_bytes() for file in (place / "models").iterdir()}
