"""Colours and signs of the report, in one place for the page, its charts and the stills."""

from collections.abc import Mapping
from typing import Any

from trig.dimensions import Relation

LIGHT: Mapping[str, str] = {
    "ink": "#1d2125",
    "muted": "#5b646d",
    "faint": "#e4e6e8",
    "line": "#d5d8dc",
    "surface": "#ffffff",
    "ground": "#faf9f7",
    "accent": "#35608f",
}
DARK: Mapping[str, str] = {
    "ink": "#e8e6e1",
    "muted": "#a3a9b0",
    "faint": "#343a41",
    "line": "#3b4249",
    "surface": "#1c2024",
    "ground": "#14171a",
    "accent": "#8fb8e4",
}
RELATIONS: Mapping[str, str] = {
    Relation.SYNERGY: "#00a37a",
    Relation.BOTTLENECK: "#e0702a",
    Relation.TILT: "#56b4e9",
    Relation.DISPERSION: "#d18ab5",
    Relation.NONE: "$faint",
    Relation.TOO_FEW: "$surface",
}
"""Apart for the common kinds of colour blindness (after Okabe and Ito), the same in light and dark; `$…` is a token of the theme."""
COLOURED = (Relation.SYNERGY, Relation.BOTTLENECK, Relation.TILT, Relation.DISPERSION)
ON_COLOUR = "#111111"
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
    """The colours as custom properties of a style sheet: those of the system's scheme, unless the page was told which."""
    named = {name.replace(" ", "-"): value if value[0] == "#" else f"var(--{value[1:]})" for name, value in RELATIONS.items()}
    dark = _properties(DARK)
    return (
        f":root {{ {_properties({**LIGHT, **named})} }}\n"
        f'@media screen and (prefers-color-scheme: dark) {{ :root:not([data-scheme="light"]) {{ {dark} }} }}\n'
        f'@media screen {{ :root[data-scheme="dark"] {{ {dark} }} }}\n'
    )


def fill(spec: Any, colours: Mapping[str, str]) -> Any:
    """The specification with each token replaced by its colour."""
    if isinstance(spec, dict):
        return {key: fill(value, colours) for key, value in spec.items()}
    if isinstance(spec, list):
        return [fill(value, colours) for value in spec]
    return colours.get(spec[1:], spec) if isinstance(spec, str) and spec[:1] == "$" else spec


def _properties(colours: Mapping[str, str]) -> str:
    return " ".join(f"--{name}: {value};" for name, value in colours.items())
