"""Image generators behind servers that speak OpenAI's images API: OpenAI, and others with images/generations and images/edits."""

import asyncio
from base64 import b64decode
from collections.abc import Sequence
from functools import cached_property, partial
from typing import Any

import openai
from openai import AsyncOpenAI

from trig.backends.weights import stands_for
from trig.errors import PainterError, WeightsError
from trig.keys import content_key
from trig.llm.clients import FILTERED, Access
from trig.llm.contact import Contact
from trig.llm.endpoints import Crew
from trig.llm.fetch import fetched
from trig.llm.images import sent
from trig.llm.pool import Pool, persistently
from trig.llm.providers import presets
from trig.params.models.openai import ServedModel
from trig.pictures import decoded
from trig.protocols.generator import Order, Picture
from trig.protocols.refusal import Refusal

PAINTING = 1
"""Cache version: raise it when a change to requests or parsing can change pictures."""
SEED_BITS = 31
"""Servers take seeds of so many bits at least: the first of the order's 63."""
GONE = 32
"""Pictures in a row without an answer after which the server counts as gone."""


class Served:
    """A model behind one or several identical servers; contacted before the first picture only, if it is named. Satisfies `Generator`."""

    def __init__(self, name: str, model: ServedModel) -> None:
        self.model, self.field = model, f"params.yaml: models.{name}"
        self.unanswered = 0
        served = model.model or self.contact.model
        self.engine = f"{served} over the images API"
        call = model.decides() | {"model": served}
        self.revision = content_key(needs=stands_for(model, self.field), call=call, painting=PAINTING)

    @cached_property
    def access(self) -> Access:
        """Endpoints and key."""
        model = self.model
        return Access.of(self.field, model, model.endpoints, model.key, PainterError, presets()["custom"].spent)

    @cached_property
    def contact(self) -> Contact:
        """First contact."""
        return Contact(self.access, self.model.model)

    def generate(self, orders: Sequence[Order]) -> list[Picture | Refusal]:
        """A picture per order, asked for at once; of a spare one a Refusal, as servers know no batch.

        Raises PainterError where a person must mend something, WeightsError for a source it cannot take.
        """
        if not self.model.edits and any(order.source_image is not None for order in orders):
            raise WeightsError(
                f"{self.field}.edits: false, so the picture to edit, or the subject would be left out; set it to true if the server edits"
            )
        _ = self.contact  # blocks, so not in the event loop
        wanted = [order for order in orders if not order.spare]
        made = dict(Pool[Order, Picture](self.access, self._answer).ask(wanted, lambda _: None))
        places = iter(range(len(wanted)))
        return [Refusal("not asked for") if order.spare else made[next(places)] for order in orders]

    async def _answer(self, order: Order, crew: Crew) -> Picture | Refusal:
        source = await asyncio.to_thread(sent, order.source_image) if order.source_image is not None else None
        if isinstance(source, Refusal):
            return source
        once = partial(self._once, order=order, source=source)
        said = await persistently(crew, self.access, (), once, self.contact.refused)
        self.unanswered = self.unanswered + 1 if isinstance(said, Refusal) and not said.final else 0
        if self.unanswered >= GONE:
            raise PainterError(f"{self.field}.endpoints: no picture {GONE} times in a row, the last: {said}; mend the server and run again")
        return said

    async def _once(self, client: AsyncOpenAI, order: Order, source: tuple[str, bytes] | None) -> Picture | Refusal:
        model, further = self.contact.model, self._further(order)
        try:
            if source is None:
                answer = await client.images.generate(model=model, prompt=order.prompt, n=1, extra_body=further)
            else:
                kind, file = source
                shown = (f"source.{kind.partition('/')[2]}", file, kind)
                answer = await client.images.edit(image=shown, model=model, prompt=order.prompt, n=1, extra_body=further)
        except openai.NotFoundError as error:
            route = "generations" if source is None else "edits"
            raise PainterError(
                f"{self.field}.endpoints: {client.base_url}: HTTP 404 for images/{route} of {model}; correct the address, or the model's name"
            ) from error
        except (openai.BadRequestError, openai.UnprocessableEntityError) as error:
            if FILTERED & {str(error.code), str(error.type)}:
                return Refusal("the provider's content filter refused the prompt", final=True)
            self._taken(error)
            raise
        return await self._picture(answer, str(client.base_url))

    def _further(self, order: Order) -> dict[str, Any]:
        """Arguments beside the prompt."""
        seed = {"seed": order.seed >> (63 - SEED_BITS)} if self.model.seed else {}
        wanted = {"size": f"{self.model.width}x{self.model.height}", **self.model.call, **seed}
        return {name: value for name, value in wanted.items() if value is not None}

    def _taken(self, error: openai.APIStatusError) -> None:
        """Raises PainterError for an argument that the server does not take: no other picture would escape it."""
        named = str(error.param)
        if named in {"size", "seed", "model", *self.model.call}:
            where = "seed" if named == "seed" else "model" if named == "model" else "call"
            raise PainterError(
                f"{self.field}.{where}: {self.contact.model} does not take the {named} it is asked for (HTTP {error.status_code}); set another"
            )

    async def _picture(self, answer: Any, endpoint: str) -> Picture | Refusal:
        """The picture of an answer. Raises one of MALFORMED for an answer of another shape."""
        shown = answer.data[0]
        if text := shown.b64_json:
            try:
                file: bytes | Refusal = b64decode(text.rpartition(",")[2], validate=True)
            except ValueError:
                file = Refusal("the picture in the answer is no base64")
        elif isinstance(shown.url, str):
            file = await fetched(shown.url, endpoint, self.model.timeout)
        else:
            raise ValueError("an answer without a picture")
        return file if isinstance(file, Refusal) else await asyncio.to_thread(self._checked, file)

    def _checked(self, file: bytes) -> Picture | Refusal:
        """A picture that decodes, in the entry's size. A damaged one may come whole another time; another size is asked for again and again."""
        picture = decoded(file)
        if isinstance(picture, Refusal):
            return Refusal(f"damaged in the answer: {picture.reason}")
        if picture.size != (self.model.width, self.model.height):
            return Refusal(
                f"{picture.width} × {picture.height} pixels, where {self.model.width} × {self.model.height} were asked for", final=True
            )
        return Picture(file)
