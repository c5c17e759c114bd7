"""What each cache version stands for: the code that decides the results which the work store keeps under it, and its fingerprint.

`python tests/fingerprints.py` writes tests/fingerprints.json anew. It refuses where code has changed and its version has not; after an edit that
changes no result, such as a rename, `--same-results` says so.
"""

import ast
import importlib
import json
import re
import sys
from hashlib import blake2b
from pathlib import Path
from typing import TypedDict

ROOT = Path(__file__).parents[1]
GOLDEN = Path(__file__).with_suffix(".json")
DECIDES = {
    "trig.backends.diffusers.PAINTING": ("backends/diffusers", "backends/adapter", "generate/__init__", "pictures"),
    "trig.backends.transformers.ASKING": ("backends/transformers", "backends/checkpoint", "judge/labels", "pictures"),
    "trig.backends.openai.ASKING": ("backends/openai", "backends/completions", "backends/checkpoint", "judge/labels", "pictures"),
    "trig.judge.pictures.FITTING": ("judge/pictures", "pictures"),
    "trig.classify.relations.RESAMPLING": ("classify/evidence", "classify/draws", "classify/cloud", "classify/order", "classify/stack"),
    "trig.report.sheets.DRAWING": ("report/sheets", "pictures"),
    "trig.backends.lora.TRAINING": ("backends/lora", "pictures"),
}
"""A version → the modules of trig whose code decides what is kept under it."""


class Mark(TypedDict):
    """A version's number and the fingerprint of its code."""

    version: int
    code: str


class _Bare(ast.NodeTransformer):
    """Code without what decides no result: docstrings and the words of errors."""

    def visit_Expr(self, node: ast.Expr) -> ast.AST | None:
        """A text that stands alone is prose."""
        return None if isinstance(node.value, ast.Constant) and isinstance(node.value.value, str) else self.generic_visit(node)

    def visit_Raise(self, node: ast.Raise) -> ast.AST:
        """What is raised counts, not its words."""
        raised = node.exc.func if isinstance(node.exc, ast.Call) else node.exc
        return ast.Raise(raised, None)


def code(source: str, version: str) -> str:
    """Source without prose, formatting and the line that sets the version; without quotes too, which Python's versions choose otherwise."""
    tree = ast.parse(source)
    tree.body = [node for node in tree.body if not (isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == version)]
    return re.sub(r"[\"'\\]", "", ast.unparse(_Bare().visit(tree)))


def mark(name: str) -> Mark:
    """What a version is now."""
    module, _, version = name.rpartition(".")
    sources = ((ROOT / "trig" / f"{each}.py").read_text("utf-8") for each in DECIDES[name])
    digest = blake2b("\0".join(code(source, version) for source in sources).encode(), digest_size=8).hexdigest()
    return {"version": getattr(importlib.import_module(module), version), "code": digest}


def golden() -> dict[str, Mark]:
    """What each version was when it was last looked at."""
    found: dict[str, Mark] = json.loads(GOLDEN.read_text("utf-8"))
    return found


def main(same_results: bool) -> None:
    """Write what each version is now."""
    before, now = golden() if GOLDEN.is_file() else {}, {name: mark(name) for name in DECIDES}
    for name, found in now.items():
        if not same_results and name in before and found["code"] != before[name]["code"] and found["version"] == before[name]["version"]:
            sys.exit(f"{name}: its code has changed: raise it, or say --same-results where every stored result stays right")
    GOLDEN.write_text(json.dumps(now, indent=2) + "\n", "utf-8")


if __name__ == "__main__":
    sys.path.insert(0, str(ROOT))
    main("--same-results" in sys.argv)
