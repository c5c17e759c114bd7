"""Readers of servers' answers: a socket on 127.0.0.1 answers with the bytes of a file, whatever they are."""

import json
import socket
import threading
from base64 import b64encode
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path
from typing import Any
from unittest.mock import patch

from benchmarks.fuzz.reader import Reader
from trig.annotate.shapes import Recovered, Seen, Written
from trig.backends.annotators.openai import Served as Annotator
from trig.backends.judges.openai import Served as Judge
from trig.backends.painters.openai import Served as Painter
from trig.params.annotators import AnnotatorModel
from trig.params.judge import ServedJudge
from trig.params.models.openai import ServedModel
from trig.protocols.annotator import Ask
from trig.protocols.generator import Order
from trig.protocols.judge import Answer, Labels, Question
from trig.protocols.refusal import Refusal
from trig.testing import factories

HEAD = "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\nconnection: close\r\n\r\n"
LIMIT = 0.6
"""Seconds that a client waits for an answer: nothing here takes longer that is sound."""
ROUTES = {
    "/models": "models",
    "/version": "version",
    "/tokenize": "tokenize",
    "/completions": "chat",
    "/generations": "images",
    "/edits": "images",
    "/files/": "file",
}
"""Which file answers, by a part of the request's path."""
REMOTE = {"concurrency": 4, "timeout": LIMIT, "retries": 1, "price": None, "key": None}
LABELS = Labels(("Bad", "Medium", "Good"), ((1,), (2,), (3, 4)))


class Answers:
    """A server that answers each request with a file of a folder, closes the connection, and waits for nobody."""

    def __init__(self, place: Path) -> None:
        self.place, self.socket = place, socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self.socket.getsockname()[1]}"
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self) -> None:
        with suppress(OSError):
            while True:
                connection, _ = self.socket.accept()
                threading.Thread(target=self._answer, args=(connection,), daemon=True).start()

    def _answer(self, connection: socket.socket) -> None:
        with connection, suppress(OSError, ValueError):
            connection.settimeout(LIMIT)
            asked = b""
            while b"\r\n\r\n" not in asked:
                if not (piece := connection.recv(65_536)):
                    return
                asked += piece
            head, _, body = asked.partition(b"\r\n\r\n")
            length = next((int(line.split(b":")[1]) for line in head.lower().split(b"\r\n") if line.startswith(b"content-length")), 0)
            while len(body) < length and (piece := connection.recv(65_536)):
                body += piece
            path = head.split(b" ")[1].decode()
            connection.sendall(self._file(next((name for part, name in ROUTES.items() if part in path), "none")))

    def _file(self, name: str) -> bytes:
        file = self.place / ("file.answer" if name == "file" else f"{name}.http")
        return (
            file.read_bytes().replace(b"http://HERE", self.url.encode())
            if file.is_file()
            else b"HTTP/1.1 404 Not Found\r\ncontent-length: 0\r\n\r\n"
        )

    def close(self) -> None:
        self.socket.close()


@contextmanager
def _serving(given: Path) -> Iterator[str]:
    """The server, with the product's waits between tries left out."""
    answers = Answers(given)
    places = ("trig.llm.contact.delay", "trig.llm.pool.delay", "trig.llm.fetch.delay")
    with patch(places[0], _none), patch(places[1], _none), patch(places[2], _none), patch("trig.llm.endpoints.LONGEST_WAIT", 0.01):
        try:
            yield f"{answers.url}/v1"
        finally:
            answers.close()


def _none(_: int) -> float:
    return 0.0


def _written(place: Path, **answers: object) -> None:
    for name, answer in answers.items():
        (place / f"{name}.http").write_text(HEAD + json.dumps(answer), "utf-8")


def _said(choice: dict[str, Any]) -> dict[str, Any]:
    usage = {"prompt_tokens": 50, "completion_tokens": 1, "total_tokens": 51, "prompt_tokens_details": {"cached_tokens": 32}}
    found = {"id": "1", "object": "chat.completion", "created": 0, "model": "stub", "system_fingerprint": "f", "usage": usage}
    return found | {"choices": [{"index": 0, "finish_reason": "stop", **choice}]}


