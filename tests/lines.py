"""What a message must name, whatever its wording."""

import re


def names(*parts: object) -> str:
    """Pattern of a message of one line that begins with the first part (file, field or option) and names the others, in this order; numbers in full."""
    return r"\A(?:error: )?" + ".*".join(_whole(str(part)) for part in parts) + r".*\n?\Z"


def _whole(part: str) -> str:
    return r"(?<!\d)" * part[:1].isdigit() + re.escape(part) + r"(?!\d)" * part[-1:].isdigit()
