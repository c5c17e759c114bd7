"""The benchmark for GPUs, on a CPU: the same code on small architectures, without the project's other libraries."""

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch
from diffusers import FluxTransformer2DModel
from torch.utils.flop_counter import FlopCounterMode
from transformers import Qwen2_5_VLConfig, Qwen2_5_VLForConditionalGeneration

from benchmarks import gpu
from benchmarks.accelerator import judging, painting
from benchmarks.accelerator.meter import Meter, Row, size

ROOT = Path(__file__).parents[1]
BARE = """
import runpy, sys
for name in ("trig", "tinyworld", "pydantic", "polars", "dvc", "typer", "rich"):
    sys.modules[name] = None
sys.argv[1:] = sys.argv[2:]
runpy.run_module("benchmarks.gpu", run_name="__main__")
"""


def test_it_measures_every_part_on_a_bare_machine(tmp_path: Path) -> None:
    parts = [name for name in gpu.PARTS if name != "compiled"]  # which wants a compiler, and a minute
    told = ["-c", BARE, "gpu", "--device", "cpu", "--small", "--out", str(tmp_path), *parts]
    ran = subprocess.run([sys.executable, *told], cwd=ROOT, capture_output=True, text=True, check=False)
    found = json.loads((tmp_path / "gpu.json").read_text("utf-8"))
    assert (ran.returncode, found["lost"]) == (0, []), ran.stderr
    assert {row["part"] for row in found["rows"]} == {
        "arithmetic", "tiny painter", "tiny judge", "painter at random weights", "judge at random weights", "LoRA step"
    }  # fmt: skip
    assert all(row["per_second"] > 0 and row["matmul"] > 0 and row["floor"] is None for row in found["rows"])
    table = (tmp_path / "gpu.md").read_text("utf-8")
    assert table.count("\n| ") == len(found["rows"]) + 2 and table.strip() == ran.stdout.strip()


def test_the_floor_counts_what_torch_counts() -> None:
    with torch.device("meta"):
        net = FluxTransformer2DModel(**painting.SMALL)
        inputs = {
            "hidden_states": torch.zeros(2, 16, 16), "encoder_hidden_states": torch.zeros(2, 8, 32), "pooled_projections": torch.zeros(2, 16),
            "timestep": torch.zeros(2), "guidance": torch.zeros(2), "img_ids": torch.zeros(16, 3), "txt_ids": torch.zeros(8, 3),
        }  # fmt: skip
        with FlopCounterMode(display=False) as counted:
            net(**inputs)
    assert 2 * painting.flops(net.config, 16, 8) == counted.get_total_flops()


def test_a_part_that_fails_or_is_late_loses_nothing_of_the_others(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def row(part: str) -> Row:
        return Row(part, "", 1, "picture", 0.5)

    def breaks(_: Meter) -> Iterator[Row]:
        yield row("breaks")
        raise RuntimeError("out of\nmemory")

    def hangs(_: Meter) -> Iterator[Row]:
        yield row("hangs")
        while True:
            pass

    monkeypatch.setattr(gpu, "PARTS", {"breaks": (breaks, 9), "hangs": (hangs, 0.2), "works": (lambda _: [row("works")], 9)})
    found = gpu.measure(Meter("cpu", small=True), ["breaks", "hangs", "works"], 9, tmp_path)
    assert [each.part for each in found.rows] == ["breaks", "hangs", "works"]
    assert found.lost[0] == ("breaks", "RuntimeError: out of memory") and found.lost[1][0] == "hangs"
    assert json.loads((tmp_path / "gpu.json").read_text("utf-8"))["rows"][2]["per_second"] == 2
    assert gpu.measure(Meter("cpu", small=True), ["works"], 0, tmp_path).lost[0][0] == "works"


def test_the_large_architectures_have_the_published_sizes() -> None:
    with torch.device("meta"):
        painter = FluxTransformer2DModel(**painting.FLUX)
        judge = Qwen2_5_VLForConditionalGeneration(Qwen2_5_VLConfig(text_config=judging.TEXT, vision_config=judging.VISION))
    assert (size(painter), size(judge)) == (11_901_408_320, 8_292_166_656)
