"""Chat completion requests to a judge's server, and parsing of its responses."""

import re
from collections import Counter
from collections.abc import Collection, Sequence
from hashlib import blake2b
from math import exp, inf, log
from typing import Any

from trig.errors import LabelError
from trig.protocols.judge import Answer, Labels, Mode, Question

TOP = 20
"""Default `top_logprobs`: OpenAI's maximum."""
LONGEST = 2048
"""Output-token limit of a sampled answer, reasoning included."""
LIMITS = ("max_completion_tokens", "max_tokens")
"""Parameter names of the output-token limit: the current one, and the legacy one of older servers."""
EMPHASIS = re.compile(r"(?<!\w)(\*\*|__|\*|_|`)(?=\S)(.+?)(?<=\S)\1(?!\w)")
"""Markdown emphasis around a word."""
BOXED, TAG = re.compile(r"\$?\\boxed\{([^{}]*)\}\$?"), re.compile(r"</?[a-z]+>")
OPENING = re.compile(r"[\"'“”‘’«»{(\[#*_`\s]|[-–•](?=\s)")
"""Prefix stripped before an answer: quotes, brackets, a heading or list marker."""
LABEL = re.compile(
    r"(?:(?:my|the|your|its|final|overall|total)\s+)*"
    r"(?:(?:score|rating|grade|answer|verdict|quality|judge?ment|evaluation)(?![^\W_])[\"'*_`]*\s*)+(?:\([^()]*\)\s*)?(?:(?:is|of)\b\s*)?(?:[:=]|[-–—](?=\s))?"
)
"""Label before a grade, such as `Final score:`."""
OUT_OF = re.compile(r"[\s,;(]*(?:stars?|points?)?\s*(?:/|out of|of|on a scale (?:of|from)\s*\d+\s*(?:to|[-–—]))\s*(\d+)")
ALTERNATIVE = re.compile(
    r"(?:\s*(?:[,;/|~…→(–—-]|\.{2,}|[=-]?>|(?:or|to|and|maybe|perhaps|possibly|probably|even|rather|then)\b))+[\s\"'“‘(\[*_`]*"
)
"""Separator between alternative grades: a match makes the answer ambiguous."""
NUMBER, NO_WHOLE = re.compile(r"\d"), re.compile(r"[.,·:]?\d|\w|[%+½]|\s*(?:\d+\s*/|½|(?:and\s+)?(?:a|one)\s+half\b|and\s+½)")
"""A number; a continuation that makes the digits before it part of a longer, fractional or percentage number."""
LETTER, NO_LETTER = re.compile(r"[^\W\d_]"), re.compile(r"[+#*−]|-(?!\s)")
"""Letter grade; a suffix that makes it another grade, such as A-."""
WORDS, GOES_ON = {"a", "i"}, re.compile(r"\s+\w")
"""Grades that are also English words; a sentence continuing after one."""
LIKELY, SHORTEST = log(0.01), 3
"""Minimum log-probability (nats) and length (characters) of a token that counts as the prefix of a multi-token grade."""


def request(
    model: str,
    text: str,
    pictures: Sequence[str],
    labels: Labels,
    mode: Mode,
    longest: int = LONGEST,
    thinks: bool = False,
    limit: str = LIMITS[0],
) -> dict[str, Any]:
    """Request body of a chat completion: images (data URLs) first, in order, then the text.

    `longest`: output-token limit of a sampled answer; `limit`: its parameter name; `thinks`: the server takes vLLM's switch for reasoning.
    """
    content = [*({"type": "image_url", "image_url": {"url": url}} for url in pictures), {"type": "text", "text": text}]
    body: dict[str, Any] = {"model": model, "messages": [{"role": "user", "content": content}]}
    if mode == "sampled":
        return body | {limit: longest, "temperature": 1}
    body |= {limit: 1, "temperature": 0, "logprobs": True}
    calm = {"chat_template_kwargs": {"enable_thinking": False}}  # ignored by templates without reasoning
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
    """Sampling seed of a question's `number`-th request, 0 to 2**31 - 1; derived from the question, so reruns are reproducible."""
    parts = b"".join(blake2b(part, digest_size=16).digest() for part in (*question.images, question.text.encode(), str(number).encode()))
    return int.from_bytes(blake2b(parts, digest_size=4).digest(), "big") >> 1


def read(completion: Any, labels: Labels, mode: Mode) -> Answer:
    """Parse the logprobs of a completion. Raises one of MALFORMED if they are incomplete."""
    (first, *_) = completion.choices[0].logprobs.content
    named = ((str(each.token), str(getattr(each, "bytes", None)), float(each.logprob)) for each in first.top_logprobs)
    told = list(dict.fromkeys(named))  # deduplicated; distinct tokens with equal text both count
    if any(logprob != logprob or logprob > 1e-3 for *_, logprob in told):
        raise ValueError("a log-probability is no number ≤ 0")
    if mode == "exact":
        assert labels.ids is not None
        by_id = {token: logprob for token, _, logprob in reversed(told)}
        grades = [[by_id[f"token_id:{token}"] for token in spellings] for spellings in labels.ids]
    else:
        if not labels.words:
            _check_whole(labels, told)
        grades = [[logprob for token, _, logprob in told if _means(labels, index, token)] for index in range(len(labels.grades))]
    return Answer(tuple(map(_sum, grades)), mode, None, *_tokens(completion))


