"""Files that an answer names by their address."""

import asyncio
from ipaddress import ip_address
from urllib.parse import urlsplit

import httpx2

from trig.llm.clients import FOR_NOW, is_loopback
from trig.llm.endpoints import delay
from trig.protocols.refusal import Refusal

MOST = 64 * 2**20
"""Largest file that is fetched, in bytes."""
TRIES = 3
"""The answer is paid for: its file is asked for again before it is given up."""


async def fetched(url: str, endpoint: str, timeout: float) -> bytes | Refusal:
    """The file at an address that a server's answer names: no redirect is followed and no key is sent."""
    if not _fetchable(url, endpoint):
        return Refusal("the answer names an address that is not fetched: neither https nor of the server's own host")
    said = ""
    async with httpx2.AsyncClient(
        timeout=timeout, trust_env=not is_loopback(urlsplit(url).hostname or ""), follow_redirects=False
    ) as client:
        for number in range(TRIES):
            if number:
                await asyncio.sleep(delay(number - 1))
            try:
                async with client.stream("GET", url) as answer:
                    if answer.status_code == httpx2.codes.OK:
                        return await _whole(answer)
                    said = f"HTTP {answer.status_code}"
                    if answer.status_code < 500 and answer.status_code not in FOR_NOW:
                        break
            except httpx2.HTTPError as error:
                said = "no answer in time" if isinstance(error, httpx2.TimeoutException) else "no connection"
    return Refusal(f"the picture cannot be fetched from the address in the answer ({said})")


async def _whole(answer: httpx2.Response) -> bytes | Refusal:
    found = bytearray()
    async for piece in answer.aiter_bytes():
        found += piece
        if len(found) > MOST:
            return Refusal(f"the file at the address in the answer is larger than {MOST // 2**20} MB")
    return bytes(found)


def _fetchable(url: str, endpoint: str) -> bool:
    """Whether an address is of the server itself, or public and encrypted: an answer opens no door to other machines of this network."""
    try:
        parts, host = urlsplit(url), urlsplit(endpoint).hostname
    except ValueError:
        return False
    if parts.scheme not in ("http", "https") or not parts.hostname:
        return False
    return parts.hostname == host or (parts.scheme == "https" and _public(parts.hostname))


def _public(host: str) -> bool:
    try:
        return ip_address(host).is_global
    except ValueError:
        return "." in host and not host.endswith((".local", ".internal", ".localhost"))
