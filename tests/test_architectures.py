"""Judges of other architectures, as small random checkpoints: batched answers equal single ones."""

from collections.abc import Callable
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
import torch
import transformers
from PIL import Image
from transformers import AutoProcessor

from trig import params
from trig.backends.judges.transformers import Transformers
from trig.judge.labels import labels
from trig.protocols.judge import Answer, Question
from trig.scales import SCALES
from trig.testing import factories

Made = tuple[Any, Any]  # model and processor
TEXT = {"hidden_size": 64, "intermediate_size": 96, "num_hidden_layers": 2, "num_attention_heads": 4, "num_key_value_heads": 2}
VISION = {"hidden_size": 32, "intermediate_size": 48, "patch_size": 8}


def llava_onevision(tiny: Any, text: dict[str, int], ids: dict[str, int]) -> Made:
    grids = [[32, 32], [32, 64], [64, 32]]
    vision = {**VISION, "model_type": "siglip_vision_model", "num_hidden_layers": 2, "num_attention_heads": 2, "image_size": 32}
    config = transformers.LlavaOnevisionConfig(
        text_config={"model_type": "qwen2", **text},
        vision_config={**vision, "vision_use_head": False},
        image_grid_pinpoints=grids,
        vision_feature_layer=-1,
        **ids,
    )
    size = {"height": 32, "width": 32}
    processor = transformers.LlavaOnevisionProcessor(
        transformers.LlavaOnevisionImageProcessor(size=size, image_grid_pinpoints=grids),
        tiny.tokenizer,
        transformers.LlavaOnevisionVideoProcessor(size=size),
        num_image_tokens=16,
        vision_feature_select_strategy="full",
        image_token="<|image_pad|>",
        video_token="<|video_pad|>",
        chat_template=tiny.chat_template,
    )
    return transformers.LlavaOnevisionForConditionalGeneration(config), processor


def qwen3_vl(tiny: Any, text: dict[str, int], ids: dict[str, int]) -> Made:
    rope = {"rope_type": "default", "mrope_section": [4, 2, 2], "mrope_interleaved": True}
    vision = {**VISION, "depth": 2, "num_heads": 2, "out_hidden_size": text["hidden_size"], "num_position_embeddings": 64}
    marks = {f"vision_{end}_token_id": tiny.tokenizer.convert_tokens_to_ids(f"<|vision_{end}|>") for end in ("start", "end")}
    config = transformers.Qwen3VLConfig(
        text_config={"head_dim": 16, "rope_scaling": rope, **text},
        vision_config={**vision, "deepstack_visual_indexes": [0, 1]},
        **ids,
        **marks,
    )
    video = transformers.Qwen3VLVideoProcessor(patch_size=VISION["patch_size"])
    processor = transformers.Qwen3VLProcessor(tiny.image_processor, tiny.tokenizer, video, chat_template=tiny.chat_template)
    return transformers.Qwen3VLForConditionalGeneration(config), processor


@pytest.mark.parametrize("make", [llava_onevision, qwen3_vl])
def test_a_judge_answers_in_a_batch_as_it_does_alone(make: Callable[[Any, dict[str, int], dict[str, int]], Made], tmp_path: Path) -> None:
    tiny = AutoProcessor.from_pretrained(params.load().judges["tiny"].needs)
    special = {"pad_token_id": 0, "bos_token_id": 0, "eos_token_id": 2}
    ids = {f"{kind}_token_id": tiny.tokenizer.convert_tokens_to_ids(f"<|{kind}_pad|>") for kind in ("image", "video")}
    torch.manual_seed(0)
    model, processor = make(tiny, {**TEXT, "vocab_size": len(tiny.tokenizer), **special}, ids)
    model.save_pretrained(tmp_path)
    processor.save_pretrained(tmp_path)
    judge = Transformers("x", str(tmp_path), 40)
    assert type(judge.model) is type(model)

    shown = [(factories.png(seed, *size), "a ball" + " and a box" * seed) for seed, size in enumerate([(32, 32), (64, 32), (64, 64)])]
    asked = [
        Question(picture, prompt, f"How good is it on scale {number}?", source)
        for picture, prompt in shown
        for source in (None, factories.png(9, 32, 64))
        for number in range(3)
    ]
    answers = dict(judge.ask(asked, labels(SCALES["paper"], judge.encode)))
    ids_of_grades = labels(SCALES["paper"], judge.encode).ids
    assert ids_of_grades is not None
    for place, question in enumerate(asked):
        pictures = [Image.open(BytesIO(file)).convert("RGB") for file in question.images]
        inputs = judge.processor(text=[judge._text(question)], images=[pictures], return_tensors="pt")
        with torch.inference_mode():
            logprobs = judge.model(**inputs).logits[0, -1].log_softmax(-1)
        said = answers[place]
        assert isinstance(said, Answer)
        assert said.logprobs == pytest.approx([float(logprobs[list(each)].logsumexp(-1)) for each in ids_of_grades], abs=1e-5)
        assert said.tokens == inputs["input_ids"].shape[1]
        assert said.picture_tokens == int((inputs["input_ids"] == ids["image_token_id"]).sum())
