"""The numbers a model computes in: as its entry says, or as the machine does fastest."""

from pathlib import Path

import pytest
import torch

from trig import params
from trig.backends import dtype, painters
from trig.errors import ParamsError
from trig.protocols.generator import Order, Picture


@pytest.mark.parametrize(
    ("told", "wanted"),
    [
        ("processor\t: 0\nflags\t\t: fpu avx512f avx512_bf16\n", "bfloat16"),
        ("flags : fpu amx_bf16 amx_tile\n", "bfloat16"),
        ("Features\t: fp asimd bf16 i8mm\n", "bfloat16"),
        ("flags\t\t: fpu avx2 avx512f\nbugs\t: bf16\n", "float32"),
        ("model name : no_bf16 avx512_bf16x\nflags : avx512_bf16x\n", "float32"),
        (None, "float32"),
    ],
)
def test_auto_is_bfloat16_where_the_processor_multiplies_in_it(
    told: str | None, wanted: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if told is not None:
        (tmp_path / "cpuinfo").write_text(told, "utf-8")
    monkeypatch.setattr(dtype, "PROCESSOR", tmp_path / "cpuinfo")
    monkeypatch.setattr(dtype, "GPUS", (tmp_path / "nvidiactl",))
    assert [dtype.computed("auto"), dtype.computed("auto", "cpu"), dtype.computed("float16")] == [wanted, wanted, "float16"]


@pytest.mark.parametrize(("can", "wanted"), [(True, "bfloat16"), (False, "float32")])
def test_auto_asks_the_gpu_where_there_is_one(can: bool, wanted: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "nvidiactl").touch()
    (tmp_path / "cpuinfo").write_text("flags : avx512_bf16\n" * (not can), "utf-8")
    monkeypatch.setattr(dtype, "PROCESSOR", tmp_path / "cpuinfo")
    monkeypatch.setattr(dtype, "GPUS", (tmp_path / "nvidiactl",))
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "is_bf16_supported", lambda including_emulation: can and not including_emulation)
    assert dtype.computed("auto") == wanted


def test_a_picture_in_other_numbers_has_another_key_and_looks_the_same() -> None:
    settings = params.load()
    entry = settings.models["tiny"]
    made = {}
    for asked in ("float32", "bfloat16"):
        changed = settings.model_copy(update={"models": {**settings.models, "tiny": entry.model_copy(update={"dtype": asked, "steps": 2})}})
        painter = painters.load(changed, "tiny")
        (picture,) = painter.generate([Order("a red cup", 3)])
        assert isinstance(picture, Picture)
        made[painter.revision] = picture.file
    assert len(made) == 2
    assert len(set(made.values())) == 2


def test_the_key_holds_what_auto_stands_for(monkeypatch: pytest.MonkeyPatch) -> None:
    settings = params.load()
    revisions = {}
    for found in ("float32", "bfloat16"):
        monkeypatch.setattr("trig.backends.painters.diffusers.computed", lambda *_, found=found: found)
        revisions[found] = painters.load(settings, "tiny").revision
    assert len(set(revisions.values())) == 2


def test_an_unknown_dtype_is_one_line(tmp_path: Path) -> None:
    text = Path("params.yaml").read_text("utf-8")
    (tmp_path / "params.yaml").write_text(text.replace("dtype: auto ", "dtype: bf16 ", 1), "utf-8")
    with pytest.raises(ParamsError, match=r"models\.tiny\.dtype: .*'bf16'"):
        params.load(tmp_path / "params.yaml")
