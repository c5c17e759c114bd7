"""What a judge's server is sent, and how its answer is read."""

from base64 import b64encode
from collections import Counter
from collections.abc import Sequence
from functools import lru_cache
from hashlib import blake2b
from io import BytesIO
from math import exp, inf, log
from typing import Any

import openai
from PIL import Image, UnidentifiedImageError

from trig.protocols import Answer, Labels, Mode, Question, Refusal

TOP = 20
"""The most likely tokens a server names when it cannot be asked for others: OpenAI's own limit."""
LONGEST = 2048
"""Tokens of a sampled answer, thoughts included."""
MALFORMED = (openai.APIResponseValidationError, ValueError, TypeError, AttributeError, LookupError)
"""What reading an answer of another shape raises."""
SEEN = 64
"""Pictures kept ready to send: questions about one stand side by side."""
FORMATS = {"PNG": "image/png", "JPEG": "image/jpeg", "WEBP": "image/webp"}


@lru_cache(SEEN)
def shown(file: bytes) -> str | Refusal:
    """A picture as a data URL; a refusal when it cannot be decoded, which no server needs to be asked about."""
    try:
        picture = Image.open(BytesIO(file), formats=tuple(FORMATS))
        picture.load()
    except (UnidentifiedImageError, Image.DecompressionBombError, OSError, SyntaxError, ValueError) as error:
        return Refusal(f"the picture cannot be decoded ({type(error).__name__})", final=True)
    return f"data:{FORMATS[str(picture.format)]};base64,{b64encode(file).decode()}"


def request(model: str, text: str, pictures: Sequence[str], labels: Labels, mode: Mode) -> dict[str, Any]:
    """The body of a question whose pictures are data URLs: pictures first, in order, then the text."""
    content = [*({"type": "image_url", "image_url": {"url": url}} for url in pictures), {"type": "text", "text": text}]
    body: dict[str, Any] = {"model": model, "messages": [{"role": "user", "content": content}]}
    if mode == "sampled":
        return body | {"max_completion_tokens": LONGEST, "temperature": 1}
    body |= {"max_completion_tokens": 1, "temperature": 0, "logprobs": True}
    if mode == "top":
        return body | {"top_logprobs": labels.top or TOP}
    assert labels.ids is not None
    return body | {
        "extra_body": {
            "logprob_token_ids": [token for spellings in labels.ids for token in spellings],
            "return_tokens_as_token_ids": True,
            "chat_template_kwargs": {"enable_thinking": False},  # a template that does not think does not look at it
        }
    }


def seed(question: Question, number: int) -> int:
    """A seed for the `number`-th request of a question's samples, 0 to 2**31 - 1: of the question itself, so that a second run asks the same."""
    parts = b"".join(blake2b(part, digest_size=16).digest() for part in (*question.images, question.text.encode(), str(number).encode()))
    return int.from_bytes(blake2b(parts, digest_size=4).digest(), "big") >> 1


def read(completion: Any, labels: Labels, mode: Mode) -> Answer:
    """The answer in a completion. Raises one of MALFORMED when it is not in there, whole."""
    (first, *_) = completion.choices[0].logprobs.content
    named = {str(each.token): float(each.logprob) for each in first.top_logprobs}
    if any(logprob != logprob or logprob > 1e-3 for logprob in named.values()):
        raise ValueError("a log-probability is no number ≤ 0")
    if mode == "exact":
        assert labels.ids is not None
        grades = [[named[f"token_id:{token}"] for token in spellings] for spellings in labels.ids]
    else:
        grades = [[logprob for token, logprob in named.items() if _means(labels, place, token)] for place in range(len(labels.grades))]
    return Answer(tuple(map(_sum, grades)), mode, None, *_tokens(completion))


def count(completions: Sequence[Any], labels: Labels) -> Answer:
    """The share of each grade among sampled answers: the first word after any thoughts. Raises one of MALFORMED when an answer is not text."""
    said = [choice.message.content or "" for completion in completions for choice in completion.choices]
    words = [text.rpartition("</think>")[2].split()[:1] for text in said]
    found = Counter(
        next((place for place in range(len(labels.grades)) if word and _means(labels, place, word[0].strip(".,:;!*\"'`"))), None)
        for word in words
    )
    shares = [log(found[place] / len(said)) if found[place] else -inf for place in range(len(labels.grades))]
    return Answer(tuple(shares), "sampled", len(said), *_tokens(completions[0]))


def _means(labels: Labels, place: int, token: str) -> bool:
    """Whether a token's text means the grade."""
    if labels.words:
        return token in labels.words[place]
    return token.strip().casefold() == labels.grades[place].strip().casefold()


def _tokens(completion: Any) -> tuple[int | None, int | None]:
    usage = getattr(completion, "usage", None)
    details = getattr(usage, "prompt_tokens_details", None)
    return getattr(usage, "prompt_tokens", None), getattr(details, "cached_tokens", None)


def _sum(logprobs: Sequence[float]) -> float:
    """The logarithm of the sum of probabilities."""
    most = max(logprobs, default=-inf)
    return most if most == -inf else min(0.0, most + log(sum(exp(each - most) for each in logprobs)))
