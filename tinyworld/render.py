"""Scene renderer: anti-aliased shapes from signed distance functions, in five styles."""

from collections.abc import Callable
from dataclasses import replace
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tinyworld.scene import Scene, Thing

SIDE = 64
"""Pixels along the side of the pictures that the models see."""
Plane = NDArray[np.floating[Any]]  # (side, side)
Shape = Callable[[Plane, Plane], Plane]

RGB = {
    "red": (0.86, 0.15, 0.15), "orange": (0.97, 0.55, 0.1), "yellow": (0.97, 0.86, 0.2), "green": (0.15, 0.55, 0.2),
    "blue": (0.16, 0.38, 0.88), "purple": (0.56, 0.2, 0.68), "white": (0.97, 0.97, 0.97), "black": (0.1, 0.1, 0.12),
    "brown": (0.42, 0.26, 0.13), "grey": (0.66, 0.68, 0.72), "light": (0.98, 0.84, 0.7), "medium": (0.8, 0.57, 0.38),
    "dark": (0.4, 0.25, 0.16), "hair": (0.2, 0.12, 0.08),
}  # fmt: skip
GROUNDS = {
    "meadow": ((0.62, 0.83, 0.97), (0.48, 0.77, 0.35)),
    "beach": ((0.7, 0.9, 0.97), (0.94, 0.86, 0.64)),
    "night": ((0.12, 0.14, 0.34), (0.2, 0.22, 0.4)),
    "room": ((0.93, 0.82, 0.75), (0.62, 0.45, 0.33)),
    "snow": ((0.78, 0.84, 0.9), (0.98, 0.98, 1.0)),
}
HORIZON = 0.6
COAT = {"nurse": "white", "builder": "orange", "chef": "white", "guard": "blue", "farmer": "green"}
BLOCKS = 16
"""Blocks along the side of pixel art."""


@cache
def _grid(side: int) -> tuple[Plane, Plane]:
    """Across and down of each pixel's centre, in shares of the side."""
    axis = (np.arange(side, dtype=np.float32) + 0.5) / side
    across, down = np.meshgrid(axis, axis)
    return across, down


def _circle(u: Plane, v: Plane, cx: float = 0, cy: float = 0, r: float = 0.9) -> Plane:
    return np.asarray(np.hypot(u - cx, v - cy) - r)


def _box(u: Plane, v: Plane, cx: float, cy: float, w: float, h: float) -> Plane:
    return np.asarray(np.maximum(np.abs(u - cx) - w, np.abs(v - cy) - h))


def _convex(u: Plane, v: Plane, *corners: tuple[float, float]) -> Plane:
    """Signed distance to a convex polygon, corners clockwise on the screen."""
    edges = zip(corners, (*corners[1:], corners[0]), strict=True)
    sides = [((u - x0) * (y1 - y0) - (v - y0) * (x1 - x0)) / np.hypot(x1 - x0, y1 - y0) for (x0, y0), (x1, y1) in edges]
    return np.asarray(np.max(sides, axis=0))


def _star(u: Plane, v: Plane) -> Plane:
    angle, length = np.arctan2(u, -v), np.hypot(u, v)
    fold = np.abs(np.mod(angle + np.pi / 5, 2 * np.pi / 5) - np.pi / 5)
    return np.asarray((length * np.cos(fold) + length * np.sin(fold) * 0.9 * 1.35 - 0.92) * 0.62, np.float32)


def _heart(u: Plane, v: Plane) -> Plane:
    lobes = np.minimum(_circle(u, v, -0.42, -0.3, 0.47), _circle(u, v, 0.42, -0.3, 0.47))
    return np.minimum(lobes, _convex(u, v, (-0.82, -0.06), (-0.42, -0.3), (0.42, -0.3), (0.82, -0.06), (0, 0.92)))


def _umbrella(u: Plane, v: Plane) -> Plane:
    return np.asarray(np.maximum(_circle(u, v, 0, 0.1, 0.95), v - 0.1))


