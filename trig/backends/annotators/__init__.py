"""Opens an annotator of params.yaml."""

from trig.params import Params
from trig.protocols.annotator import Annotator


def load(settings: Params, name: str) -> Annotator:
    """The annotator of a name. No server is contacted before the first question, if the model is named."""
    from trig.backends.annotators.openai import Served

    return Served(name, settings.annotators[name])
