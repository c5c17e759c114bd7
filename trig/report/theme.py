"""Colour themes and glyphs shared by page, charts and static images."""

from collections.abc import Mapping
from typing import Any

from trig.vocabulary.relations import Relation

LIGHT: Mapping[str, str] = {
    "ink": "#1d2125",
    "muted": "#5b646d",
    "faint": "#e4e6e8",
    "line": "#d5d8dc",
    "surface": "#ffffff",
    "ground": "#faf9f7",
    "accent": "#35608f",
    "synergy": "#015c40",
    "bottleneck": "#a83f0a",
    "tilt": "#0f5ad8",
    "dispersion": "#8c2f88",
    "sign": "#ffffff",
}
DARK: Mapping[str, str] = {
    "ink": "#e8e6e1",
    "muted": "#a3a9b0",
    "faint": "#343a41",
    "line": "#3b4249",
    "surface": "#1c2024",
    "ground": "#14171a",
    "accent": "#8fb8e4",
    "synergy": "#00a37a",
    "bottleneck": "#e0702a",
    "tilt": "#56b4e9",
    "dispersion": "#d18ab5",
    "sign": "#111111",
}
"""Relation colours keep contrast to surface and ground even at weak opacity, and are colour-blind safe; `sign` is the text on them."""
RELATIONS: Mapping[str, str] = {
    Relation.SYNERGY: "$synergy",
    Relation.BOTTLENECK: "$bottleneck",
    Relation.TILT: "$tilt",
    Relation.DISPERSION: "$dispersion",
    Relation.NONE: "$faint",
    Relation.TOO_FEW: "$surface",
}
COLOURED = (Relation.SYNERGY, Relation.BOTTLENECK, Relation.TILT, Relation.DISPERSION)
GLYPHS: Mapping[str, str] = {
    Relation.SYNERGY: "S",
    Relation.BOTTLENECK: "B",
    Relation.TILT: "←",
    Relation.DISPERSION: "D",
    Relation.NONE: "·",
    Relation.TOO_FEW: "?",
}
MODELS = ("#4477aa", "#cc3311", "#228833", "#b09a1f", "#aa3377", "#33a0c0", "#888888")
SHAPES = ("circle", "square", "diamond", "triangle-up", "cross", "triangle-down", "triangle-right")


def style() -> str:
    """CSS custom properties of both themes: the system's colour scheme unless `data-scheme` overrides it."""
    dark = _properties(DARK)
    return (
        f":root {{ {_properties(LIGHT)} }}\n"
        f'@media screen and (prefers-color-scheme: dark) {{ :root:not([data-scheme="light"]) {{ {dark} }} }}\n'
        f'@media screen {{ :root[data-scheme="dark"] {{ {dark} }} }}\n'
    )


def fill(spec: Any, colours: Mapping[str, str]) -> Any:
    """Resolves colour tokens in a specification."""
    if isinstance(spec, dict):
        return {key: fill(value, colours) for key, value in spec.items()}
    if isinstance(spec, list):
        return [fill(value, colours) for value in spec]
    return colours.get(spec[1:], spec) if isinstance(spec, str) and spec[:1] == "$" else spec


def _properties(colours: Mapping[str, str]) -> str:
    return " ".join(f"--{name}: {value};" for name, value in colours.items())
