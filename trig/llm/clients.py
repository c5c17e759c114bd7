"""Clients of OpenAI-compatible servers, and classification of their errors."""

import dataclasses
import json
import os
import socket
import ssl
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from ipaddress import ip_address
from typing import Any, Self, TypeVar
from urllib.parse import urlsplit
from urllib.request import getproxies, proxy_bypass

import openai
from httpx2 import InvalidURL, Response
from openai import AsyncOpenAI, DefaultAsyncHttpxClient, DefaultHttpxClient, OpenAI

from trig.errors import TrigError
from trig.params.serving import Remote

Client = TypeVar("Client", OpenAI, AsyncOpenAI)
OWNER = "openai.com"
CERTIFICATES = ("SSL_CERT_FILE", "SSL_CERT_DIR")
NO_LIST = {404, 405, 501}
"""Statuses of a server without a models route."""
FOR_NOW = {408, 409, 425, 429}
"""Retryable statuses below 500."""
TO_NOBODY = {401, 402, 407}
"""Authentication and billing statuses, of a server or a proxy."""
FILTERED = {"content_filter", "content_policy_violation", "content_moderation", "moderation_blocked"}
"""Error codes of a provider's content filter."""
MALFORMED = (openai.APIResponseValidationError, ValueError, TypeError, AttributeError, LookupError, RecursionError)
"""Exceptions raised when parsing a malformed response."""


@dataclass(frozen=True, slots=True)
class Access:
    """How the servers of one entry of params.yaml are reached."""

    field: str  # for messages, such as `params.yaml: judges.x`
    urls: Sequence[str]
    key: str = dataclasses.field(repr=False)
    concurrency: int  # maximum requests in flight per endpoint
    timeout: float  # seconds per answer
    retries: int
    error: type[TrigError]  # raised where a person must mend something
    spent: frozenset[str]  # statuses and error codes of an account without credit

    @classmethod
    def of(cls, field: str, entry: Remote, urls: Sequence[str], variable: str | None, error: type[TrigError], spent: Iterable[str]) -> Self:
        """Access of an entry, with the key that an environment variable holds. Raises `error` where there is none."""
        key = _key(variable, field, error)
        return cls(field, urls, key, entry.concurrency, entry.timeout, entry.retries, error, frozenset(spent))


def _key(variable: str | None, field: str, wrong: type[TrigError]) -> str:
    """API key from an environment variable; a placeholder without a variable."""
    if variable is None:
        return "none"
    if not (found := os.environ.get(variable)):
        raise wrong(f"{field}.key: the environment has no {variable}; set it to the server's key")
    if not (found.isascii() and found.isprintable() and " " not in found):
        raise wrong(f"{field}.key: {variable} holds a blank, a line break or a letter that no key has; set it to the key alone")
    return found


def client(kind: type[Client], url: str, access: Access, headers: dict[str, str] | None = None) -> Client:
    """Client without its own retries; OPENAI_* variables for OpenAI only, no proxy for loopback. Raises `access.error` for a bad proxy or certificate."""
    host = urlsplit(url).hostname or ""
    given: dict[str, object] = {}
    where = f"{access.field}.endpoints: {url}"
    try:
        if is_loopback(host):
            http_client = DefaultHttpxClient if kind is OpenAI else DefaultAsyncHttpxClient
            given["http_client"] = http_client(trust_env=False, verify=_certificates(*map(os.environ.get, CERTIFICATES)))
        with _environment(of_openai=host == OWNER or host.endswith(f".{OWNER}")):
            return kind(base_url=url, api_key=access.key, timeout=access.timeout, max_retries=0, default_headers=headers, **given)  # type: ignore[arg-type]
    except ImportError:
        raise access.error(f"{where}: {_proxy(url)} names a SOCKS proxy; `pip install socksio` to use it, or unset it") from None
    except (ValueError, InvalidURL) as error:
        raise access.error(
            f"{where}: {_proxy(url) or 'a proxy variable'} is no proxy's address ({type(error).__name__}); correct it"
        ) from None
    except OSError as error:
        named = next((name for name in CERTIFICATES if os.environ.get(name)), "its certificates")
        raise access.error(
            f"{where}: {named} holds no certificates that can be read ({error.strerror or 'no certificate'}); correct or unset it"
        ) from None


