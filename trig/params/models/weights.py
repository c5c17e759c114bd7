"""What a model with weights waits for."""

from trig.params.models.entry import PINNED_IN
from trig.params.values import HUB


def waits_for(needs: str, weights: str) -> None:
    """Raises ValueError unless `needs` is the folder of the weights, or params.yaml where a commit is pinned there."""
    if weights.startswith(HUB):
        if needs != PINNED_IN:
            raise ValueError(f"needs: {needs!r}: weights of the hub change with their commit only; name {PINNED_IN}, where it stands")
    elif needs != weights:
        raise ValueError(f"needs: {needs!r} is not its weights {weights!r}; name what the model waits for")
