"""Server handshake: detects a judge server's model, engine and logprob support with text-only probes."""

import json
import time
from collections.abc import Callable
from functools import cache, partial
from typing import Any, Literal, TypeVar
from urllib.parse import urlsplit

import openai
from openai import OpenAI

from trig.backends.judges.completions import LIMITS, LONGEST, MALFORMED, length, read, request
from trig.errors import JudgeError
from trig.llm import clients
from trig.llm.clients import advice, brief, listed, passes, spent, unlisted
from trig.llm.endpoints import asked_to_wait, delay
from trig.params.judge import ServedJudge
from trig.protocols.judge import Labels, Mode

Said = TypeVar("Said")
ALONE = {"Connection": "close"}
"""No keep-alive for probes: an idle connection would stay open as long as the judge."""
PROBES = 3
"""Malformed probe responses before a mode counts as unsupported; one may be a transmission error."""
GREETING = 3
"""Tries per endpoint at first contact; another endpoint may answer instead."""
WORD, ENDLESS = "Good?", "Count from 1 to 200, and write every number."
"""Probe prompts: for logprobs, and for the output-token limit."""
SHORT = 8
"""Output-token limit of the probe in sampled mode."""
UNKNOWN_TO_IT = {400, 422}
"""Statuses for an unsupported parameter."""