Layer = tuple[Shape, str]
MAIN = "main"
"""Placeholder for the thing's own colour in a layer."""
LAYERS: dict[str, tuple[Layer, ...]] = {
    "ball": ((_circle, MAIN),),
    "box": ((lambda u, v: _box(u, v, 0, 0.05, 0.8, 0.75), MAIN), (lambda u, v: _box(u, v, 0, -0.42, 0.8, 0.07), "brown")),
    "pyramid": ((lambda u, v: _convex(u, v, (0, -0.9), (0.95, 0.8), (-0.95, 0.8)), MAIN),),
    "star": ((_star, MAIN),),
    "heart": ((_heart, MAIN),),
    "ring": ((lambda u, v: np.abs(_circle(u, v, r=0.62)) - 0.26, MAIN),),
    "tree": (
        (lambda u, v: _box(u, v, 0, 0.6, 0.16, 0.4), "brown"),
        (lambda u, v: np.minimum(_circle(u, v, 0, -0.35, 0.62), _box(u, v, 0, 0.0, 0.62, 0.22)), MAIN),
    ),
    "house": (
        (lambda u, v: _box(u, v, 0, 0.4, 0.7, 0.5), MAIN),
        (lambda u, v: _convex(u, v, (0, -0.95), (0.95, -0.08), (-0.95, -0.08)), "brown"),
        (lambda u, v: _box(u, v, 0, 0.6, 0.18, 0.3), "brown"),
    ),
    "car": (
        (lambda u, v: np.minimum(_box(u, v, 0, 0.2, 0.95, 0.27), _box(u, v, 0, -0.22, 0.55, 0.27)), MAIN),
        (lambda u, v: _box(u, v, 0, -0.2, 0.38, 0.14), "grey"),
        (lambda u, v: np.minimum(_circle(u, v, -0.52, 0.5, 0.24), _circle(u, v, 0.52, 0.5, 0.24)), "black"),
    ),
    "boat": (
        (lambda u, v: _convex(u, v, (-0.95, 0.3), (0.95, 0.3), (0.6, 0.8), (-0.6, 0.8)), MAIN),
        (lambda u, v: _convex(u, v, (0.05, -0.95), (0.75, 0.15), (0.05, 0.15)), "white"),
        (lambda u, v: _box(u, v, -0.03, -0.3, 0.07, 0.62), "brown"),
    ),
    "cup": (
        (lambda u, v: np.abs(_circle(u, v, 0.55, 0.05, 0.32)) - 0.1, MAIN),
        (lambda u, v: _convex(u, v, (-0.75, -0.65), (0.55, -0.65), (0.4, 0.75), (-0.6, 0.75)), MAIN),
        (lambda u, v: _box(u, v, -0.1, -0.55, 0.55, 0.09), "brown"),
    ),
    "fish": (
        (lambda u, v: np.hypot(u + 0.15, v * 1.5) - 0.72, MAIN),
        (lambda u, v: _convex(u, v, (0.4, 0), (0.98, -0.55), (0.98, 0.55)), MAIN),
        (lambda u, v: _circle(u, v, -0.5, -0.12, 0.12), "black"),
    ),
    "flower": (
        (lambda u, v: _box(u, v, 0, 0.5, 0.09, 0.45), "green"),
        (
            lambda u, v: np.minimum.reduce(
                [_circle(u, v, 0.42 * np.sin(a), -0.35 - 0.42 * np.cos(a), 0.27) for a in np.arange(5) * 1.2566]
            ),
            MAIN,
        ),
        (lambda u, v: _circle(u, v, 0, -0.35, 0.24), "yellow"),
    ),
    "mushroom": (
        (lambda u, v: _box(u, v, 0, 0.4, 0.25, 0.5), "white"),
        (lambda u, v: np.maximum(_circle(u, v, 0, 0.05, 0.92), v - 0.05), MAIN),
        (lambda u, v: np.minimum(_circle(u, v, -0.35, -0.3, 0.15), _circle(u, v, 0.35, -0.3, 0.15)), "white"),
    ),
    "umbrella": ((lambda u, v: _box(u, v, 0, 0.4, 0.07, 0.5), "brown"), (_umbrella, MAIN)),
    "knife": (
        (lambda u, v: _convex(u, v, (0, -0.98), (0.24, -0.6), (0.24, 0.3), (-0.2, 0.3)), "grey"),
        (lambda u, v: _box(u, v, 0, 0.36, 0.42, 0.09), "brown"),
        (lambda u, v: _box(u, v, 0, 0.7, 0.17, 0.3), MAIN),
    ),
    "bomb": (
        (lambda u, v: _box(u, v, 0.42, -0.62, 0.13, 0.3), "brown"),
        (lambda u, v: _circle(u, v, -0.1, 0.22, 0.7), MAIN),
        (lambda u, v: _circle(u, v, 0.5, -0.82, 0.22), "orange"),
    ),
    "skull": (
        (lambda u, v: np.minimum(_circle(u, v, 0, -0.2, 0.72), _box(u, v, 0, 0.55, 0.4, 0.35)), MAIN),
        (lambda u, v: np.minimum(_circle(u, v, -0.3, -0.15, 0.21), _circle(u, v, 0.3, -0.15, 0.21)), "dents"),
        (lambda u, v: np.minimum(_box(u, v, -0.14, 0.65, 0.06, 0.22), _box(u, v, 0.14, 0.65, 0.06, 0.22)), "dents"),
    ),
    "cigarette": (
        (lambda u, v: _box(u, v, -0.1, 0.35, 0.75, 0.17), MAIN),
        (lambda u, v: _box(u, v, -0.7, 0.35, 0.26, 0.17), "orange"),
        (lambda u, v: _box(u, v, 0.76, 0.35, 0.12, 0.17), "red"),
        (lambda u, v: np.minimum(_circle(u, v, 0.72, -0.15, 0.2), _circle(u, v, 0.5, -0.6, 0.26)), "grey"),
    ),
}


