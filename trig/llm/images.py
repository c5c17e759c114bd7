"""Pictures as servers take them."""

from base64 import b64encode

from trig.pictures import FORMATS, decoded, opened, plain, png
from trig.protocols.refusal import Refusal


def sent(file: bytes) -> tuple[str, bytes] | Refusal:
    """Media type and bytes of an image: the file itself if all decoders agree on its pixels, else a PNG; a Refusal if it cannot be decoded."""
    picture = decoded(file)
    if isinstance(picture, Refusal):
        return picture
    kind, told = (str(opened(file).format), file) if plain(file) else ("PNG", png(picture))
    return FORMATS[kind], told


def shown(file: bytes) -> str | Refusal:
    """Base64 data URL of an image, as `sent`."""
    found = sent(file)
    return found if isinstance(found, Refusal) else f"data:{found[0]};base64,{b64encode(found[1]).decode()}"
