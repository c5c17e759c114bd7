"""Opens an annotator of params.yaml."""

from trig.params import Params
from trig.protocols.annotator import Annotator


def load(settings: Params) -> Annotator | None:
    """The annotator that `annotate.annotator` names; None for none. No server is contacted before the first question, if the model is named."""
    name = settings.annotate.annotator
    if name is None:
        return None
    from trig.backends.annotators.openai import Served

    return Served(name, settings.annotators[name])
