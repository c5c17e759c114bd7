"""Tokenizer and image processor of the judge."""

import json
from collections.abc import Iterator, Mapping, Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from tokenizers import Regex, Tokenizer, decoders, models, pre_tokenizers, trainers
from torch import Tensor
from transformers import (
    PreTrainedTokenizerFast,
    Qwen2_5_VLForConditionalGeneration,
    Qwen2_5_VLProcessor,
    Qwen2VLImageProcessor,
    Qwen2VLVideoProcessor,
)

from tinyworld.cases import case_of
from tinyworld.render import SIDE
from tinyworld.scene import Scene
from trig.protocols.judge import Question
from trig.vocabulary.dimensions import Dimension, Task

SPECIAL = (
    "<|endoftext|>",
    "<|im_start|>",
    "<|im_end|>",
    "<|vision_start|>",
    "<|vision_end|>",
    "<|vision_pad|>",
    "<|image_pad|>",
    "<|video_pad|>",
)
TEMPLATE = (
    "{% for message in messages %}<|im_start|>{{ message.role }}\n"
    "{% if message.content is string %}{{ message.content }}{% else %}{% for part in message.content %}"
    "{% if part.type == 'image' or part.type == 'image_url' or 'image' in part %}<|vision_start|><|image_pad|><|vision_end|>"
    "{% elif 'text' in part %}{{ part.text }}{% endif %}{% endfor %}{% endif %}<|im_end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)
SPLIT = r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
"""Pre-tokenizer pattern of Qwen2.5."""
PATCH = 8
TOKENS = (SIDE // PATCH // 2) ** 2
"""Tokens per picture."""


def said(scene: Scene) -> list[list[str]]:
    """Target words of a picture: of the whole, then of each thing."""
    wear = "worn" if scene.wear > 0.5 else "scratched" if scene.wear > 0.15 else "clean"
    things = [[word for word in (t.colour, t.kind, t.role, t.skin, t.hair) if word] for t in scene.things]
    return [[scene.style, scene.place, wear], *things]


def tokenizer(texts: Iterator[str]) -> PreTrainedTokenizerFast:
    """Byte-level BPE tokenizer like Qwen2.5's, with its special tokens, trained on the tiny world's texts."""
    bpe = Tokenizer(models.BPE(byte_fallback=False))
    split = pre_tokenizers.Split(Regex(SPLIT), behavior="isolated")
    bpe.pre_tokenizer = pre_tokenizers.Sequence([split, pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)])
    bpe.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=1536, special_tokens=list(SPECIAL), initial_alphabet=pre_tokenizers.ByteLevel.alphabet(), show_progress=False
    )
    bpe.train_from_iterator(texts, trainer)
    named = dict(zip(("vision_bos_token", "vision_eos_token", "image_token", "video_token"), (*SPECIAL[3:5], *SPECIAL[6:]), strict=True))
    return PreTrainedTokenizerFast(
        tokenizer_object=bpe,
        pad_token="<|endoftext|>",
        eos_token="<|im_end|>",
        chat_template=TEMPLATE,
        model_max_length=2048,
        extra_special_tokens=named,
    )


def processor(rubrics: Mapping[Dimension, str], grades: Sequence[str], seed: int) -> Qwen2_5_VLProcessor:
    """Tokenizer and image processor, as transformers saves and loads them."""

    def texts() -> Iterator[str]:
        rng = np.random.default_rng((seed, 1))
        for _ in range(20_000):
            case = case_of(rng)
            yield Question(b"", case.request.text, "").text
            yield "".join(f" {word}" for words in said(case.scene) for word in words)
        yield from (*rubrics.values(), "user\n", "assistant\n", " right not colour fresh", *grades) * 500

    size = {"shortest_edge": SIDE * SIDE, "longest_edge": SIDE * SIDE}
    args = {"patch_size": PATCH, "merge_size": 2, "temporal_patch_size": 2, "image_mean": [0.5] * 3, "image_std": [0.5] * 3, "size": size}
    words = tokenizer(texts())
    return Qwen2_5_VLProcessor(Qwen2VLImageProcessor(**args), words, Qwen2VLVideoProcessor(**args), chat_template=TEMPLATE)


def new_words(rubrics: Mapping[Task, Mapping[Dimension, str]]) -> list[str]:
    """Words of edits and their rubrics."""
    texts = [text for task in (Task.P2P, Task.S2P) for text in rubrics[task].values()]
    return [
        *texts,
        "Prompt: make it",
        "Prompt: put it",
        "Prompt: replace the",
        "Prompt: this",
        " and make it, and put it, and replace it with, and add",
    ]


def learn(reads: Qwen2_5_VLProcessor, texts: Sequence[str]) -> list[list[int]]:
    """Gives each word of the texts a token of its own; what was one token stays so. Token ids that each further token is made of."""
    state = json.loads(reads.tokenizer.backend_tokenizer.to_str())
    vocab, merges = state["model"]["vocab"], state["model"]["merges"]
    known, made_of = len(reads.tokenizer), list[list[int]]()
    words = {word for text in texts for word, _ in reads.tokenizer.backend_tokenizer.pre_tokenizer.pre_tokenize_str(text)}
    for word in sorted(words):
        pieces = [token.value for token in reads.tokenizer.backend_tokenizer.model.tokenize(word)]
        whole = pieces[0]
        for piece in pieces[1:]:
            if [whole, piece] not in merges:
                merges.append([whole, piece])
            if whole + piece not in vocab:
                made_of.append([vocab[token] for token in pieces if vocab[token] < known])
                vocab[whole + piece] = len(vocab)
            whole += piece
    reads.tokenizer = PreTrainedTokenizerFast(**reads.tokenizer.init_kwargs | {"tokenizer_object": Tokenizer.from_str(json.dumps(state))})
    return made_of


@torch.no_grad()
def enlarge(model: Qwen2_5_VLForConditionalGeneration, learnt: Sequence[Sequence[int]]) -> None:
    """Embeds further tokens, each as the mean of the tokens it is made of."""
    if learnt:
        known = model.config.text_config.vocab_size
        model.resize_token_embeddings(known + len(learnt), mean_resizing=False)
        rows = model.get_input_embeddings().weight
        for number, made_of in enumerate(learnt, known):
            rows[number] = rows[list(made_of)].mean(0)


def patches(pictures: NDArray[np.uint8], images: Qwen2VLImageProcessor) -> Tensor:
    """Patches (B·64, 384) of pictures (B, 64, 64, 3) for the vision tower."""
    scaled = torch.from_numpy(pictures).permute(0, 3, 1, 2).float().div(127.5).sub(1)
    flat: Tensor = images.patchify(scaled, PATCH, 2, 2)[0]
    return flat.flatten(0, 1)
