"""Autoregressive image generators loaded with transformers: a language model that writes picture tokens."""

from collections.abc import Sequence
from functools import cached_property
from itertools import chain
from typing import Any

import torch
import transformers
from torch import Tensor
from transformers import AutoConfig, AutoProcessor, JanusForConditionalGeneration, LogitsProcessor, LogitsProcessorList

from trig.backends.checkpoint import reserved
from trig.backends.engines import JUDGES, engine
from trig.backends.painters.batches import Batches
from trig.backends.painters.develop import developed, file
from trig.backends.unloadable import AS_IT_IS, UNLOADABLE, typed
from trig.backends.weights import brief, identity, located
from trig.errors import WeightsError
from trig.keys import content_key
from trig.params.models.transformers import TransformersModel
from trig.params.options import Format
from trig.protocols.generator import Order, Picture
from trig.protocols.refusal import Refusal

transformers.utils.logging.disable_progress_bar()

PAINTING = 2
"""Cache version: raise it when a change to prompting, sampling or decoding can change pictures."""
REMEDY = "set dtype: bfloat16, or take a larger GPU"
"""What spares memory: the size of its pictures is fixed."""
KNOWN = "janus"
"""Model type in config.json."""


class Autoregressive:
    """A Janus model; weights are loaded before the first picture. Satisfies `Generator`. `engine_in_key`: library versions are part of the cache key."""

    def __init__(self, name: str, model: TransformersModel, engine_in_key: bool = False, form: Format = "png") -> None:
        self.model, self.field, self.form = model, f"params.yaml: models.{name}", form
        self.place = located(model.weights, f"{self.field}.weights")
        self.engine = engine(JUDGES)
        self.revision = content_key(
            weights=identity(model.weights, self.field),
            engine=self.engine if engine_in_key else None,
            call=model.decides(),
            painting=PAINTING,
            **({} if form == "png" else {"format": form}),
        )
        self.config = self._config()
        self.batches = Batches(self._painted, self.field, REMEDY)
        self.reserved = reserved(self.place)

    def _config(self) -> Any:
        """Configuration of the checkpoint. Raises WeightsError for another architecture, and for a size that it does not paint."""
        try:
            config = AutoConfig.from_pretrained(self.place, **AS_IT_IS)
        except UNLOADABLE as error:
            raise self._unloadable(error) from error
        if config.model_type != KNOWN:
            raise WeightsError(
                f"{self.field}.weights: {self.model.weights}: a model of type {config.model_type!r}; this painter knows {KNOWN!r}"
            )
        side = config.vq_config.num_patches * 2 ** (len(config.vq_config.channel_multiplier) - 1)
        for field in ("width", "height"):
            if (asked := getattr(self.model, field)) != side:
                raise WeightsError(f"{self.field}.{field}: {asked}: this model paints {side} × {side} and no other size; set {side}")
        return config

    @cached_property
    def network(self) -> Any:
        """The language model with its picture decoder. Raises WeightsError."""
        try:
            network, told = JanusForConditionalGeneration.from_pretrained(
                self.place,
                dtype=getattr(torch, self.model.dtype),
                local_files_only=True,
                use_safetensors=True,
                output_loading_info=True,
            )
        except UNLOADABLE as error:
            raise self._unloadable(error) from error
        if lacks := sorted(told["missing_keys"]):
            raise WeightsError(
                f"{self.field}.weights: {self.model.weights}: {len(lacks)} weights are missing, the first {lacks[0]!r}; fetch it whole"
            )
        tokenizer = self.processor.tokenizer
        network.generation_config.generation_kwargs = {"boi_token_id": tokenizer.convert_tokens_to_ids(tokenizer.boi_token)}
        return network.to("cuda" if torch.cuda.is_available() else "cpu").eval()

    @cached_property
    def processor(self) -> Any:
        """Chat template, tokenizer and image processor. Raises WeightsError."""
        try:
            with typed():
                return AutoProcessor.from_pretrained(self.place, **AS_IT_IS)
        except UNLOADABLE as error:
            raise self._unloadable(error) from error

    def _unloadable(self, error: Exception) -> WeightsError:
        return WeightsError(f"{self.field}: {self.model.weights}: transformers cannot load it: {brief(error)}")

    def generate(self, orders: Sequence[Order]) -> list[Picture | Refusal]:
        """An image or Refusal per order, each with its own random generator. Raises WeightsError for a source image, which it cannot take.

        Batch size moves logits by rounding, which can turn a token, and with it all that follow: rarely in float32, often in bfloat16.
        """
        if any(order.source_image is not None for order in orders):
            raise WeightsError(
                f"{self.field}: it takes no picture, so the picture to edit, or the subject would be left out; name another model for this task"
            )
        refused = {index: told for index, order in enumerate(orders) if (told := self._unread(order.prompt))}
        places = [index for index in range(len(orders)) if index not in refused]
        painted = chain.from_iterable(self.batches([orders[place] for place in places]))
        made = refused | dict(zip(places, painted, strict=True))
        self.batches.settled()
        return [made[index] for index in range(len(orders))]

    def _unread(self, prompt: str) -> Refusal | None:
        """Why the model cannot read a prompt; None where it can."""
        if found := min((word for word in self.reserved if word in prompt), key=prompt.index, default=None):
            return Refusal(f"the prompt holds {found!r}, a word that the model reserves; write it otherwise", final=True)
        tokens = len(self._tokens(prompt))
        room = self.config.text_config.max_position_embeddings - self.config.vision_config.num_image_tokens
        return None if tokens <= room else Refusal(f"the prompt has {tokens} tokens, and the model reads {room}", final=True)

    def _tokens(self, prompt: str) -> list[int]:
        """Tokens of a prompt in the chat template, up to the mark that begins a picture."""
        talk = [{"role": "user", "content": [{"type": "text", "text": prompt}]}]
        try:
            text = self.processor.apply_chat_template(talk, add_generation_prompt=True)
        except ValueError as error:
            raise self._unloadable(error) from error
        tokenizer = self.processor.tokenizer
        begins = bool(tokenizer.bos_token) and text.startswith(tokenizer.bos_token)
        tokens: list[int] = tokenizer(text + tokenizer.boi_token, add_special_tokens=not begins).input_ids
        return tokens

    @torch.inference_mode()
    def _painted(self, orders: Sequence[Order]) -> list[Picture | Refusal]:
        """One batch."""
        texts = [self._tokens(order.prompt) for order in orders]
        network, longest = self.network, max(map(len, texts))
        blank = self.processor.tokenizer.pad_token_id
        tokens = torch.tensor([[blank] * (longest - len(text)) + text for text in texts], device=network.device)
        mask = torch.tensor([[0] * (longest - len(text)) + [1] * len(text) for text in texts], device=network.device)
        seeds = [order.seed for order in orders]
        draw = Draw(seeds, self.config.vision_config.num_image_tokens, self.model.guidance_scale, self.model.temperature)
        written = network.generate(tokens, mask, LogitsProcessorList([draw]), generation_mode="image", guidance_scale=1.0, do_sample=False)
        shown = network.decode_image_tokens(written).float()  # (B, height, width, 3)
        return [self._made(*row) for row in zip(shown, draw.sound, texts, strict=True)]

    def _made(self, shown: Tensor, sound: bool, text: Sequence[int]) -> Picture | Refusal:
        if not (sound and shown.isfinite().all()):
            return Refusal("not finite: the model's logits or pixels are no numbers", final=True)
        looks = self.processor.image_processor
        mean, spread = (torch.tensor(each, device=shown.device) for each in (looks.image_mean, looks.image_std))
        picture = developed((shown * spread + mean).clamp(0, 1).cpu().numpy())
        return picture if isinstance(picture, Refusal) else Picture(file(picture, self.form), len(text), len(text))


