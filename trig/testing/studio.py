"""HTTP server on 127.0.0.1 for tests of image APIs: a stub that paints like OpenAI's images API, and misbehaves where a prompt says so."""

import asyncio
from base64 import b64encode
from collections import Counter
from collections.abc import Mapping
from hashlib import blake2b
from typing import Any

from aiohttp import BodyPartReader, web

from trig.testing import factories

SIDE = 16


class Studio:
    """Stub of images/generations and images/edits. `faults`: part of a prompt → what happens to its requests."""

    def __init__(
        self, faults: Mapping[str, str] | None = None, key: str = "", knows: tuple[str, ...] = ("size", "seed", "quality")
    ) -> None:
        self.faults, self.key, self.knows = faults or {}, key, knows
        self.asked: Counter[str] = Counter()  # prompt → requests
        self.bodies: list[dict[str, Any]] = []
        self.sources: list[tuple[str, bytes]] = []  # media type and bytes
        self.headers: list[Mapping[str, str]] = []  # of files that were fetched
        self.busy = self.busiest = 0

    async def handle(self, request: web.Request) -> web.StreamResponse:
        if request.path.startswith("/files/"):
            return self.file(request)
        if self.key and request.headers.get("authorization") != f"Bearer {self.key}":
            return web.json_response({"error": {"message": "wrong key"}}, status=401)
        match request.path:
            case "/v1/models":
                return web.json_response({"object": "list", "data": [{"id": "stub", "object": "model"}]})
            case "/v1/images/generations":
                return await self.paint(await request.json(), request)
            case "/v1/images/edits":
                return await self.paint(await self.form(request), request)
        return web.json_response({"error": {"message": "there is no such thing"}}, status=404)

    async def form(self, request: web.Request) -> dict[str, Any]:
        """Fields of an edit; its picture goes to `sources`."""
        found: dict[str, Any] = {}
        async for part in await request.multipart():
            assert isinstance(part, BodyPartReader)
            content = bytes(await part.read())
            if part.name and part.name.startswith("image"):
                self.sources.append((part.headers["content-type"], content))
            else:
                found[str(part.name)] = content.decode()
        return found

    async def paint(self, body: dict[str, Any], request: web.Request) -> web.StreamResponse:
        self.busy += 1
        self.busiest = max(self.busiest, self.busy)
        try:
            await asyncio.sleep(0.02)
            return await self.answer(body, request)
        finally:
            self.busy -= 1

    async def answer(self, body: dict[str, Any], request: web.Request) -> web.StreamResponse:
        prompt = str(body["prompt"])
        self.asked[prompt] += 1
        self.bodies.append(body)
        if strange := [name for name in body if name not in {"model", "prompt", "n", *self.knows}]:
            return _error(400, f"Unknown parameter: '{strange[0]}'.", "unknown_parameter", strange[0])
        fault = next((fault for part, fault in self.faults.items() if part in prompt), "")
        match fault:
            case "refuse":
                return _error(400, f"Your request was rejected: {prompt}", "moderation_blocked", None)
            case "throttle" if self.asked[prompt] < 3:
                return web.json_response({"error": {"code": "rate_limit_exceeded"}}, status=429, headers={"Retry-After": "0.05"})
            case "time out":
                await asyncio.sleep(60)
            case "fail":
                return web.Response(status=500, text="<html>oops</html>", content_type="text/html")
        return web.json_response({"created": 0, "data": self.shown(prompt, fault, request)})

    def shown(self, prompt: str, fault: str, request: web.Request) -> list[dict[str, str]]:
        """Pictures of an answer, spoilt or not."""
        picture = factories.png(int.from_bytes(blake2b(prompt.encode(), digest_size=2).digest()), SIDE, SIDE)
        kind, _, place = fault.partition(" ")
        match kind:
            case "damage":
                picture = picture[:100]
            case "garble":
                return [{"b64_json": "no base64!"}]
            case "nothing":
                return []
            case "size":
                picture = factories.png(1, 2 * SIDE, SIDE)
            case "url":
                return [{"url": place or f"http://{request.host}/files/{self.asked[prompt]}/{SIDE}.png"}]
        return [{"b64_json": b64encode(picture).decode()}]

    def file(self, request: web.Request) -> web.StreamResponse:
        """A picture at an address of its own."""
        self.headers.append(dict(request.headers))
        match request.path.rpartition("/")[2]:
            case "moved.png":
                return web.Response(status=302, headers={"Location": f"/files/1/{SIDE}.png"})
            case "large.png":
                return web.Response(body=bytes(70 * 2**20))
            case "gone.png":
                return web.Response(status=404)
        return web.Response(body=factories.png(3, SIDE, SIDE), content_type="image/png")


def _error(status: int, message: str, code: str, field: str | None) -> web.Response:
    told = {"message": message, "code": code, "type": "image_generation_user_error", "param": field}
    return web.json_response({"error": told}, status=status)