@cache
def _certificates(*_: str | None) -> ssl.SSLContext:
    """Those that the variables name: reading the system's takes some 50 ms, for each client."""
    return ssl.create_default_context()


@contextmanager
def _environment(of_openai: bool) -> Iterator[None]:
    """Hides OPENAI_* variables from other servers than OpenAI's."""
    hidden = {} if of_openai else {name: os.environ.pop(name) for name in list(os.environ) if name.startswith("OPENAI_")}
    try:
        yield
    finally:
        os.environ.update(hidden)


def is_loopback(host: str) -> bool:
    """Whether a host is a loopback address."""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def listed(client: OpenAI, route: str = "/models") -> Mapping[str, Any]:
    """Model id → context length in tokens, None if unknown; empty without a models route. A bare JSON list is accepted."""
    try:
        answer = client.get(route, cast_to=Response)
    except openai.APIStatusError as error:
        if error.status_code in NO_LIST:
            return {}
        raise
    found = json.loads(answer.content)
    models = found if isinstance(found, list) else found["data"]
    return {str(model["id"]): model.get("max_model_len") for model in models}


def unlisted(error: Exception) -> bool:
    """Whether chat completions may work despite this error of the models route: unsupported, or forbidden to this key."""
    if isinstance(error, openai.APIStatusError):
        return not passes(error) and error.status_code not in TO_NOBODY
    return not isinstance(error, openai.APIConnectionError)


def spent(error: Exception, access: Access) -> bool:
    """Whether quota or credit is exhausted: not retryable."""
    if not isinstance(error, openai.APIStatusError):
        return False
    return bool(access.spent & {str(error.status_code), str(error.code), str(error.type)})


def passes(error: Exception) -> bool:
    """Whether the error is transient: worth a retry."""
    return not isinstance(error, openai.APIStatusError) or error.status_code in FOR_NOW or error.status_code >= 500


def brief(error: Exception) -> str:
    """Short error description without the server's message, which may echo the prompt."""
    match error:
        case openai.APIStatusError():
            return f"HTTP {error.status_code}"
        case openai.APITimeoutError():
            return "no answer in time"
        case openai.APIConnectionError():
            return "no connection"
    return "an answer of another shape"


def advice(error: Exception, url: str) -> str:
    """Error description and remedy at first contact."""
    match error:
        case openai.APIStatusError(status_code=407):
            return f"HTTP 407: {_proxy(url) or 'a proxy'} leads to a proxy that asks for a login; put it there, or unset it"
        case openai.APIStatusError(status_code=status):
            return f"HTTP {status}; {'look at its log' if status >= 500 else 'correct the address'}"
        case openai.APITimeoutError():
            return "no answer in time; look at the server, or raise its timeout"
        case openai.APIConnectionError():
            return _unreachable(error, url)
    return "an answer of another shape; is this another server's address, or a proxy's?"


def _unreachable(error: Exception, url: str) -> str:
    causes = list(_causes(error))
    if any(isinstance(each, socket.gaierror) or "Name or service not known" in str(each) for each in causes):
        return "its name is not known here; correct the address"
    if any(isinstance(each, ssl.SSLError) or "CERTIFICATE" in str(each) for each in causes):
        return "its certificate is not trusted; name the right ones in SSL_CERT_FILE, or correct the address"
    if proxy := _proxy(url):
        return f"no connection through the proxy that {proxy} names; start it, correct it, or unset it"
    return "no connection; start the server, or correct the address"


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__


def _proxy(url: str) -> str | None:
    """Environment variable that sets the proxy for a URL; None without a proxy."""
    parts = urlsplit(url)
    if not parts.hostname or is_loopback(parts.hostname) or proxy_bypass(parts.hostname):
        return None
    kind = next((name for name in (parts.scheme, "all") if name in getproxies()), None)
    return kind and next((name for name in os.environ if name.casefold() == f"{kind}_proxy"), f"{kind}_proxy")
