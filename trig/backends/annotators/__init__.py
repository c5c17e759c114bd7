"""Opens an annotator of params.yaml."""

from trig.params import Params
from trig.protocols.annotator import Annotator


def load(settings: Params) -> Annotator:
    """The annotator that `annotate.annotator` names. No server is contacted before the first question, if the model is named."""
    name = settings.annotate.annotator
    assert name is not None
    from trig.backends.annotators.openai import Served

    return Served(name, settings.annotators[name])
