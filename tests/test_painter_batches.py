"""Batches that do not fit, rows that fail, and entries that are wrong."""

from collections.abc import Sequence
from io import BytesIO
from types import SimpleNamespace

import numpy as np
import pytest
import torch
import workplace
from lines import names
from PIL import Image

from trig import params
from trig.backends.painters import develop
from trig.backends.painters.batches import Batches
from trig.backends.painters.diffusers import Diffusers
from trig.errors import ParamsError, WeightsError
from trig.memory import require
from trig.params.options import Format
from trig.protocols.generator import Order, Picture
from trig.protocols.refusal import Refusal
from trig.testing import factories

FIELD = "params.yaml: models.x"


class Fragile:
    """Paints at most `most` rows at a time; prompts that hold a word fail by it."""

    def __init__(self, most: int = 99, starved: Exception | None = None) -> None:
        self.most, self.starved = most, starved or torch.OutOfMemoryError("CUDA out of memory")
        self.sizes: list[int] = []

    def __call__(self, orders: Sequence[Order]) -> list[str | Refusal]:
        self.sizes.append(len(orders))
        if len(orders) > self.most:
            raise self.starved
        for order in orders:
            if "huge" in order.prompt:
                raise self.starved
            if "bad" in order.prompt:
                raise ValueError(f"cannot read {order.prompt}\nmore")
            if "busy" in order.prompt:
                raise ConnectionError("try later")
        return [order.prompt for order in orders]


def orders(*prompts: str) -> list[Order]:
    return [Order(prompt, number) for number, prompt in enumerate(prompts)]


def painted(paint: Fragile, *prompts: str) -> list[str | Refusal]:
    batches = Batches[str](paint, FIELD)
    found = [each for made in batches(orders(*prompts)) for each in made]
    batches.settled()
    return found


@pytest.mark.parametrize(
    "starved", [torch.OutOfMemoryError("CUDA"), MemoryError(), RuntimeError("DefaultCPUAllocator: can't allocate memory")]
)
def test_a_batch_is_halved_until_it_fits_and_the_size_is_kept(starved: Exception) -> None:
    paint = Fragile(3, starved)
    batches = Batches[str](paint, FIELD)
    first = [each for made in batches(orders(*"abcdefgh")) for each in made]
    assert first == list("abcdefgh") and paint.sizes == [8, 4, 2, 2, 2, 2]
    assert [each for made in batches(orders(*"ijk")) for each in made] == list("ijk") and paint.sizes[6:] == [2, 1]


def test_a_batch_that_could_never_fit_is_halved_too() -> None:
    def paint(rows: Sequence[Order]) -> list[str | Refusal]:
        require(len(rows) * 10**15 if len(rows) > 1 else 1, "params.yaml: generate.batch_size")
        return [row.prompt for row in rows]

    assert [each for made in Batches[str](paint, FIELD)(orders(*"abcd")) for each in made] == list("abcd")
    with pytest.raises(ParamsError, match=r"params\.yaml: generate\.batch_size"):
        paint(orders("a", "b"))


def test_a_run_of_which_no_picture_fits_stops_in_one_line() -> None:
    with pytest.raises(WeightsError, match=names(FIELD, "one picture", "width", "height", "options.offload")):
        painted(Fragile(0), "a", "b")


def test_a_row_that_starves_after_others_may_be_tried_again() -> None:
    paint = Fragile()
    batches = Batches[str](paint, FIELD)
    assert list(batches(orders("a"))) == [["a"]]
    ((made,),) = batches(orders("huge"))
    assert isinstance(made, Refusal) and not made.final and "memory" in made.reason


def test_one_bad_row_takes_no_other_with_it() -> None:
    found = painted(Fragile(), "a", "bad", "b", "busy")
    assert (found[0], found[2]) == ("a", "b")
    assert found[1] == Refusal("the pipeline failed: ValueError: cannot read bad")
    assert found[3] == Refusal("the pipeline failed: ConnectionError: try later")


def test_a_pipeline_that_takes_no_batches_is_not_offered_another() -> None:
    paint = Fragile(1, ValueError("batch size 1 only"))
    assert painted(paint, *"abcd") == list("abcd") and paint.sizes == [4, 1, 1, 1, 1]
    paint.sizes.clear()
    batches = Batches[str](paint, FIELD)
    assert [len(made) for _ in range(2) for made in batches(orders(*"ab"))] == [2, 1, 1] and paint.sizes == [2, 1, 1, 1, 1]


def test_an_entry_of_which_every_row_fails_alike_stops_in_one_line() -> None:
    with pytest.raises(WeightsError, match=names(FIELD, "ValueError", "cannot read bad")):
        painted(Fragile(), "bad", "bad", "bad")
    told = painted(Fragile(), "bad 1", "bad 2")
    assert all(isinstance(each, Refusal) and not each.final for each in told), "not yet known to be the rows' own fault"


@pytest.mark.parametrize(("level", "said"), [(0, "black"), (1, "black"), (2, None)])
def test_a_black_picture_is_a_refusal(level: int, said: str | None) -> None:
    (made,) = develop.shown(SimpleNamespace(image=np.full((1, 8, 8, 3), level / 255, np.float32)))
    assert isinstance(made, Refusal) == bool(said)
    assert not said or (isinstance(made, Refusal) and said in made.reason and made.final)


@pytest.mark.parametrize(("form", "exact"), [("png", True), ("webp", True), ("jpeg", False)])
def test_a_picture_is_written_in_the_format_that_is_asked_for(form: Format, exact: bool) -> None:
    drawn = Image.open(BytesIO(factories.png(1, 16, 16))).convert("RGB")
    again = Image.open(BytesIO(develop.file(drawn, form)))
    assert again.format == form.upper() and (np.asarray(again) == np.asarray(drawn)).all() == exact


def test_the_format_enters_the_key_unless_it_is_png() -> None:
    model = params.load(workplace.ROOT / "params.yaml").pipeline("tiny")
    revisions = [Diffusers("tiny", model, form=form).revision for form in ("png", "webp", "jpeg")]
    assert len(set(revisions)) == 3 and revisions[0] == Diffusers("tiny", model).revision
    (made,) = Diffusers("tiny", model.model_copy(update={"steps": 1}), form="webp").generate([Order("a red ball", 1)])
    assert isinstance(made, Picture) and made.file[8:12] == b"WEBP"


def test_a_painter_of_which_nothing_is_asked_loads_nothing() -> None:
    program = (
        "import sys; from trig import params; from trig.backends import painters;"
        "print(painters.load(params.load(), 'tiny').revision, 'torch' in sys.modules, 'diffusers' in sys.modules)"
    )
    told = workplace.python("-c", program, cwd=workplace.ROOT)
    assert told.stdout.split()[1:] == ["False", "False"], told.stderr
