"""Available memory: of the machine, container or control group."""

import os
from pathlib import Path

import pytest
from lines import names

from trig import memory
from trig.errors import ParamsError


@pytest.mark.parametrize(
    ("group", "files", "most"),
    [
        ("0::/user/job\n", {"user/job/memory.max": "max", "user/memory.max": "5000"}, 5000),
        ("0::/user/job\n", {"user/job/memory.max": "4000", "memory.max": "9000"}, 4000),
        ("0::/\n", {"memory.max": "3000"}, 3000),
        ("4:cpu:/x\n3:memory:/job\n", {"memory/job/memory.limit_in_bytes": "2000", "x/memory.max": "1"}, 2000),
        ("0::/user/job\n", {}, None),
    ],
)
def test_the_narrowest_limit_counts(
    group: str, files: dict[str, str], most: int | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "group").write_text(group)
    for name, text in files.items():
        (tmp_path / "groups" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "groups" / name).write_text(text + "\n")
    monkeypatch.setattr(memory, "GROUP", tmp_path / "group")
    monkeypatch.setattr(memory, "GROUPS", tmp_path / "groups")
    assert memory.there() == (most or os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES"))


def test_what_does_not_fit_names_the_parameter_to_lower() -> None:
    memory.require(1, "x")
    with pytest.raises(ParamsError, match=names("params.yaml: finetune.rank", "1,000,000 GB")):
        memory.require(10**15, "params.yaml: finetune.rank")