def _check_whole(labels: Labels, told: Collection[tuple[str, str, float]]) -> None:
    """Raises LabelError when a likely token is a prefix of a grade: the logprob of a multi-token grade is unknown."""
    grades = [grade.strip().casefold() for grade in labels.grades]
    for token, _, logprob in told:
        word = token.strip().casefold()
        for grade in grades:
            if logprob > LIKELY and len(word) >= SHORTEST and word not in grades and grade.startswith(word):
                raise LabelError(
                    f"params.yaml: judge.scale: {grade!r} is several tokens for this judge, which begins it with {token.strip()!r};"
                    f" choose a grade that is one token"
                )


def count(completions: Sequence[Any], labels: Labels) -> Answer:
    """Share of each grade among sampled answers, reasoning skipped; a truncated answer has no grade."""
    said = [choice for completion in completions for choice in completion.choices]
    found = Counter(None if choice.finish_reason == "length" else _begins(labels, choice.message.content or "") for choice in said)
    shares = [log(found[index] / len(said)) if found[index] else -inf for index in range(len(labels.grades))]
    return Answer(tuple(shares), "sampled", len(said), *_tokens(completions[0]))


def _begins(labels: Labels, text: str) -> int | None:
    """Index of the grade a text begins with, after reasoning and a label such as `Score:`; None if there is none or it is ambiguous."""
    words = [grade.strip().casefold() for grade in labels.grades]
    answer = TAG.sub("", BOXED.sub(r"\1", text.rpartition("</think>")[2].casefold()))
    answer = EMPHASIS.sub(r"\2", answer).strip()
    while answer:
        if found := _grade(answer, words):
            return found[0] if _is_alone(found[1], words) else None
        shorter = (
            LABEL.sub("", answer, count=1) if LABEL.match(answer) else OPENING.sub("", answer, count=1) if OPENING.match(answer) else ""
        )
        answer = shorter
    return None


def _grade(text: str, words: Sequence[str]) -> tuple[int, str] | None:
    """Index of the longest grade the text begins with, and the rest of the text."""
    found = [(len(word), index, rest) for index, word in enumerate(words) if (rest := _after(text, word)) is not None]
    return max(found)[1:] if found else None


def _is_alone(rest: str, words: Sequence[str]) -> bool:
    """Whether the text after a grade names no alternative grade and no other scale."""
    if of := OUT_OF.match(rest):
        return of[1] == words[-1]
    either = ALTERNATIVE.match(rest)
    if not either:
        return True
    other = rest[either.end() :]
    return _grade(other, words) is None and not (words[0][-1].isdigit() and NUMBER.match(other))


def _after(text: str, word: str) -> str | None:
    """The text after a leading word; None if it begins otherwise, or the word is part of a longer number or word."""
    if not text.startswith(word):
        return None
    rest = text[len(word) :]
    if word[-1].isdigit():
        rest = re.sub(r"^[.,]0+(?!\d)", "", rest)
        return None if NO_WHOLE.match(rest) else rest
    if (LETTER.fullmatch(word) and NO_LETTER.match(rest)) or (word in WORDS and GOES_ON.match(rest)):
        return None
    return None if re.match(r"\w|-\w", rest) and word[-1].isalnum() else rest


def _means(labels: Labels, index: int, token: str) -> bool:
    """Whether a token's text spells the grade."""
    if labels.words:
        return token in labels.words[index]
    return token.strip().casefold() == labels.grades[index].strip().casefold()


def _tokens(completion: Any) -> tuple[int | None, int | None]:
    usage = getattr(completion, "usage", None)
    details = getattr(usage, "prompt_tokens_details", None)
    return getattr(usage, "prompt_tokens", None), getattr(details, "cached_tokens", None)


def _sum(logprobs: Sequence[float]) -> float:
    """Log-sum-exp, clipped to ≤ 0; -inf when empty."""
    most = max(logprobs, default=-inf)
    return most if most == -inf else min(0.0, most + log(sum(exp(each - most) for each in logprobs)))


def length(completion: Any) -> int:
    """Output tokens as reported by the server; 0 if unreported."""
    told = getattr(getattr(completion, "usage", None), "completion_tokens", None)
    if isinstance(told, int):
        return told
    content = getattr(getattr(completion.choices[0], "logprobs", None), "content", None)
    return len(content or ())
