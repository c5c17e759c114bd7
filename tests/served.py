"""Judges on test servers, and questions for them."""

from trig.backends.judges.openai import Served
from trig.params.judge import ServedJudge
from trig.protocols.judge import Question
from trig.testing import factories


def judge(
    *addresses: str,
    key: str | None = None,
    retries: int = 8,
    timeout: float = 2.0,
    concurrency: int = 16,
    samples: int | None = None,
    model: str | None = None,
) -> Served:
    """Judge at these endpoints."""
    urls = [f"{address}/v1" for address in addresses]
    settings = judge_settings(urls, key=key, concurrency=concurrency, timeout=timeout, retries=retries)
    return Served("x", settings.model_copy(update={"model": model}), samples)


def judge_settings(urls: list[str], key: str | None = None, concurrency: int = 16, timeout: float = 2.0, retries: int = 8) -> ServedJudge:
    """Its settings."""
    return ServedJudge(
        backend="openai", extends=None, weights=None, serve=[], needs="params.yaml", endpoints=urls, model=None, key=key,
        concurrency=concurrency, timeout=timeout, retries=retries, price=None,
    )  # fmt: skip


def questions(count: int) -> list[Question]:
    """Two questions per picture."""
    return [Question(factories.png(number // 2), f"a ball {number // 2}", f"rubric {number % 2}") for number in range(count)]
