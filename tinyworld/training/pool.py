"""Painter training data: prompts with VAE latents of pictures that fulfil them, rendered and encoded once."""

from collections.abc import Iterator, Sequence
from multiprocessing import get_context
from pathlib import Path

import numpy as np
import torch
from diffusers import AutoencoderKL
from numpy.typing import NDArray
from safetensors.torch import load_file, save_file
from torch import Tensor

from tinyworld.cases import Case, about_subject, photo
from tinyworld.instructions import Clause, Instruction, fulfil, some_instruction
from tinyworld.language import imagine, some_request
from tinyworld.render import cells, draw
from tinyworld.scene import COLOURS, KINDS, ROLES, Scene, Thing
from tinyworld.training.loop import device
from tinyworld.training.reader import clip_ids, ids
from tinyworld.training.vae import to_tensor
from trig.vocabulary.dimensions import Dimension

CHUNK = 256
SUBJECTS = 0.2
"""Share of pictures of a subject among the lessons with a source."""

CHOICES = 0.55
"""Share of instructions that must name one of two things, among those of which one is drawn anew until it does."""

CELLS = 16
"""Cells per picture side: one per latent position, each labelled with its content."""
NAMES = (*KINDS[:-1], *ROLES)
"""Class names of a cell besides none: kinds and roles."""
PARTS = ("stays", "changes", "beside")
"""Class names of a cell besides none, in source and result: its thing stays, is replaced, recoloured or new, or is the one to stand beside."""


def cell_labels(scene: Scene) -> NDArray[np.uint8]:
    """Cell labels (2, CELLS, CELLS): index into NAMES and into COLOURS, from 1; 0 for none."""
    names = [0, *(NAMES.index(thing.role or thing.kind) + 1 for thing in scene.things)]
    colours = [0, *(COLOURS.index(thing.colour) + 1 if thing.colour else 0 for thing in scene.things)]
    return np.array([names, colours], np.uint8)[:, cells(scene, CELLS)]


def part_labels(shown: Sequence[Scene], clauses: Sequence[Clause] = ()) -> NDArray[np.uint8]:
    """Cell labels (1 or 2, CELLS, CELLS) of a result, and of its source if any: index into PARTS, from 1; 0 for none."""
    named = {clause.old: 3 if clause.relation else 2 for clause in clauses if clause.old >= 0}
    before = {_looks(thing): named.get(number, 1) for number, thing in enumerate(shown[1].things)} if len(shown) > 1 else {}
    kept = {looks: part for looks, part in before.items() if part != 2}
    labels = [[0, *(parts.get(_looks(thing), 2) for thing in scene.things)] for scene, parts in zip(shown, (kept, before), strict=False)]
    return np.stack([np.array(each, np.uint8)[cells(scene, CELLS)] for scene, each in zip(shown, labels, strict=True)])


def _looks(thing: Thing) -> tuple[str, str, str]:
    return thing.kind, thing.colour, thing.role


def _instruction(rng: np.random.Generator, about: tuple[Dimension, ...]) -> Instruction:
    """Instruction; more often than not one that must find out which of two things it names."""
    instruction, choice = some_instruction(rng, about), rng.random() < CHOICES
    while choice and not (len(instruction.source.things) == 2 and any(clause.old >= 0 for clause in instruction.clauses)):
        instruction = some_instruction(rng, tuple(rng.choice(tuple(Dimension), 2, replace=False)))
    return instruction


def _drawn(job: tuple[str, int, int]) -> tuple[list[str], NDArray[np.uint8], NDArray[np.uint8]]:
    """Chunk of a task's training data: prompts, pictures (CHUNK, 1 or 2, H, W, 3) as target then source, and their labels per cell."""
    task, seed, number = job
    rng = np.random.default_rng((seed, number, len(task)))
    prompts, scenes, parts = [], list[list[Scene]](), []
    for _ in range(CHUNK):
        about, clauses = tuple(rng.choice(tuple(Dimension), 2, replace=False)), tuple[Clause, ...]()
        if task == "t2i":
            request = some_request(rng, about)
            prompts.append(request.text)
            scenes.append([imagine(rng, request)])
        elif rng.random() < SUBJECTS:
            source = photo(rng)
            request = about_subject(rng, source.things[0], about)
            prompts.append(request.text)
            scenes.append([imagine(rng, request), source])
        else:
            instruction = _instruction(rng, about)
            prompts.append(instruction.text)
            scenes.append([fulfil(rng, instruction), instruction.source])
            clauses = instruction.clauses
        parts.append(part_labels(scenes[-1], clauses))
    return (
        prompts,
        np.array([[draw(scene) for scene in row] for row in scenes]),
        np.concatenate((np.array([[cell_labels(scene) for scene in row] for row in scenes]), np.array(parts)[:, :, None]), 2),
    )


