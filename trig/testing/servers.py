"""HTTP servers on 127.0.0.1 for tests of served judges: a stub that answers like vLLM, and a fault-injecting proxy."""

import asyncio
import json
import random
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from hashlib import blake2b
from math import log
from typing import Any, Protocol

from aiohttp import ClientSession, web


class Server(Protocol):
    """A server's request handler."""

    async def handle(self, request: web.Request) -> web.StreamResponse: ...


WORDS = {"Bad": 1, "Medium": 2, "Good": 3, " Good": 4}


@contextmanager
def running(server: Server, port: int = 0) -> Iterator[str]:
    """Serves on a thread; yields the address, such as http://127.0.0.1:4711."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()

    async def start() -> tuple[web.AppRunner, int]:
        app = web.Application(client_max_size=2**26)
        app.router.add_route("*", "/{path:.*}", server.handle)
        runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", port)
        await site.start()
        return runner, runner.addresses[0][1]

    async def stop(runner: web.AppRunner) -> None:
        await runner.cleanup()
        # A last connection may still be being accepted: wait until it can be closed, else its socket leaks.
        await asyncio.sleep(0.05)
        left = asyncio.all_tasks() - {asyncio.current_task()}
        for task in left:
            task.cancel()
        await asyncio.gather(*left, return_exceptions=True)
        await asyncio.sleep(0.05)  # lets closed connections run their callbacks

    runner, taken = asyncio.run_coroutine_threadsafe(start(), loop).result(10)
    try:
        yield f"http://127.0.0.1:{taken}"
    finally:
        asyncio.run_coroutine_threadsafe(stop(runner), loop).result(10)
        loop.call_soon_threadsafe(loop.stop)
        thread.join(10)
        loop.close()


class Stub:
    """Stub that answers like vLLM; equal questions have equal probabilities.

    `knows` are the vLLM extensions it supports; beyond `room` concurrent questions, each taking `seconds`, it answers 429.
    """

    def __init__(
        self, knows: tuple[str, ...] = ("tokenize", "logprob_token_ids", "logprobs"), key: str = "", room: int = 1000, seconds: float = 0.0
    ) -> None:
        self.knows, self.key, self.room, self.seconds = knows, key, room, seconds
        self.asked: Counter[str] = Counter()
        self.busy = self.busiest = 0

    @property
    def pictured(self) -> int:
        """Number of questions with a picture so far."""
        return sum(count for content, count in self.asked.items() if "image_url" in content)

    async def handle(self, request: web.Request) -> web.StreamResponse:
        if self.key and request.headers.get("authorization") != f"Bearer {self.key}":
            return web.json_response({"error": {"message": f"wrong key {request.headers.get('authorization')}"}}, status=401)
        match request.path:
            case "/v1/models":
                return web.json_response({"object": "list", "data": [{"id": "stub", "object": "model", "created": 0, "owned_by": "tests"}]})
            case "/version":
                return web.json_response({"version": "0.0.1"})
            case "/tokenize" if "tokenize" in self.knows:
                text = (await request.json())["prompt"]
                return web.json_response({"tokens": [WORDS[text]] if text in WORDS else [90, 91]})
            case "/v1/chat/completions":
                return await self.in_turn(await request.json())
        return web.json_response({"error": {"message": "there is no such thing"}}, status=404)

    async def in_turn(self, body: dict[str, Any]) -> web.Response:
        self.busy += 1
        self.busiest = max(self.busiest, self.busy)
        try:
            await asyncio.sleep(self.seconds)
            return web.Response(status=429) if self.busy > self.room else self.complete(body)
        finally:
            self.busy -= 1

    def complete(self, body: dict[str, Any]) -> web.Response:
        if "logprob_token_ids" in body and "logprob_token_ids" not in self.knows:
            return web.json_response({"error": {"message": "Unrecognized request argument"}}, status=400)
        content = body["messages"][0]["content"]
        self.asked[json.dumps(content)] += 1
        if "refuse this" in content[-1]["text"]:
            return web.json_response({"error": {"message": f"not allowed: {content[-1]['text']}"}}, status=400)
        if body.get("n"):
            return self.sample(body["n"], random.Random(f"{body['seed']}{content}"))
        if "logprobs" not in self.knows:
            return web.json_response({"error": {"message": "logprobs are not supported"}}, status=400)
        shares = {name: 1 + blake2b(f"{name}{content}".encode(), digest_size=1).digest()[0] for name in WORDS}
        names = {f"token_id:{token}" if "logprob_token_ids" in body else word: word for word, token in WORDS.items()}
        asked = [name for name in names if "logprob_token_ids" not in body or int(name.partition(":")[2]) in body["logprob_token_ids"]]
        logprobs = [{"token": name, "logprob": log(0.9 * shares[names[name]] / sum(shares.values())), "bytes": None} for name in asked]
        first = {**logprobs[0], "top_logprobs": logprobs}
        choice = {"index": 0, "message": {"role": "assistant", "content": "x"}, "finish_reason": "length", "logprobs": {"content": [first]}}
        return self.said([choice])

    def sample(self, count: int, dice: random.Random) -> web.Response:
        """Limited to four concurrent questions; some answers have reasoning text, some no grade."""
        texts = dice.choices(["Good.", "<think>Bad?</think>\n medium", "bad", "I cannot tell"], [4, 3, 2, 1], k=min(count, 4))
        return self.said(
            [
                {"index": index, "message": {"role": "assistant", "content": text}, "finish_reason": "stop"}
                for index, text in enumerate(texts)
            ]
        )

    @staticmethod
    def said(choices: list[dict[str, Any]]) -> web.Response:
        usage = {"prompt_tokens": 50, "completion_tokens": 1, "total_tokens": 51, "prompt_tokens_details": {"cached_tokens": 32}}
        answer = {"id": "1", "object": "chat.completion", "created": 0, "model": "stub", "choices": choices, "usage": usage}
        return web.json_response(answer)


class Spoiler:
    """Proxy that injects one of eight faults into a share of the answers, one being a delay of `late` seconds."""

    WAYS = ("429", "500", "hang up", "cut", "garble", "delay", "no logprobs", "nan")

    def __init__(self, behind: str, share: float, late: float, seed: int = 1) -> None:
        self.behind, self.share, self.late, self.dice = behind, share, late, random.Random(seed)
        self.spoilt: Counter[str] = Counter()

    async def handle(self, request: web.Request) -> web.StreamResponse:
        async with (
            ClientSession() as session,
            session.request(
                request.method, self.behind + request.path, data=await request.read(), headers={"content-type": "application/json"}
            ) as answer,
        ):
            body, status = await answer.read(), answer.status
        way = self.dice.choice(self.WAYS) if "completions" in request.path and self.dice.random() < self.share else ""
        self.spoilt[way] += 1
        return await self.spoil(way, request, body, status)

    async def spoil(self, way: str, request: web.Request, body: bytes, status: int) -> web.StreamResponse:
        match way:
            case "429":
                return web.Response(status=429, headers={"Retry-After": "0.05"})
            case "500":
                return web.Response(status=500, body=b"<html>oops</html>")
            case "hang up":
                assert request.transport is not None
                request.transport.close()
            case "cut":
                cut = web.StreamResponse(headers={"content-length": str(len(body)), "content-type": "application/json"})
                await cut.prepare(request)
                await cut.write(body[: len(body) // 2])
                assert request.transport is not None
                request.transport.close()
                return cut
            case "garble":
                body = bytes(self.dice.sample(list(body), len(body)))
            case "delay":
                await asyncio.sleep(self.late)
            case "no logprobs":
                body = body.replace(b'"logprobs"', b'"nothing"')
            case "nan":
                body = body.replace(b'"logprob": -', b'"logprob": 1')
        return web.Response(body=body, status=status, content_type="application/json")
