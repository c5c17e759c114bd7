"""Image generators loaded with diffusers: what decides their pictures at once, the pipeline when the first is asked for."""

from collections import defaultdict
from collections.abc import Hashable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from functools import cached_property
from itertools import chain
from math import sqrt
from typing import TYPE_CHECKING, Any

from PIL import Image

from trig.backends.dtype import computed
from trig.backends.engines import PAINTERS, engine
from trig.backends.weights import beside, configuration, folder, identity, located, revision
from trig.errors import WeightsError
from trig.keys import content_key
from trig.memory import require
from trig.params.models.diffusers import DiffusersModel
from trig.params.options import Format, scaled
from trig.pictures import pixels, size, unseen
from trig.protocols.generator import Order, Picture
from trig.protocols.refusal import Refusal

if TYPE_CHECKING:
    from trig.backends.families.calls import Calls
    from trig.backends.painters.batches import Batches
    from trig.backends.painters.reader import Reader

BYTES = 3 * 4 * 2
"""Bytes per pixel: three float32 channels, before and after clipping."""
WRITERS = 2
"""Threads that write image files."""
PAINTING = 3
"""Cache version: raise it when a change to pipeline calls can change images."""
Size = tuple[int, int]


class Diffusers:
    """A diffusers pipeline with optional adapters. Satisfies `Generator`. `engine_in_key`: library versions are part of the cache key.

    `device`: where it paints, such as cuda:1; None: the GPU where there is one.
    """

    def __init__(
        self, name: str, model: DiffusersModel, engine_in_key: bool = False, device: str | None = None, form: Format = "png"
    ) -> None:
        self.field = f"params.yaml: models.{name}"
        model = model.model_copy(update={"dtype": computed(model.dtype, device)})
        located(model.weights, f"{self.field}.weights")
        adapter = folder(scaled(model.adapter)[0], f"{self.field}.adapter") if model.adapter else None
        self.engine = engine(PAINTERS, adapter=adapter is not None)
        made_by = {
            "weights": identity(model.weights, self.field),
            "adapter": adapter and revision(adapter),
            "engine": self.engine if engine_in_key else None,
        }
        self.revision = content_key(**made_by, call=model.decides(), painting=PAINTING, **_unusual(model, form, self.field))
        self.model, self.device, self.form = model, device, form

    @cached_property
    def pipe(self) -> Any:
        """The pipeline, loaded. Raises WeightsError where it cannot be, or where the entry says what it would not honour."""
        from trig.backends import families
        from trig.backends.painters.pipeline import device, opened

        pipe = opened(self.model, self.field, device(self.device))
        calls = families.calls(pipe)
        calls.prepare(pipe, self.model)
        if fault := next(calls.faults(pipe, self.model), None):
            raise WeightsError(f"{self.field}.{fault}")
        self.__dict__["pipe"] = pipe
        self._known(self._settings(self.model))
        return pipe

    @cached_property
    def calls(self) -> "Calls":
        """How its family is called."""
        from trig.backends import families

        return families.calls(self.pipe)

    @cached_property
    def accepts(self) -> dict[str, Any]:
        """Arguments of a call, with their defaults."""
        return self.calls.accepts(self.pipe)

    @cached_property
    def reader(self) -> "Reader | None":
        """The tokenizer whose limit decides how much of a prompt is read."""
        from trig.backends.painters.reader import reader

        return reader(self.pipe, self.calls, self.model.call.get("max_sequence_length"))

    @cached_property
    def batches(self) -> "Batches[Image.Image]":
        """What paints batches that fit."""
        from trig.backends.painters.batches import Batches

        return Batches(self._painted, self.field)

    def generate(self, orders: Sequence[Order]) -> list[Picture | Refusal]:
        """An image or Refusal per order, each with its own random generator. Raises WeightsError for a source image it cannot take.

        Batch size moves pixels by rounding at most: kernels sum in another order. Files are written while the next rows are painted.
        """
        made: dict[int, Future[Picture | Refusal]] = {}
        refused = {index: told for index, order in enumerate(orders) if order.source_image and (told := unseen(order.source_image))}
        with ThreadPoolExecutor(WRITERS) as writers:
            for places in self._groups({index: order for index, order in enumerate(orders) if index not in refused}):
                coming = iter(places)
                for picture in chain.from_iterable(self.batches([orders[place] for place in places])):
                    index = next(coming)
                    made[index] = writers.submit(self._made, picture, self._read(orders[index].prompt))
        self.batches.settled()
        return [refused[index] if index in refused else made[index].result() for index in range(len(orders))]

    def _groups(self, orders: Mapping[int, Order]) -> Iterator[list[int]]:
        """Places of orders that may share a batch: with or without sources, of one size, and as the family says."""
        from trig.backends.families.calls import Share

        found: dict[Hashable, list[int]] = defaultdict(list)
        for index, order in orders.items():
            edits = order.source_image is not None
            share = self.calls.edits if edits else self.calls.text
            if self.model.options.ip_adapter and edits:
                share = Share.NONE
            alike = {Share.ANY: None, Share.LENGTH: self.reader and self.reader.count(order.prompt), Share.NONE: index}[share]
            shape = size(order.source_image) if order.source_image is not None else None
            found[alike, self.calls.alike(order.prompt), shape].append(index)
        yield from found.values()

    def _painted(self, orders: Sequence[Order]) -> list[Image.Image | Refusal]:
        """One batch, of orders that may share it."""
        import torch

        from trig.backends.painters.develop import shown

        asked = self._size(orders[0])
        require(len(orders) * asked[0] * asked[1] * BYTES, "params.yaml: generate.batch_size")
        call = self._call(orders, asked)
        torch.manual_seed(orders[0].seed)  # some pipelines draw from it beside their generators
        with torch.inference_mode():
            made = list(shown(self.calls.run(self.pipe, call)))
        for picture in made:
            if isinstance(picture, Image.Image) and picture.size != asked:
                said = ["×".join(map(str, each)) for each in (picture.size, asked)]
                raise WeightsError(
                    f"{self.field}: {type(self.pipe).__name__} painted {said[0]} pixels where {said[1]} are asked for; ask for those"
                )
        return made

    def _made(self, picture: Image.Image | Refusal, read: tuple[int | None, int | None]) -> Picture | Refusal:
        from trig.backends.painters.develop import file

        return picture if isinstance(picture, Refusal) else Picture(file(picture, self.form), *read)

    def _read(self, prompt: str) -> tuple[int | None, int | None]:
        """Never on another thread than the pipeline's: how a tokenizer pads is kept in it between two of its steps."""
        return self.reader.read(prompt) if self.reader else (None, None)

    def _size(self, order: Order) -> Size:
        """Width and height of a picture: the entry's, or those of the source in as many pixels and the family's multiples."""
        most = self.model.width, self.model.height
        if self.model.options.size == "entry" or order.source_image is None:
            return most
        width, height = size(order.source_image)
        share = min(1.0, sqrt(most[0] * most[1] / (width * height)))
        step = self.calls.multiple(self.pipe)
        return max(step, int(width * share) // step * step), max(step, int(height * share) // step * step)

    def _call(self, orders: Sequence[Order], asked: Size) -> dict[str, Any]:
        """Pipeline arguments of a batch."""
        import torch

        sources = [order.source_image for order in orders if order.source_image is not None]
        wanted = self._settings(self.model.model_copy(update={"width": asked[0], "height": asked[1]}))
        wanted |= self.calls.prompts([order.prompt for order in orders], bool(sources) and not self.model.options.ip_adapter)
        wanted["generator"] = [torch.Generator().manual_seed(order.seed) for order in orders]
        wanted |= self._sourced([pixels(source) for source in sources], asked)
        if "negative_prompt" in wanted:
            wanted["negative_prompt"] = [wanted["negative_prompt"]] * len(orders)
        return self._known(wanted)

    def _sourced(self, pictures: list[Image.Image], asked: Size) -> dict[str, Any]:
        """Arguments of the sources. Raises WeightsError where the pipeline takes none, or wants one and there is none."""
        name = type(self.pipe).__name__
        if pictures and self.model.options.ip_adapter:
            return {"ip_adapter_image": pictures}
        if pictures and not self.calls.paints_edits(self.accepts):
            raise WeightsError(
                f"{self.field}: {name} takes no 'image', so the picture to edit, or the subject would be left out; name another pipeline for this task"
            )
        if not pictures and not self.calls.paints_text(self.accepts):
            raise WeightsError(
                f"{self.field}: {name} paints from a source picture, and a prompt has none; name another pipeline for this task"
            )
        if "width" not in self.accepts:
            pictures = [each if each.size == asked else each.resize(asked, Image.Resampling.LANCZOS) for each in pictures]
        return self.calls.sources(pictures) if pictures else {}

    def shared(self) -> dict[str, Any]:
        """Arguments of every call for a picture of the entry's size."""
        return self._settings(self.model)

    def _settings(self, model: DiffusersModel) -> dict[str, Any]:
        """Pipeline arguments shared by all orders of a size."""
        wanted: dict[str, Any] = self.calls.arguments(model, self.accepts, self.calls.distilled(self.pipe))
        if self.reader and self.reader.most and "max_sequence_length" in self.accepts:
            wanted["max_sequence_length"] = self.reader.most
        return wanted | model.call

    def _known(self, wanted: dict[str, Any]) -> dict[str, Any]:
        """The arguments the pipeline accepts. Raises WeightsError if it lacks one that affects the image."""
        for name in sorted(wanted.keys() - self.accepts.keys() - (self.calls.conveniences - self.model.call.keys())):
            raise WeightsError(
                f"{self.field}: {type(self.pipe).__name__} takes no {name!r}, so {name} {wanted[name]!r} would be left out; name another pipeline for this task"
            )
        return {name: value for name, value in wanted.items() if name in self.accepts}


def _unusual(model: DiffusersModel, form: Format, field: str) -> dict[str, Any]:
    """What decides a picture and is not there by default: contents of what options name, and the file's format."""
    options = model.options
    places = {
        "ip_adapter": options.ip_adapter and revision(beside(options.ip_adapter, f"{field}.options.ip_adapter")),
        "config": options.config and revision(configuration(options.config, f"{field}.options.config")),
        "format": None if form == "png" else form,
    }
    return {name: value for name, value in places.items() if value}