def autoencoder(place: Path) -> AutoencoderKL:
    """Trained autoencoder from a folder, on the encoding device."""
    return AutoencoderKL.from_pretrained(place).to(device())


def build(vae: AutoencoderKL, out: Path, task: str, chunks: int, seed: int) -> Iterator[int]:
    """Renders and encodes `chunks` × 256 samples into one safetensors file; yields the number of chunks done."""
    parts: dict[str, list[Tensor]] = {"ids": [], "clip_ids": [], "latents": [], "cells": []}
    jobs = [(task, seed, number) for number in range(chunks)]
    with get_context("spawn").Pool(2) as workers, torch.no_grad():
        for done, (prompts, pictures, named) in enumerate(workers.imap(_drawn, jobs), 1):
            flat = to_tensor(pictures.reshape(-1, *pictures.shape[2:])).to(device())
            latents = torch.cat([vae.encode(part).latent_dist.mean for part in flat.split(64)])
            latents = (latents - vae.config.shift_factor) * vae.config.scaling_factor
            parts["latents"].append(latents.unflatten(0, pictures.shape[:2]).half().cpu())
            parts["cells"].append(torch.from_numpy(named))
            parts["ids"].append(ids(prompts).short())
            parts["clip_ids"].append(clip_ids(prompts).short())
            yield done
    out.parent.mkdir(parents=True, exist_ok=True)
    save_file({name: torch.cat(tensors) for name, tensors in parts.items()}, out)


class Pool:
    """In-memory training data of one task, without held-out prompts."""

    def __init__(self, path: Path, held_out: Sequence[str]) -> None:
        tensors = load_file(path)
        kept = ~torch.isin(_code(tensors["ids"]), _code(ids(list(held_out)).short()))
        self.tensors = {name: rows[kept] for name, rows in tensors.items()}

    def batch(self, rng: np.random.Generator, size: int) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """T5 ids, CLIP ids, latents (B, 1 or 2, 8, 16, 16), and their cell labels (B, 1 or 2, 3, 16, 16)."""
        rows = torch.from_numpy(rng.integers(0, len(self.tensors["ids"]), size))
        words, pooled, latents, named = (self.tensors[name][rows].to(device()) for name in ("ids", "clip_ids", "latents", "cells"))
        return words.long(), pooled.long(), latents.float(), named.long()


def _code(words: Tensor) -> Tensor:
    """Identifier per distinct row of token ids (N, MAX_TOKENS)."""
    return torch.tensor([hash(row.tobytes()) for row in words.numpy()])


NOISES = (0.0, 0.0, 0.15, 0.3)
"""Noise added to the latents of round trips: a painter's latents are never exactly those of a rendering."""


@torch.no_grad()
def round_trips(vae: AutoencoderKL, cases: Sequence[tuple[Case, NDArray[np.uint8]]], seed: int) -> Tensor:
    """Autoencoder round trips of the cases' pictures, some with latent noise, (N, H, W, 3)."""
    done = []
    for start in range(0, len(cases), 64):
        latents = vae.encode(to_tensor(np.stack([shown for _, shown in cases[start : start + 64]])).to(device())).latent_dist.mean
        rng = np.random.default_rng((seed, start))
        noise = rng.standard_normal(latents.shape) * rng.choice(NOISES, (len(latents), 1, 1, 1))
        pictures = vae.decode(latents + torch.from_numpy(noise).float().to(latents.device)).sample
        done.append(((pictures.permute(0, 2, 3, 1) + 1) * 127.5 + 0.5).clamp(0, 255).byte().cpu())
    return torch.cat(done).contiguous()
