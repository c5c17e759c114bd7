"""Heads of README files on the hub: YAML between two lines of hyphens."""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from trig.exchange import SPLITS
from trig.exchange.folder import yaml_lines
from trig.notation import NotationError, read
from trig.vocabulary.dimensions import Task

LINE = "---\n"
LISTS = ("dimension_prompt", "parent_dataset", "dimensions")
LICENCES = """apache-2.0 mit bsd-3-clause cc0-1.0 cc-by-4.0 cc-by-sa-4.0 cc-by-nc-4.0 cc-by-nd-4.0 cc-by-nc-sa-4.0 cc-by-nc-nd-4.0
    cc-by-sa-3.0 odc-by odbl cdla-permissive-2.0 gpl-3.0 unknown""".split()
"""Licences by the hub's names."""
SIZES = ((1_000, "n<1K"), (10_000, "1K<n<10K"), (100_000, "10K<n<100K"), (1_000_000, "100K<n<1M"))
KINDS = {Task.T2I: "text-to-image", Task.P2P: "image-to-image", Task.S2P: "image-to-image"}
"""The hub's names of tasks."""


def declared(folder: Path) -> Mapping[str, str]:
    """Licence and language that the README of a copied repository declares, as far as it does."""
    file = folder / "README.md"
    try:
        _, head, _ = ("\n" + file.read_text("utf-8")).split("\n" + LINE, 2)
        said = read(head)
    except (OSError, ValueError, NotationError):
        return {}
    found = {"licence": said.get("license_name", said.get("license")), "language": said.get("language")} if isinstance(said, dict) else {}
    first = {name: value[0] if isinstance(value, list) and value else value for name, value in found.items()}
    return {name: value for name, value in first.items() if isinstance(value, str)}


def head(
    name: str, language: str, licence: str, files: Mapping[Task, str], counts: Mapping[Task, int], columns: Sequence[str] | None
) -> str:
    """Head of an export's README. `columns` are those of all files; None where files differ, so that each is a configuration of its own."""
    known = licence.lower().replace(" ", "-")
    values: dict[str, Any] = {"pretty_name": name, "license": known if known in LICENCES else "other"}
    if licence != values["license"]:
        values["license_name"] = licence
    values |= {
        "language": [language],
        "task_categories": sorted({KINDS[task] for task in files}),
        "size_categories": [next((size for limit, size in SIZES if sum(counts.values()) < limit), "n>1M")],
        "configs": _configs(files, together=columns is not None),
    }
    if columns is not None:
        splits = [{"name": SPLITS[task], "num_examples": counts[task]} for task in files]
        values["dataset_info"] = {"features": list(_declared_features(columns)), "splits": splits}
    return LINE + "".join(yaml_lines(values)) + LINE


def features(columns: Sequence[str]) -> dict[str, Any]:
    """Feature types as `datasets` declares them."""
    text = {"dtype": "string", "_type": "Value"}
    return {
        name: {"_type": "Image"} if name == "image" else {"feature": text, "_type": "Sequence"} if name in LISTS else text
        for name in columns
    }


def _configs(files: Mapping[Task, str], together: bool) -> list[dict[str, Any]]:
    splits = [{"split": SPLITS[task], "path": path} for task, path in files.items()]
    if together:
        return [{"config_name": "default", "data_files": splits}]
    return [{"config_name": each["split"], "data_files": [each]} for each in splits]


def _declared_features(columns: Sequence[str]) -> Iterable[dict[str, str]]:
    for name, kind in features(columns).items():
        match kind["_type"]:
            case "Image":
                yield {"name": name, "dtype": "image"}
            case "Sequence":
                yield {"name": name, "list": "string"}
            case _:
                yield {"name": name, "dtype": "string"}