class Contact:
    """Capabilities of a judge's servers, probed before any question. Raises JudgeError if probing fails."""

    def __init__(self, field: str, settings: ServedJudge, key: str, samples: int | None) -> None:
        self.field, self.settings, self.key, self.samples = field, settings, key, samples
        self.limit = LIMITS[0]  # parameter name of the output-token limit
        self.home, self.model, self.longest = self._meet()
        self.engine = self._engine()
        self.encode = cache(self._encode)
        self.mode: Mode = self._mode()

    @property
    def is_vllm(self) -> bool:
        return self.engine.startswith("vllm")

    def _meet(self) -> tuple[OpenAI, str, int]:
        """First endpoint that answers, its model name, and the output-token limit of a sampled answer."""
        said = ""
        for url in self.settings.endpoints:
            client = clients.client(OpenAI, url, self.key, self.settings.timeout, self.field, ALONE)
            try:
                contexts = self._patiently(partial(listed, client), GREETING, shows_key=self.settings.model is None)
            except (openai.APIError, *MALFORMED) as error:
                if self.settings.model is None or not unlisted(error):
                    said = said or f"{self.field}.endpoints: {url}: {advice(error, url)}"
                    continue
                contexts = {}
            if not contexts and self.settings.model is None:
                raise JudgeError(f"{self.field}.model: {url} does not list its models; name the one to ask")
            wanted = self.settings.model or (next(iter(contexts)) if len(contexts) == 1 else None)
            if wanted is None or (contexts and wanted not in contexts):
                raise JudgeError(f"{self.field}.model: {self.settings.model!r} is not served at {url}; choose one of {', '.join(contexts)}")
            context = contexts.get(wanted)
            return client, wanted, min(LONGEST, context // 2) if isinstance(context, int) else LONGEST
        raise JudgeError(said)

    def _patiently(self, ask: Callable[[], Said], tries: int, shows_key: bool = True) -> Said:
        """Retry transient errors. Raises JudgeError if the key is rejected; with `shows_key` also on 403, else the key may just not list models."""
        for number in range(tries):
            try:
                return ask()
            except (openai.APIConnectionError, openai.APIStatusError) as error:
                self.refused(error, shows_key)
                if number + 1 == tries or not passes(error):
                    raise
                time.sleep(asked_to_wait(error) or delay(number))
        raise AssertionError("tries is at least 1")

    def refused(self, error: Exception, shows_key: bool = False) -> None:
        """Raises JudgeError for account errors: no credit, or key rejected. Without `shows_key` a 403 is the question's, as from a content filter."""
        if spent(error):
            raise JudgeError(
                f"{self.field}.key: the account behind the key has no credit left ({brief(error)}); top it up: what was answered is kept"
            )
        if isinstance(error, openai.AuthenticationError) or (shows_key and isinstance(error, openai.PermissionDeniedError)):
            raise JudgeError(
                f"{self.field}.key: the server does not accept the key; name the environment variable that holds the right one"
            )

    def _engine(self) -> str:
        found = self._beside("get", "version")
        return f"vllm {found['version']}" if found and "version" in found else f"server {urlsplit(self.settings.endpoints[0]).hostname}"

    def _beside(self, verb: Literal["get", "post"], path: str, **body: object) -> dict[str, Any] | None:
        """Call a vLLM route outside the OpenAI API; None if unsupported. Network failure raises JudgeError: it must not change the judge."""
        root = str(self.home.base_url).rstrip("/").removesuffix("/v1")
        ask = getattr(self.home, verb)
        try:
            found = self._patiently(lambda: ask(f"{root}/{path}", cast_to=object, **({"body": body} if body else {})), self._tries)
        except (openai.APIConnectionError, openai.APIStatusError) as error:
            if passes(error):
                raise self._broken(error) from None
            return None
        except (openai.APIError, *MALFORMED):
            return None
        return found if isinstance(found, dict) else None

    @property
    def _tries(self) -> int:
        return max(2, self.settings.retries) + 1

    def _broken(self, error: Exception) -> JudgeError:
        return JudgeError(f"{self.field}.endpoints: {self.home.base_url}: {brief(error)}; mend the server and run again")

    def _encode(self, text: str) -> list[int] | None:
        """Token ids from the server's tokenize route; None if it has none."""
        found = self._beside("post", "tokenize", model=self.model, prompt=text, add_special_tokens=False)
        return list(found["tokens"]) if found and isinstance(found.get("tokens"), list) else None

    def _mode(self) -> Mode:
        """Detect the logprob mode and the name of the output-token limit. Raises JudgeError without logprobs, or if no probe is answered."""
        if self.samples:
            self._try("sampled", Labels(("Good",), None))
            return "sampled"
        ids = self.encode("Good")
        if ids and self._try("exact", Labels(("Good",), (tuple(ids[:1]),))):
            return "exact"
        if self._try("top", Labels(("Good",), None)):
            return "top"
        raise JudgeError(
            f"{self.field}: the server tells no probabilities of {self.model}'s answers; set judge.mode to sampled, or serve another model"
        )

    def _try(self, mode: Mode, labels: Labels) -> bool:
        """Probe one mode, and detect the name of the output-token limit. Raises JudgeError if no probe is answered."""
        said, answered, tries = "", False, 0
        while tries < PROBES:
            tries += 1
            body = request(self.model, ENDLESS if mode == "sampled" else WORD, [], labels, mode, SHORT, self.is_vllm, self.limit)
            body |= {"n": 1, "seed": 0} if mode == "sampled" else {}
            try:
                completion = self._patiently(partial(self.home.chat.completions.create, **body), self._tries)
                content = str(completion.choices[0].message.content)
            except MALFORMED as error:
                said = brief(error)
                continue
            except (openai.APIConnectionError, openai.APIStatusError) as error:
                if passes(error):
                    raise self._broken(error) from None
                if self.limit == LIMITS[0] and LIMITS[0] in json.dumps(getattr(error, "body", None)):
                    self.limit, tries = LIMITS[1], 0
                elif mode != "sampled" and getattr(error, "status_code", None) in UNKNOWN_TO_IT:
                    return False
                else:
                    raise self._dumb(brief(error)) from None
                continue
            answered = True
            if self._as_needed(completion, content, mode, labels):
                return True
        if not answered:
            raise self._dumb(said)
        return False

    def _as_needed(self, completion: Any, content: str, mode: Mode, labels: Labels) -> bool:
        """Whether a completion has what the mode needs. Raises JudgeError if it begins with reasoning."""
        if length(completion) > (SHORT if mode == "sampled" else 1):
            self.limit = LIMITS[1]  # the server ignores the other name
        if mode == "sampled":
            return True
        try:
            read(completion, labels, mode)
        except MALFORMED:
            return False
        if "<think" in content:
            raise JudgeError(
                f"{self.field}: {self.model}'s answers begin with thinking; switch it off at the server, or set judge.mode to sampled"
            )
        return True

    def _dumb(self, said: str) -> JudgeError:
        return JudgeError(
            f"{self.field}.endpoints: {self.home.base_url}: {said} where {self.model} was asked a first question;"
            f" correct the address, or the model's name"
        )
