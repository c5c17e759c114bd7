"""What an entry says of its pipeline reaches it: class, numbers, scheduler, further arguments."""

from typing import Any

import pytest
import torch
import workplace
from lines import names

from trig import params
from trig.backends.painters.diffusers import Diffusers
from trig.errors import WeightsError
from trig.params.models.diffusers import DiffusersModel
from trig.protocols.generator import Order, Picture

FIELD = "params.yaml: models.x"


def entry(**said: Any) -> DiffusersModel:
    """The tiny painter at one step, otherwise as said."""
    tiny = params.load(workplace.ROOT / "params.yaml").pipeline("tiny")
    return tiny.model_copy(update={"steps": 1, "weights": str(workplace.ROOT / tiny.weights), **said})


def test_every_field_reaches_the_pipeline_and_the_key() -> None:
    said = {"pipeline": "FluxKontextPipeline", "dtype": "float16", "scheduler": "FlowMatchHeunDiscreteScheduler", "call": {"sigmas": None}}
    whole = Diffusers("x", entry(**said))
    assert type(whole.pipe).__name__ == said["pipeline"] and type(whole.pipe.scheduler).__name__ == said["scheduler"]
    assert whole.pipe.transformer.dtype == torch.float16
    revisions = {Diffusers("x", entry(**{name: value})).revision for name, value in said.items()}
    assert len(revisions | {whole.revision, Diffusers("x", entry()).revision}) == len(said) + 2


def test_other_numbers_paint_a_picture_too() -> None:
    assert isinstance(Diffusers("x", entry(dtype="bfloat16")).generate([Order("a red ball", 1, None)])[0], Picture)


def test_a_length_that_the_entry_asks_for_is_what_is_read() -> None:
    read = Diffusers("x", entry(call={"max_sequence_length": 4})).generate([Order("a red ball in the snow at night", 1, None)])[0]
    assert isinstance(read, Picture) and read.tokens_read == 4


@pytest.mark.parametrize(
    ("said", "named"),
    [
        ({"pipeline": "FluxKontext"}, ("pipeline", "'FluxKontext'")),
        ({"pipeline": "AutoencoderKL"}, ("pipeline", "'AutoencoderKL'")),
        ({"scheduler": "Euler"}, ("scheduler", "'Euler'")),
        ({"call": {"image_guidance_scale": 1.5}}, ("FluxKontextPipeline", "'image_guidance_scale'", "1.5")),
    ],
)
def test_what_diffusers_does_not_know_is_one_line(said: dict[str, Any], named: tuple[str, ...]) -> None:
    with pytest.raises(WeightsError, match=names(FIELD, *named)):
        Diffusers("x", entry(**said)).pipe  # noqa: B018
