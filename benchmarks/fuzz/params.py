"""Readers of params.yaml: whole, its sections of entries, and a sweep written into it."""

import shutil
from io import StringIO
from pathlib import Path

from ruamel.yaml import YAML

from benchmarks.fuzz.reader import Reader
from stages import params as stage
from trig import notation, params
from trig.cli import sweep
from trig.testing.programs import ROOT

NAME = "params.yaml"
KNOB = {"extends": "tiny", "needs": "data/tiny/painter"}
WIDE = {"width": 64, "height": 64}
SECTIONS = {
    "models": {
        "hub": {"extends": "flux-dev", "weights": f"hub:black-forest-labs/FLUX.1-dev@{'0' * 40}", "needs": NAME, "options": {"offload": "model"}},
        "loop": {"extends": "hub", "needs": NAME, "call": {"max_sequence_length": 128}},
        "mine": {"backend": "folder", "folder": "data/mine", "mapping": "map.csv", "needs": "data/mine", **WIDE},
        "served": {"backend": "openai", "endpoints": ["http://127.0.0.1:8000/v1"], "model": "q", "seed": True, "call": {"n_steps": 3}, "needs": NAME, **WIDE},
        "janus": {"extends": "janus-pro-7b", "weights": f"hub:a/janus@{'1' * 40}", "needs": NAME},
        "knob-2": {**KNOB, "guidance_scale": 2.0, "sweep": {"of": "tiny", "knob": "guidance_scale"}},
        "knob-5": {**KNOB, "guidance_scale": 5.0, "sweep": {"of": "tiny", "knob": "guidance_scale"}},
        "said": {**KNOB, "needs": "data/prompting/said", "prompting": "data/prompting/said"},
    },
    "judges": {"qwen": {"extends": "qwen2.5-vl-7b", "needs": NAME}, "gpt": {"extends": "gpt-4o", "needs": NAME, "price": {"prompt": 1, "completion": 2}}},
    "promptings": {"said": {"base": "tiny", "by": "dtm"}},
    "prompting": {
        "annotator": None, "budget": 600, "prompts": 8, "seeds": 1, "rounds": 2, "candidates": 3, "fdr": 0.1, "max_fall": 0.05,
        "map": {
            "rule": "paper", "score": "score_trig", "correlation": "spearman", "synergy": 0.8, "bottleneck": 0.5, "synergy_density": 0.4,
            "bottleneck_density": 0.4, "tilt_ratio": 1.5, "dispersion_corr": 0.7, "min_points": 5,
        },
    },
    "tunings": {"tiny-dtm": {"base": "tiny-turbo"}},
}  # fmt: skip
"""Entries of every backend, curves, prompted and tuned models, beside those that are shipped."""


def _whole(place: Path) -> None:
    shutil.copy(ROOT / NAME, place)


def _load(given: Path, out: Path) -> None:
    """The stage that reads all of it; what it removes, it removes beside the file."""
    stage.main(given / NAME, ROOT / "trig/params/reads.yaml", out / "params", out / "models", out / "judges", out / "eye.json")
    params.load(given / NAME).told("annotate", "judge", "models", "thresholds")


def _dumped(tree: object) -> str:
    out = StringIO()
    YAML(typ="safe").dump(tree, out)
    return out.getvalue()


def _sections(place: Path) -> None:
    """The shipped file without sections of entries, and these alone: most edits hit them."""
    shipped = notation.read((ROOT / NAME).read_text("utf-8"))
    entries = {"models": shipped["models"] | SECTIONS["models"], "judges": shipped["judges"] | SECTIONS["judges"]}
    own = {
        **SECTIONS,
        **entries,
        "generate": shipped["generate"] | {"roster": ["tiny", "tiny-turbo", "tiny-dtm", "knob-2", "knob-5", "said"]},
    }
    (place / "sections.yaml").write_text(_dumped(own), "utf-8")


def _load_sections(given: Path, out: Path) -> None:
    own = (given / "sections.yaml").read_bytes() if (given / "sections.yaml").is_file() else b""
    shipped = notation.read((ROOT / NAME).read_text("utf-8"))
    rest = {name: value for name, value in shipped.items() if name not in {*SECTIONS, "generate"}}
    (out / "project").mkdir()
    (out / "project" / NAME).write_bytes(_dumped(rest).encode() + own)
    _load(out / "project", out)


def _sweep(given: Path, out: Path) -> None:
    """A sweep is a text edit of a file that a person wrote; the file is copied, as it is replaced."""
    (out / NAME).write_bytes((given / NAME).read_bytes() if (given / NAME).is_file() else b"")
    sweep.sweep("tiny", "guidance_scale", "1,2.5", out / NAME)
    params.load(out / NAME)


READERS = (
    Reader("params", 900, _whole, _load),
    Reader("sections", 900, _sections, _load_sections),
    Reader("sweep", 200, _whole, _sweep),
)