class Draw(LogitsProcessor):  # type: ignore[misc]
    """Classifier-free guidance, temperature, and a token for each row, from its own random numbers: one-hot logits, for a greedy choice after it."""

    def __init__(self, seeds: Sequence[int], tokens: int, guidance: float, temperature: float) -> None:
        drawn = [torch.rand(tokens, generator=torch.Generator().manual_seed(seed), dtype=torch.float64) for seed in seeds]
        self.numbers = torch.stack(drawn)  # (B, tokens), uniform in [0, 1)
        self.guidance, self.temperature, self.step = guidance, temperature, 0
        self.sound = [True] * len(seeds)

    def __call__(self, input_ids: Tensor, scores: Tensor) -> Tensor:  # noqa: ARG002 - the library's signature
        """Scores (2B, V), prompts above and blank prompts below, to (B, V)."""
        asked, blank = scores.double().chunk(2)
        guided = (blank + self.guidance * (asked - blank)) / self.temperature
        self.sound = [was and bool(row.isfinite().all()) for was, row in zip(self.sound, guided, strict=True)]
        shares = torch.softmax(guided.nan_to_num(), -1).cumsum(-1)
        number = self.numbers[:, self.step, None].to(shares.device) * shares[:, -1:]
        token = torch.searchsorted(shares, number, right=True).clamp(max=shares.shape[1] - 1)
        self.step += 1
        return torch.full_like(shares, -torch.inf).scatter(1, token, 0.0)
