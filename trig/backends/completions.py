"""What a judge's server is sent, and how its answer is read."""

from base64 import b64encode
from collections import Counter
from collections.abc import Mapping, Sequence
from hashlib import blake2b
from math import exp, inf, log
from typing import Any

import openai

from trig.errors import LabelError
from trig.pictures import FORMATS, decoded, opened, plain, png
from trig.protocols import Answer, Labels, Mode, Question, Refusal

TOP = 20
"""The most likely tokens a server names when it cannot be asked for others: OpenAI's own limit."""
LONGEST = 2048
"""Tokens of a sampled answer, thoughts included."""
LIKELY, SHORTEST = log(0.01), 3
"""A token as likely and as long as this that begins a grade is the beginning of that grade."""
MALFORMED = (openai.APIResponseValidationError, ValueError, TypeError, AttributeError, LookupError)
"""What reading an answer of another shape raises."""


def shown(file: bytes) -> str | Refusal:
    """A picture as a data URL, as it is where every reader shows the same pixels of it, else as a PNG of those that a viewer shows.

    A refusal when it cannot be decoded, which no server needs to be asked about.
    """
    picture = decoded(file)
    if isinstance(picture, Refusal):
        return picture
    kind, sent = (str(opened(file).format), file) if plain(file) else ("PNG", png(picture))
    return f"data:{FORMATS[kind]};base64,{b64encode(sent).decode()}"


def request(
    model: str, text: str, pictures: Sequence[str], labels: Labels, mode: Mode, longest: int = LONGEST, thinks: bool = False
) -> dict[str, Any]:
    """The body of a question whose pictures are data URLs: pictures first, in order, then the text.

    `longest` bounds a sampled answer, in tokens; `thinks` says that the server takes vLLM's own settings, so that thoughts can be switched off.
    """
    content = [*({"type": "image_url", "image_url": {"url": url}} for url in pictures), {"type": "text", "text": text}]
    body: dict[str, Any] = {"model": model, "messages": [{"role": "user", "content": content}]}
    if mode == "sampled":
        return body | {"max_completion_tokens": longest, "temperature": 1}
    body |= {"max_completion_tokens": 1, "temperature": 0, "logprobs": True}
    calm = {"chat_template_kwargs": {"enable_thinking": False}}  # a template that does not think does not look at it
    if mode == "top":
        return body | {"top_logprobs": labels.top or TOP} | ({"extra_body": calm} if thinks else {})
    assert labels.ids is not None
    return body | {
        "extra_body": {
            "logprob_token_ids": [token for spellings in labels.ids for token in spellings],
            "return_tokens_as_token_ids": True,
            **calm,
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
        if not labels.words:
            _check_whole(labels, named)
        grades = [[logprob for token, logprob in named.items() if _means(labels, place, token)] for place in range(len(labels.grades))]
    return Answer(tuple(map(_sum, grades)), mode, None, *_tokens(completion))


def _check_whole(labels: Labels, named: Mapping[str, float]) -> None:
    """Raises LabelError when a likely token is the beginning of a grade: the grade is several tokens, and its own probability is not told."""
    grades = [grade.strip().casefold() for grade in labels.grades]
    for token, logprob in named.items():
        word = token.strip().casefold()
        for grade in grades:
            if logprob > LIKELY and len(word) >= SHORTEST and word not in grades and grade.startswith(word):
                raise LabelError(
                    f"params.yaml: judge.scale: {grade!r} is several tokens for this judge, which begins it with {token.strip()!r};"
                    f" choose a grade that is one token"
                )


def count(completions: Sequence[Any], labels: Labels) -> Answer:
    """The share of each grade among sampled answers that begin with it, after any thoughts; an answer that was cut off has none."""
    said = [choice for completion in completions for choice in completion.choices]
    found = Counter(None if choice.finish_reason == "length" else _begins(labels, choice.message.content or "") for choice in said)
    shares = [log(found[place] / len(said)) if found[place] else -inf for place in range(len(labels.grades))]
    return Answer(tuple(shares), "sampled", len(said), *_tokens(completions[0]))


def _begins(labels: Labels, text: str) -> int | None:
    """The place of the grade that a text begins with, after any thoughts."""
    answer = text.rpartition("</think>")[2].strip(" \n\t*\"'`").casefold()
    for place, grade in enumerate(labels.grades):
        word = grade.strip().casefold()
        if answer.startswith(word) and not answer[len(word) : len(word) + 1].isalnum():
            return place
    return None


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
