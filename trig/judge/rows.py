"""Rows of the tables of scores and diagnostics."""

from dataclasses import asdict

from trig.judge.cache import Result
from trig.judge.calls import Call
from trig.judge.rating import rate
from trig.params.judge import Judging
from trig.protocols.judge import Answer


def row(call: Call, result: Result, revision: str, settings: Judging) -> dict[str, object]:
    """The call's score or the reason for its absence, and how it was judged."""
    answered = result.answer if isinstance(result.answer, Answer) else None
    rating = rate(result.answer, settings.max_off_mass, settings.scale)
    width, height = call.shown.sizes[0] or (None, None)
    return {
        **call.row,
        **asdict(rating),
        "status": "null" if rating.reason else "ok",
        "judge": f"{settings.name}@{revision}",
        "engine": result.engine,
        "dtype": result.dtype,
        "mode": answered and answered.mode,
        "tokens": answered and answered.tokens,
        "cached": answered and answered.cached,
        "picture_tokens": answered and answered.picture_tokens,
        "scale": "/".join(settings.scale.grades),
        "max_pixels": settings.max_pixels,
        "reference_image": settings.reference_image,
        "judged_width": width,
        "judged_height": height,
        "key": call.key,
    }