def _chat(place: Path, content: str, **more: object) -> None:
    models = {"object": "list", "data": [{"id": "stub", "object": "model", "created": 0, "max_model_len": 4096}]}
    _written(
        place,
        models=models,
        version={"version": "0.9.1"},
        tokenize={"tokens": [3]},
        chat=_said({"message": {"role": "assistant", "content": content}, **more}),
    )


def _logprobs(place: Path) -> None:
    exact = [{"token": f"token_id:{number}", "logprob": -number / 2, "bytes": None} for number in (1, 2, 3, 4)]
    words = [{"token": word, "logprob": -1.5, "bytes": list(word.encode())} for word in ("Bad", "Medium", "Good", " Good")]
    _chat(place, "Good", logprobs={"content": [{**exact[0], "top_logprobs": [*exact, *words]}]})


def _judge(given: Path, _: Path, samples: int | None) -> None:
    with _serving(given) as url:
        entry = ServedJudge.model_validate(
            {
                **REMOTE,
                "backend": "openai",
                "extends": None,
                "weights": None,
                "serve": [],
                "needs": "params.yaml",
                "endpoints": [url],
                "model": None,
            }
        )
        judge = Judge("x", entry, samples)
        question = Question(factories.png(1), "a red ball", "Is it good? Bad, Medium or Good")
        for _place, said in judge.ask([question], LABELS):
            if isinstance(said, Answer):
                assert len(said.logprobs) == 3 and all(each <= 0 for each in said.logprobs), said
            else:
                assert said.reason


def _annotate(given: Path, _: Path) -> None:
    with _serving(given) as url:
        entry = AnnotatorModel.model_validate(
            {**REMOTE, "provider": "vllm", "model": None, "endpoints": [url], "temperature": 0.8, "seed": 1, "longest": 100,
             "max_failures": 9, "max_unanswered": 9, "overrides": {}}
        )  # fmt: skip
        asks = [Ask("You write.", "Write.", shape) for shape in (Written, Seen, Recovered)]
        for _place, said in Annotator("x", entry).ask(asks):
            assert not isinstance(said, Refusal) or said.reason


def _pictures(place: Path) -> None:
    models = {"object": "list", "data": [{"id": "stub", "object": "model"}]}
    shown = {"b64_json": b64encode(factories.png(1, 16, 16)).decode()}
    _written(place, models=models, images={"created": 0, "data": [shown]})
    (place / "address").mkdir()
    _written(place / "address", models=models, images={"created": 0, "data": [{"url": "http://HERE/files/1.png"}]})
    (place / "address/file.answer").write_bytes(HEAD.replace("application/json", "image/png").encode() + factories.png(2, 16, 16))


def _paint(given: Path, _: Path) -> None:
    """A picture in the answer, and one behind an address in it."""
    for place in (given, given / "address"):
        with _serving(place) as url:
            own = {
                "backend": "openai",
                "extends": None,
                "needs": "params.yaml",
                "endpoints": [url],
                "model": "stub",
                "edits": True,
                "seed": True,
            }
            entry = ServedModel.model_validate({**REMOTE, **own, "call": {}, "width": 16, "height": 16})
            for order in (Order("a ball", 1), Order("a ball", 1, factories.png(3, 16, 16))):
                (made,) = Painter("x", entry).generate([order])
                assert not isinstance(made, Refusal) or made.reason


READERS = (
    Reader("judge-logprobs", 500, _logprobs, partial(_judge, samples=None)),
    Reader("judge-samples", 200, partial(_chat, content="<think>Hm.</think> **Score:** Good"), partial(_judge, samples=3)),
    Reader("annotator", 300, partial(_chat, content='{"prompt": "A grey cat asleep on a wall."}'), _annotate),
    Reader("image-api", 200, _pictures, _paint),
)
