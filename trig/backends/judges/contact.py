"""Server handshake: detects a judge server's model, engine and logprob support with text-only probes."""

import json
from functools import cache, partial
from typing import Any, Literal
from urllib.parse import urlsplit

import openai

from trig.backends.judges.completions import LIMITS, LONGEST, length, read, request
from trig.errors import JudgeError
from trig.llm import contact
from trig.llm.clients import MALFORMED, Access, brief, passes
from trig.protocols.judge import Labels, Mode

PROBES = 3
"""Malformed probe responses before a mode counts as unsupported; one may be a transmission error."""
WORD, ENDLESS = "Good?", "Count from 1 to 200, and write every number."
"""Probe prompts: for logprobs, and for the output-token limit."""
SHORT = 8
"""Output-token limit of the probe in sampled mode."""
UNKNOWN_TO_IT = {400, 422}
"""Statuses for an unsupported parameter."""


class Contact(contact.Contact):
    """Capabilities of a judge's servers, probed before any question. Raises JudgeError if probing fails."""

    def __init__(self, access: Access, model: str | None, samples: int | None) -> None:
        super().__init__(access, model)
        self.samples = samples
        self.limit = LIMITS[0]  # parameter name of the output-token limit
        self.longest = self.room(LONGEST)  # of a sampled answer
        self.engine = self._engine()
        self.encode = cache(self._encode)
        self.mode: Mode = self._mode()

    @property
    def is_vllm(self) -> bool:
        return self.engine.startswith("vllm")

    def _engine(self) -> str:
        found = self._beside("get", "version")
        return f"vllm {found['version']}" if found and "version" in found else f"server {urlsplit(self.access.urls[0]).hostname}"

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
        return max(2, self.access.retries) + 1

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
