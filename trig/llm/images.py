"""Pictures as chat endpoints take them."""

from base64 import b64encode

from trig.pictures import FORMATS, decoded, opened, plain, png
from trig.protocols.refusal import Refusal


def shown(file: bytes) -> str | Refusal:
    """Base64 data URL of an image: the file itself if all decoders agree on its pixels, else a PNG; a Refusal if it cannot be decoded."""
    picture = decoded(file)
    if isinstance(picture, Refusal):
        return picture
    kind, sent = (str(opened(file).format), file) if plain(file) else ("PNG", png(picture))
    return f"data:{FORMATS[kind]};base64,{b64encode(sent).decode()}"
