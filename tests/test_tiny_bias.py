"""The judge's own bias: pixels change, the scene and its truth do not."""

import json

import numpy as np
import pytest
from typer.testing import CliRunner

from tinyworld import bias
from tinyworld.evaluate import cases
from trig.cli.main import app
from trig.vocabulary.dimensions import Dimension


def test_an_alteration_changes_the_figure_it_is_named_for() -> None:
    found = bias.measured([picture for *_, picture in cases(2)])
    assert found["saturation × 1.3"]["saturation"] > 0 > found["saturation × 0.7"]["saturation"]
    assert found["brightness × 0.7"]["dark"] > 0 and found["sharpness × 2"]["sharpness"] > 0


def test_a_planted_bias_is_found_on_its_dimension_and_on_no_other() -> None:
    asked = cases(30)
    truth = np.array([case.ratings[dimension] for dimension, case, _ in asked])
    rng = np.random.default_rng(0)
    fooled = truth + rng.normal(0, 0.02, len(truth)) + np.array([0.1 * (dimension is Dimension.STYLE) for dimension, *_ in asked])
    found = bias.moved(asked, truth.tolist(), {"saturation × 1.3": [None, *fooled[1:].tolist()]})
    sure = {row["dimension"]: row["change"] for row in found.iter_rows(named=True) if row["low"] > 0.02 or row["high"] < -0.02}
    assert list(sure) == ["TA-S"] and sure["TA-S"] == pytest.approx(0.1, abs=0.02)
    assert found["n"].to_list() == [30] * 10 and found["nulls"].to_list() == [1] + [0] * 9
    unscored = bias.moved(asked, [None] * len(asked), {"saturation × 1.3": truth.tolist()})
    assert unscored["nulls"].to_list() == [30] * 10 and unscored["change"].null_count() == 10


def test_the_command_tells_changes_and_figures() -> None:
    told = CliRunner().invoke(app, ["tiny", "bias", "--count", "4", "--json"])
    assert told.exit_code == 0, told.output
    said = json.loads(told.stdout)
    assert len(said["changes"]) == 10 * len(bias.ALTERED) and set(said["figures"]) == set(bias.ALTERED)
    table = CliRunner().invoke(app, ["tiny", "bias", "--count", "4"])
    assert table.exit_code == 0 and "brightness" in table.stdout