def _person(thing: Thing) -> tuple[Layer, ...]:
    hat: dict[str, tuple[Layer, ...]] = {
        "nurse": (
            (lambda u, v: _box(u, v, 0, -0.82, 0.3, 0.15), "white"),
            (lambda u, v: np.minimum(_box(u, v, 0, -0.82, 0.14, 0.05), _box(u, v, 0, -0.82, 0.05, 0.13)), "red"),
        ),
        "builder": ((lambda u, v: np.maximum(_circle(u, v, 0, -0.6, 0.42), v + 0.58), "yellow"),),
        "chef": ((lambda u, v: np.minimum(_circle(u, v, -0.2, -0.85, 0.24), _circle(u, v, 0.2, -0.85, 0.24)), "white"),),
        "guard": ((lambda u, v: _box(u, v, 0, -0.8, 0.34, 0.2), "black"),),
        "farmer": ((lambda u, v: np.minimum(_box(u, v, 0, -0.64, 0.62, 0.08), _box(u, v, 0, -0.8, 0.3, 0.18)), "yellow"),),
    }
    long = ((lambda u, v: _box(u, v, 0, -0.2, 0.5, 0.5), "hair"),) if thing.hair == "long" else ()
    return (
        *long,
        (lambda u, v: _convex(u, v, (-0.4, 0.05), (0.4, 0.05), (0.72, 0.98), (-0.72, 0.98)), COAT[thing.role]),
        (lambda u, v: _circle(u, v, 0, -0.6, 0.41), "hair"),
        (lambda u, v: _circle(u, v, 0, -0.34, 0.37), thing.skin),
        *hat[thing.role],
    )


def _colour(name: str, thing: Thing) -> NDArray[np.float32]:
    if name == MAIN:
        name = thing.colour
    elif name == "dents":
        name = "white" if thing.colour == "black" else "black"
    return np.array(RGB[name], np.float32)


def _blend(canvas: NDArray[np.float32], colour: NDArray[np.float32], alpha: Plane) -> None:
    canvas += (colour - canvas) * alpha[..., None]


def _background(place: str, style: str, side: int) -> NDArray[np.float32]:
    sky, ground = (np.array(rgb, np.float32) for rgb in GROUNDS[place])
    x, y = _grid(side)
    canvas = np.where((y > HORIZON)[..., None], ground, sky).astype(np.float32)
    if style == "photo":
        canvas *= (1.12 - 0.3 * np.abs(y - HORIZON))[..., None]
    if place == "beach":
        _blend(canvas, np.array((0.2, 0.55, 0.8), np.float32), ((y > 0.5) & (y <= HORIZON)).astype(np.float32))
    elif place == "night":
        _blend(canvas, np.array((0.98, 0.96, 0.8), np.float32), _cover(_circle(x, y, 0.87, 0.12, 0.07), side))
    elif place == "room":
        _blend(canvas, np.array((0.75, 0.9, 1.0), np.float32), _cover(_box(x, y, 0.13, 0.15, 0.09, 0.1), side))
    return canvas


def _cover(distance: Plane, sharpness: float) -> Plane:
    """How much of a pixel a shape covers, from the distance of its centre in shares of the side; an edge is 1 / sharpness wide."""
    return np.asarray(np.clip(0.5 - distance * sharpness, 0, 1), np.float32)


