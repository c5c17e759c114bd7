"""What a judge's server is sent, and how its answer is read."""

import re
from base64 import b64encode
from collections import Counter
from collections.abc import Collection, Sequence
from hashlib import blake2b
from math import exp, inf, log
from typing import Any

import openai

from trig.errors import LabelError
from trig.pictures import FORMATS, decoded, opened, plain, png
from trig.protocols.judge import Answer, Labels, Mode, Question
from trig.protocols.refusal import Refusal

TOP = 20
"""The most likely tokens a server names when it cannot be asked for others: OpenAI's own limit."""
LONGEST = 2048
"""Tokens of a sampled answer, thoughts included."""
LIMITS = ("max_completion_tokens", "max_tokens")
"""What servers call the most tokens of an answer: today's name, and the one that older servers know only."""
EMPHASIS = re.compile(r"(?<!\w)(\*\*|__|\*|_|`)(?=\S)(.+?)(?<=\S)\1(?!\w)")
"""Markdown around a word."""
BOXED, TAG = re.compile(r"\$?\\boxed\{([^{}]*)\}\$?"), re.compile(r"</?[a-z]+>")
OPENING = re.compile(r"[\"'“”‘’«»{(\[#*_`\s]|[-–•](?=\s)")
"""What may stand before an answer: quotes, brackets, the mark of a heading or of a list."""
LABEL = re.compile(
    r"(?:(?:my|the|your|its|final|overall|total)\s+)*"
    r"(?:(?:score|rating|grade|answer|verdict|quality|judge?ment|evaluation)(?![^\W_])[\"'*_`]*\s*)+(?:\([^()]*\)\s*)?(?:(?:is|of)\b\s*)?(?:[:=]|[-–—](?=\s))?"
)
"""What may stand before a grade."""
OUT_OF = re.compile(r"[\s,;(]*(?:stars?|points?)?\s*(?:/|out of|of|on a scale (?:of|from)\s*\d+\s*(?:to|[-–—]))\s*(\d+)")
ALTERNATIVE = re.compile(
    r"(?:\s*(?:[,;/|~…→(–—-]|\.{2,}|[=-]?>|(?:or|to|and|maybe|perhaps|possibly|probably|even|rather|then)\b))+[\s\"'“‘(\[*_`]*"
)
"""What makes two grades of one."""
NUMBER, NO_WHOLE = re.compile(r"\d"), re.compile(r"[.,·:]?\d|\w|[%+½]|\s*(?:\d+\s*/|½|(?:and\s+)?(?:a|one)\s+half\b|and\s+½)")
"""A number; what shows that the one before it is only a part of a number."""
LETTER, NO_LETTER = re.compile(r"[^\W\d_]"), re.compile(r"[+#*−]|-(?!\s)")
"""A grade of one letter; what makes another grade of it, such as A-."""
WORDS, GOES_ON = {"a", "i"}, re.compile(r"\s+\w")
"""Grades that are words too, and a sentence that begins with one."""
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
    model: str,
    text: str,
    pictures: Sequence[str],
    labels: Labels,
    mode: Mode,
    longest: int = LONGEST,
    thinks: bool = False,
    limit: str = LIMITS[0],
) -> dict[str, Any]:
    """The body of a question whose pictures are data URLs: pictures first, in order, then the text.

    `longest` bounds a sampled answer, in tokens; `limit` is what the server calls such a bound; `thinks` says that it takes vLLM's own settings, so
    that thoughts can be switched off.
    """
    content = [*({"type": "image_url", "image_url": {"url": url}} for url in pictures), {"type": "text", "text": text}]
    body: dict[str, Any] = {"model": model, "messages": [{"role": "user", "content": content}]}
    if mode == "sampled":
        return body | {limit: longest, "temperature": 1}
    body |= {limit: 1, "temperature": 0, "logprobs": True}
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
    named = ((str(each.token), str(getattr(each, "bytes", None)), float(each.logprob)) for each in first.top_logprobs)
    told = list(dict.fromkeys(named))  # what is named twice counts once; another token with the same text counts too
    if any(logprob != logprob or logprob > 1e-3 for *_, logprob in told):
        raise ValueError("a log-probability is no number ≤ 0")
    if mode == "exact":
        assert labels.ids is not None
        by_id = {token: logprob for token, _, logprob in reversed(told)}
        grades = [[by_id[f"token_id:{token}"] for token in spellings] for spellings in labels.ids]
    else:
        if not labels.words:
            _check_whole(labels, told)
        grades = [[logprob for token, _, logprob in told if _means(labels, place, token)] for place in range(len(labels.grades))]
    return Answer(tuple(map(_sum, grades)), mode, None, *_tokens(completion))


def _check_whole(labels: Labels, told: Collection[tuple[str, str, float]]) -> None:
    """Raises LabelError when a likely token is the beginning of a grade: the grade is several tokens, and its own probability is not told."""
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
    """The share of each grade among sampled answers that begin with it, after any thoughts; an answer that was cut off has none."""
    said = [choice for completion in completions for choice in completion.choices]
    found = Counter(None if choice.finish_reason == "length" else _begins(labels, choice.message.content or "") for choice in said)
    shares = [log(found[place] / len(said)) if found[place] else -inf for place in range(len(labels.grades))]
    return Answer(tuple(shares), "sampled", len(said), *_tokens(completions[0]))


def _begins(labels: Labels, text: str) -> int | None:
    """The place of the grade that a text begins with, after any thoughts and a label such as `Score:`; None where it is none, or one of several."""
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
    """The place of the longest word that a text begins with, and what stands behind it."""
    found = [(len(word), place, rest) for place, word in enumerate(words) if (rest := _after(text, word)) is not None]
    return max(found)[1:] if found else None


def _is_alone(rest: str, words: Sequence[str]) -> bool:
    """Whether what stands behind a grade leaves it the only one, and on our own scale."""
    if of := OUT_OF.match(rest):
        return of[1] == words[-1]
    either = ALTERNATIVE.match(rest)
    if not either:
        return True
    other = rest[either.end() :]
    return _grade(other, words) is None and not (words[0][-1].isdigit() and NUMBER.match(other))


def _after(text: str, word: str) -> str | None:
    """What stands behind a word that a text begins with; None where it begins with another, or with a number of which the word is a part."""
    if not text.startswith(word):
        return None
    rest = text[len(word) :]
    if word[-1].isdigit():
        rest = re.sub(r"^[.,]0+(?!\d)", "", rest)
        return None if NO_WHOLE.match(rest) else rest
    if (LETTER.fullmatch(word) and NO_LETTER.match(rest)) or (word in WORDS and GOES_ON.match(rest)):
        return None
    return None if re.match(r"\w|-\w", rest) and word[-1].isalnum() else rest


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


def length(completion: Any) -> int:
    """The tokens of an answer, as far as the server tells; 0 where it does not."""
    told = getattr(getattr(completion, "usage", None), "completion_tokens", None)
    if isinstance(told, int):
        return told
    content = getattr(getattr(completion.choices[0], "logprobs", None), "content", None)
    return len(content or ())
