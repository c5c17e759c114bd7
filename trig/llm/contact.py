"""First contact with the servers of an entry: which model they serve, and whether they take the key."""

import time
from collections.abc import Callable
from functools import partial
from typing import TypeVar

import openai
from openai import OpenAI

from trig.errors import TrigError
from trig.llm import clients
from trig.llm.clients import MALFORMED, Access, advice, brief, listed, passes, spent, unlisted
from trig.llm.endpoints import asked_to_wait, delay

Said = TypeVar("Said")
ALONE = {"Connection": "close"}
"""No keep-alive at first contact: an idle connection would stay open as long as the model is in use."""
GREETING = 3
"""Tries per endpoint at first contact; another endpoint may answer instead."""


class Contact:
    """The first endpoint that answers, and the model it serves. Raises `access.error` if none does."""

    def __init__(self, access: Access, model: str | None, route: str | None = "/models") -> None:
        """`route` lists the models; None: there is no list."""
        self.access, self.field = access, access.field
        self.home, self.model, self.context = self._meet(model, route)

    def _meet(self, model: str | None, route: str | None) -> tuple[OpenAI, str, int | None]:
        """First endpoint that answers, its model name, and the model's context in tokens; None where that is not told."""
        said = ""
        for url in self.access.urls:
            client = clients.client(OpenAI, url, self.access, ALONE)
            try:
                contexts = self._patiently(partial(listed, client, route), GREETING, shows_key=model is None) if route else {}
            except (openai.APIError, *MALFORMED) as error:
                if model is None or not unlisted(error):
                    said = said or f"{self.field}.endpoints: {url}: {advice(error, url)}"
                    continue
                contexts = {}
            if not contexts and model is None:
                raise self.access.error(f"{self.field}.model: {url} does not list its models; name the one to ask")
            wanted = model or (next(iter(contexts)) if len(contexts) == 1 else None)
            if wanted is None or (contexts and wanted not in contexts):
                raise self.access.error(f"{self.field}.model: {model!r} is not served at {url}; choose one of {', '.join(contexts)}")
            context = contexts.get(wanted)
            return client, wanted, context if isinstance(context, int) else None
        raise self.access.error(said)

    def room(self, longest: int) -> int:
        """Output-token limit of an answer: at most `longest`, and half of the context."""
        return longest if self.context is None else min(longest, self.context // 2)

    def _patiently(self, ask: Callable[[], Said], tries: int, shows_key: bool = True) -> Said:
        """Retry transient errors. Raises `access.error` if the key is rejected; with `shows_key` also on 403, else the key may just not list models."""
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
        """Raises `access.error` for account errors: no credit, or key rejected. Without `shows_key` a 403 is the question's, as from a content filter."""
        if spent(error, self.access):
            raise self.access.error(
                f"{self.field}.key: the account behind the key has no credit left ({brief(error)}); top it up: what was answered is kept"
            )
        if isinstance(error, openai.AuthenticationError) or (shows_key and isinstance(error, openai.PermissionDeniedError)):
            raise self.access.error(
                f"{self.field}.key: the server does not accept the key; name the environment variable that holds the right one"
            )

    def _broken(self, error: Exception) -> TrigError:
        return self.access.error(f"{self.field}.endpoints: {self.home.base_url}: {brief(error)}; mend the server and run again")
