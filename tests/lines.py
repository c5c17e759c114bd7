"""What a message must name, whatever its wording."""

import re


def names(*parts: object) -> str:
    """Pattern of a message of one line that begins with the first part (file, field or option) and names the others, in this order."""
    return r"\A(?:error: )?" + ".*".join(re.escape(str(part)) for part in parts) + r".*\n?\Z"