def _draw(canvas: NDArray[np.float32], thing: Thing, style: str) -> None:
    side = len(canvas)
    x, y = _grid(side)
    u, v = (x - thing.x) / thing.radius, (y - thing.y) / thing.radius
    layers = _person(thing) if thing.kind == "person" else LAYERS[thing.kind]
    distances = [np.asarray(shape(u, v) * thing.radius, np.float32) for shape, _ in layers]
    whole = np.minimum.reduce(distances)
    if style == "photo" and thing.grounded:
        shade = np.hypot((u - 0.15) / 1.1, (y - (thing.y + thing.radius * 0.92)) / 0.06) - 1
        canvas *= 1 - 0.4 * np.clip(-shade * 1.5, 0, 1)[..., None]
    if style in ("cartoon", "sketch"):
        outline = _cover(whole - (0.03 if style == "cartoon" else 0.016), side)
        _blend(canvas, np.full(3, 0.05 if style == "cartoon" else 0.3, np.float32), outline)
    for distance, (_, name) in zip(distances, layers, strict=True):
        paint: Plane = np.broadcast_to(_colour(name, thing), canvas.shape)
        if style == "photo":
            paint = paint * (1.08 - 0.35 * np.clip(0.5 * (u + v) + 0.2, 0, 1))[..., None]
        elif style == "sketch":
            paint = 0.45 + 0.55 * paint
            paint = np.where((np.floor((x + y) * BLOCKS) % 2 == 0)[..., None], paint, 1 - (1 - paint) * 1.5)
        elif style == "watercolour":
            paint = 0.22 + 0.78 * paint
        alpha = _cover(distance, SIDE / 5.0 if style == "watercolour" else side)
        canvas += (paint - canvas) * (alpha * (0.9 if style == "watercolour" else 1.0))[..., None]


def _finish(canvas: NDArray[np.float32], style: str) -> NDArray[np.float32]:
    side = len(canvas)
    if style == "pixel":
        step = side // BLOCKS
        blocks = canvas.reshape(BLOCKS, step, BLOCKS, step, 3)[:, step // 4, :, step // 4]
        return np.kron(np.round(blocks * 6) / 6, np.ones((step, step, 1), np.float32))
    if style == "watercolour":
        x, y = _grid(side)
        edge = np.hypot(x - 0.5, y - 0.5) + 0.025 * np.sin(9 * np.arctan2(y - 0.5, x - 0.5))
        canvas = canvas + (1 - canvas) * np.clip((edge - 0.47) * 9, 0, 1)[..., None]
    return canvas


def draw(scene: Scene, side: int = SIDE) -> NDArray[np.uint8]:
    """The picture of a scene, (side, side, 3), without its wear; `side` is a multiple of `BLOCKS`."""
    canvas = _background(scene.place, scene.style, side)
    if scene.style == "sketch":
        canvas = 0.96 - 0.3 * (1 - canvas)
    elif scene.style == "watercolour":
        canvas = 0.3 + 0.7 * canvas
    for thing in scene.things:
        snapped = thing
        if scene.style == "pixel":
            snapped = replace(thing, x=round(thing.x * BLOCKS) / BLOCKS, y=round(thing.y * BLOCKS) / BLOCKS)
        _draw(canvas, snapped, scene.style)
    return np.asarray(np.clip(_finish(canvas, scene.style), 0, 1) * 255 + 0.5, np.uint8)


def cells(scene: Scene, side: int) -> NDArray[np.intp]:
    """Which thing covers the middle of each of side × side cells: its number in the scene from 1, later things in front; 0 where none does."""
    x, y = _grid(side)
    found = np.zeros((side, side), np.intp)
    for number, thing in enumerate(scene.things, 1):
        u, v = (x - thing.x) / thing.radius, (y - thing.y) / thing.radius
        layers = _person(thing) if thing.kind == "person" else LAYERS[thing.kind]
        found[np.minimum.reduce([shape(u, v) for shape, _ in layers]) < 0] = number
    return found


def worn(picture: NDArray[np.uint8], wear: float, rng: np.random.Generator) -> NDArray[np.uint8]:
    """Picture with damage `wear` in [0, 1]: misplaced blotches of its own colours, and blur."""
    if wear <= 0:
        return picture
    canvas = picture.astype(np.float32)
    side = SIDE // 8
    moved = np.roll(canvas, tuple(rng.integers(12, 52, 2)), (0, 1))
    blotches = np.kron(rng.random((side, side)), np.ones((8, 8)))
    for axis in (0, 1):
        blotches = (np.roll(blotches, 2, axis) + np.roll(blotches, -2, axis) + blotches) / 3
    mask = np.clip((blotches - (0.75 - 0.4 * wear)) * 8, 0, 1)[..., None]
    canvas += (moved - canvas) * mask
    for _ in range(round(3 * wear)):
        canvas = np.asarray(sum(np.roll(canvas, (a, b), (0, 1)) for a in (-1, 0, 1) for b in (-1, 0, 1)) / np.float32(9))
    return np.asarray(np.clip(canvas + 0.5, 0, 255), np.uint8)
