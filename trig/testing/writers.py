"""A chat server that answers with JSON, and often enough with something else, for tests of annotators."""

import asyncio
import json
from collections import Counter
from collections.abc import Mapping
from hashlib import blake2b
from typing import Any

from aiohttp import web

from trig.testing.servers import Stub

WAYS = (*["malformed"] * 20, *["refused"] * 10, *["slow"] * 10, *["blank"] * 5)
"""What goes wrong, in per cent of the questions: the first attempt of a malformed one, and its repair too for every other."""


class Writer(Stub):
    """Answers each question as its JSON schema says; the same question always in the same way."""

    def __init__(
        self, takes: tuple[str, ...] = ("json_schema", "json_object"), faulty: bool = False, seconds: float = 0.0, slow: float = 0.3
    ) -> None:
        """`takes`: response formats that it does not answer with HTTP 400."""
        super().__init__(seconds=seconds)
        self.takes, self.faulty, self.slow = takes, faulty, slow
        self.bodies: list[dict[str, Any]] = []
        self.settled: Counter[str] = Counter()  # questions answered or refused, repairs apart

    @property
    def formats(self) -> set[str]:
        """Response formats that were asked for."""
        return {body["response_format"]["type"] for body in self.bodies if "response_format" in body}

    async def in_turn(self, body: dict[str, Any]) -> web.Response:
        if body.get("response_format", {"type": "text"})["type"] not in ("text", *self.takes):
            self.bodies.append(body)
            return web.json_response({"error": {"message": "This response_format type is unavailable now"}}, status=400)
        if self.way(body) == "slow":
            await asyncio.sleep(self.slow)
        return await super().in_turn(body)

    def way(self, body: Mapping[str, Any]) -> str:
        """How this question goes wrong; empty for well."""
        return self.dealt(body) if self.faulty else ""

    @staticmethod
    def dealt(body: Mapping[str, Any]) -> str:
        """One of WAYS by the question's hash, in 45 of 100 cases."""
        place = int.from_bytes(blake2b(text(body).encode(), digest_size=4).digest()) % 100
        return WAYS[place] if place < len(WAYS) else ""

    def complete(self, body: dict[str, Any]) -> web.Response:
        self.bodies.append(body)
        question, first = text(body), len(body["messages"]) == 2
        self.settled[question] += first
        way = self.way(body)
        if way == "refused":
            return self.told("", refusal="I would rather not.")
        if way == "blank" and self.settled[question] == 1:
            return self.told(" \n ")
        if way == "malformed" and (first or len(question) % 2):
            return self.told('Here you are:\n```json\n{"prompt": ')
        return self.told(f"```json\n{json.dumps(self.answer(question))}\n```")

    def answer(self, question: str) -> Any:
        """A valid answer."""
        return invented(stated(question), blake2b(question.encode(), digest_size=4).hexdigest())

    def told(self, content: str, finish: str = "stop", refusal: str | None = None) -> web.Response:
        """A completion with this content."""
        message = {"role": "assistant", "content": content or None, "refusal": refusal}
        return self.said([{"index": 0, "message": message, "finish_reason": finish}])


def text(body: Mapping[str, Any]) -> str:
    """The text of a request's question, without its pictures."""
    content = body["messages"][1]["content"]
    return str(content if isinstance(content, str) else content[-1]["text"])


def stated(question: str) -> Any:
    """The JSON schema that stands in a question."""
    return next(json.loads(line) for line in question.splitlines() if line.startswith('{"') and '"properties"' in line)


def invented(schema: Mapping[str, Any], word: str, root: Mapping[str, Any] | None = None) -> Any:
    """A value that follows a JSON schema; texts hold the word."""
    root = root or schema
    if "$ref" in schema:
        return invented(root["$defs"][schema["$ref"].rpartition("/")[2]], word, root)
    if "anyOf" in schema:
        return invented(schema["anyOf"][0], word, root)
    if "enum" in schema:
        return schema["enum"][0]
    match schema["type"]:
        case "object":
            return {name: invented(part, word, root) for name, part in schema["properties"].items()}
        case "boolean":
            return True
        case _:
            return f"a grey cat {word}"
