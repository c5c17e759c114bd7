"""CLIP models: embeddings of pictures and texts, and scores where linear heads lie beside the weights."""

from collections.abc import Callable, Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any, Literal, TypeAlias

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from safetensors.numpy import load_file
from transformers import AutoConfig, AutoImageProcessor, AutoTokenizer, CLIPModel

from trig.backends.heads.card import HEADS, WEIGHTS, Card, Classes, Read, card
from trig.backends.heads.scores import by_source, read, scores
from trig.backends.unloadable import AS_IT_IS, UNLOADABLE, typed
from trig.backends.weights import brief, identity, located
from trig.errors import WeightsError
from trig.keys import content_key
from trig.protocols.eye import Look
from trig.vocabulary.dimensions import Dimension

Floats: TypeAlias = NDArray[np.float64]
Tower: TypeAlias = Literal["picture", "text"]
SEEING = 2
"""Cache version: raise it when embeddings or scores can change."""


class Clip:
    """A CLIPModel of transformers, with or without heads. Satisfies `Eye` and `Features`. Weights are loaded when it first looks.

    Texts longer than the model's context are cut, as its tokenizer does. `field`: where its weights are named.
    """

    def __init__(self, weights: str, field: str = "eye", batch_size: int = 64) -> None:
        self.where, self.place, self.batch_size = f"{field}: {weights}", located(weights, field), batch_size
        try:
            with typed():
                config = AutoConfig.from_pretrained(self.place, **AS_IT_IS)
                if config.model_type != "clip":
                    raise ValueError(f"it is a {config.model_type}; name the folder of a CLIPModel")
                self.images = AutoImageProcessor.from_pretrained(self.place, backend="pil", **AS_IT_IS)
                self.words = AutoTokenizer.from_pretrained(self.place, **AS_IT_IS)
        except UNLOADABLE as error:
            raise WeightsError(f"{self.where}: transformers cannot load it: {brief(error)}") from error
        self.context: int = config.text_config.max_position_embeddings
        self.card = card(self.place, self.where)
        self.dimensions: tuple[Dimension, ...] = tuple(self.card.scores) if self.card else ()
        self.name = f"CLIP embedding of {Path(weights).name}"
        self.revision = content_key(weights=identity(weights, field), seeing=SEEING)

    @cached_property
    def model(self) -> CLIPModel:
        """The loaded model. Raises WeightsError."""
        device = "cuda" if torch.cuda.is_available() else "cpu"
        try:
            model, told = CLIPModel.from_pretrained(
                self.place, dtype=torch.float32, use_safetensors=True, output_loading_info=True, **AS_IT_IS
            )
        except UNLOADABLE as error:
            raise WeightsError(f"{self.where}: transformers cannot load it: {brief(error)}") from error
        if lacks := sorted({*told["missing_keys"], *(key for key, *_ in told["mismatched_keys"])}):
            raise WeightsError(f"{self.where}: its weights lack {lacks[0]} and {len(lacks) - 1} more; fetch them anew with `dvc pull`")
        return model.eval().to(device)

    @cached_property
    def rows(self) -> Mapping[str, Floats]:
        """Weights of the heads. Raises WeightsError."""
        file = self.place / WEIGHTS
        try:
            found = {name: np.asarray(values, float) for name, values in load_file(file).items()}
            for tower, width in (("picture", self.model.config.vision_config), ("text", self.model.config.text_config)):
                read(np.zeros((1, width.hidden_size)), *_of(found, tower), self._attributes(tower))
        except UNLOADABLE as error:
            raise WeightsError(f"{file}: not the weights of the heads that {HEADS} names: {brief(error)}; restore both") from error
        return found

    def of(self, pictures: Sequence[Image.Image]) -> Floats:
        """Embeddings of pictures, (pictures, d), of length 1."""
        return _unit(self._pooled(pictures, self._seen), self.model.visual_projection)

    def texts(self, texts: Sequence[str]) -> Floats:
        """Embeddings of texts, (texts, d), of length 1."""
        return _unit(self._pooled(texts, self._said), self.model.text_projection)

    def similarity(self, looks: Sequence[Look]) -> Floats:
        """Cosine of each picture and its prompt, in [-1, 1]."""
        cosines = (self.of([look.picture for look in looks]) * self.texts([look.prompt for look in looks])).sum(axis=1)
        return np.asarray(np.clip(cosines, -1, 1))

    def scores(self, looks: Sequence[Look]) -> list[Mapping[Dimension, float | None]]:
        """Scores in [0, 1] of each picture, of its dimensions; None where the heads cannot tell.

        Where a prompt leaves something open, its source picture says what is asked for.
        """
        told = self._with_heads()
        asked, shown = self.read("text", [look.prompt for look in looks]), self.read("picture", [look.picture for look in looks])
        sourced = [number for number, look in enumerate(looks) if look.source]
        if sourced:
            source = self.read("picture", [look.source for look in looks if look.source])
            meant = by_source(told, {name: rows[sourced] for name, rows in asked.items()}, source)
            for name, rows in asked.items():
                rows[sourced] = meant[name]
        found = scores(told, asked, shown)
        return [
            {dimension: None if np.isnan(rows[number]) else float(rows[number]) for dimension, rows in found.items()}
            for number in range(len(looks))
        ]

    def read(self, tower: Tower, given: Sequence[Any]) -> Read:
        """Attributes of pictures or texts: probabilities of the classes, (rows, classes). Raises WeightsError without heads."""
        self._with_heads()
        pooled = self._pooled(given, self._seen if tower == "picture" else self._said)
        return read(pooled.double().cpu().numpy(), *_of(self.rows, tower), self._attributes(tower))

    def _with_heads(self) -> Card:
        if self.card is None:
            raise WeightsError(f"{self.where}: no {HEADS} here, so it scores nothing; name an eye with heads, or use its embeddings")
        return self.card

    def _attributes(self, tower: str) -> Classes:
        card = self._with_heads()
        return card.picture if tower == "picture" else card.text

    @cached_property
    def _proven(self) -> CLIPModel:
        """The loaded model. Raises WeightsError where what it does with pictures and texts beforehand does not fit its weights."""
        model = self.model
        try:
            with typed():
                self._seen([Image.new("RGB", (96, 64), "grey")])
                self._said(["", "a grey picture"])
        except torch.OutOfMemoryError:
            raise
        except UNLOADABLE as error:
            raise WeightsError(
                f"{self.where}: it can look at no picture, or read no text: {brief(error)}; fetch its processor and tokenizer anew"
            ) from error
        return model

    @torch.inference_mode()
    def _pooled(self, given: Sequence[Any], tower: Callable[[Sequence[Any]], torch.Tensor]) -> torch.Tensor:
        _ = self._proven
        batches = [tower(given[start : start + self.batch_size]) for start in range(0, len(given), self.batch_size)]
        return torch.cat(batches)

    def _seen(self, pictures: Sequence[Image.Image]) -> torch.Tensor:
        ready = self.images(images=[picture.convert("RGB") for picture in pictures], return_tensors="pt").pixel_values
        pooled: torch.Tensor = self.model.vision_model(ready.to(self.model.device)).pooler_output
        return pooled

    def _said(self, texts: Sequence[str]) -> torch.Tensor:
        ready = self.words(list(texts), padding=True, truncation=True, max_length=self.context, return_tensors="pt").to(self.model.device)
        pooled: torch.Tensor = self.model.text_model(input_ids=ready.input_ids, attention_mask=ready.attention_mask).pooler_output
        return pooled


def _unit(pooled: torch.Tensor, projection: torch.nn.Linear) -> Floats:
    with torch.inference_mode():
        embedded = projection(pooled).double().cpu().numpy()
    return np.asarray(embedded / np.maximum(np.linalg.norm(embedded, axis=1, keepdims=True), 1e-12))


def _of(found: Mapping[str, Floats], tower: str) -> tuple[Floats, Floats]:
    return found[f"{tower}.weight"], found[f"{tower}.bias"]
