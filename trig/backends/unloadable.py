"""How model libraries are asked to load what others made, and the exceptions that they raise for what they cannot load."""

from collections.abc import Iterator
from contextlib import contextmanager

from huggingface_hub.errors import StrictDataclassError
from jinja2 import TemplateError
from safetensors import SafetensorError

UNLOADABLE = (
    OSError,
    ValueError,
    LookupError,
    RuntimeError,
    TypeError,
    AttributeError,
    ImportError,
    ArithmeticError,
    AssertionError,
    SafetensorError,
    StrictDataclassError,
    TemplateError,
)
"""Broken, cut or contradictory weights, configurations, tokenizers and chat templates end in one of these."""

AS_IT_IS = {"local_files_only": True, "trust_remote_code": False}
"""How transformers is asked to load a folder: nothing is fetched, no code in it is run, and nobody is asked whether it may be."""


@contextmanager
def typed() -> Iterator[None]:
    """Gives a type of UNLOADABLE to what tokenizers raises, which is a bare Exception."""
    try:
        yield
    except Exception as error:
        if type(error) is not Exception:
            raise
        raise ValueError(*error.args) from error
