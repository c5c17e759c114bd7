"""Every system of the zoo that diffusers loads, as a tiny random instance of its architecture, through the painter."""

from pathlib import Path

import pytest
from lines import names

from trig.backends.families import KNOWN
from trig.errors import WeightsError
from trig.params.zoo import pipelines
from trig.protocols.generator import Order, Picture
from trig.protocols.refusal import Refusal
from trig.testing import factories
from trig.testing.architectures import small_sources
from trig.testing.architectures.probe import AVAILABLE, EDITS, SIDES, difference, painter, probe

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::FutureWarning")  # what diffusers says of its own past
IGNORES_GUIDANCE = {"flux-schnell", "z-image-turbo", "flux2-klein-4b"}
TAKES_NO_NEGATIVE = {"flux-dev", "flux-kontext-dev", "flux2-dev", "omnigen", "sana-sprint-1600m"}
SEEN = 2
"""A smaller difference, in levels of 255, is rounding."""


@pytest.fixture(scope="session")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("architectures")


@pytest.mark.parametrize("name", AVAILABLE)
def test_every_input_of_a_system_acts_and_a_batch_changes_nothing(name: str, folder: Path) -> None:
    found = list(probe(name, folder))
    assert {task for each in found for task in each.rows.split(", ")} >= set(pipelines()[name].tasks)
    for each in found:
        assert each.batch <= SEEN, each
        assert each.prompt > SEEN, each
        assert (each.source is None) == (each.rows != EDITS) and (each.source is None or each.source > SEEN), each
        assert (each.guidance is None) == (name in IGNORES_GUIDANCE) and (each.guidance is None or each.guidance > SEEN), each
        assert each.size == each.wide, each


@pytest.mark.parametrize("name", AVAILABLE)
def test_a_task_that_a_system_does_not_do_is_refused_in_one_line(name: str, folder: Path) -> None:
    tasks, side = set(pipelines()[name].tasks), SIDES.get(name, 64)
    maker = painter(name, folder, options={}) if name == "flux-ip-adapter" else painter(name, folder)
    refused = [] if "t2i" in tasks or name == "flux-ip-adapter" else [Order("a red ball", 1)]
    refused += [] if tasks & {"p2p", "s2p"} and name != "flux-ip-adapter" else [Order("a red ball", 1, factories.png(1, side, side))]
    for order in refused:
        with pytest.raises(WeightsError, match=names("params.yaml", f"models.{name}", pipelines()[name].pipeline)) as said:
            maker.generate([order])
        assert len(str(said.value).splitlines()) == 1


@pytest.mark.parametrize("name", AVAILABLE)
def test_a_size_that_a_system_would_round_is_refused_in_one_line(name: str, folder: Path) -> None:
    step = KNOWN[str(pipelines()[name].pipeline)].multiple(painter(name, folder).pipe)
    side = 128 + step // 2
    refused = painter(name, folder)
    refused.model = refused.model.model_copy(update={"width": side})
    with pytest.raises(WeightsError, match=names("params.yaml", f"models.{name}.width", side, 128, 128 + step)):
        refused.pipe  # noqa: B018


def test_prompts_of_equal_length_share_a_batch_where_padding_shows(folder: Path) -> None:
    maker = painter("omnigen", folder)
    orders = [Order(prompt, seed) for seed, prompt in enumerate(("a red ball", "a red", "a tan doll"))]
    assert list(maker._groups(dict(enumerate(orders)))) == [[0, 2], [1]]
    alone = [maker.generate([order])[0] for order in orders]
    assert max(map(difference, maker.generate(orders), alone)) <= SEEN


def test_a_source_that_cannot_be_read_is_one_null(folder: Path) -> None:
    maker = painter("instruct-pix2pix", folder)
    whole = factories.png(1, 64, 64)
    made = maker.generate([Order("a red ball", 1, file) for file in (b"nothing", whole, whole[:-600])])
    assert [isinstance(each, Picture) for each in made] == [False, True, False]
    assert all("picture" in each.reason or "truncated" in each.reason for each in made if isinstance(each, Refusal))


def test_every_pipeline_of_the_zoo_has_a_family() -> None:
    assert {pipelines()[name].pipeline for name in AVAILABLE} <= KNOWN.keys()


@pytest.mark.parametrize("name", AVAILABLE)
def test_a_negative_prompt_acts_or_is_refused(name: str, folder: Path) -> None:
    if name in IGNORES_GUIDANCE:
        with pytest.raises(ValueError, match="negative_prompt"):
            painter(name, folder, negative_prompt="blur")
        return
    maker, refused = painter(name, folder, negative_prompt="blurred, dark, and of blue trees"), name in TAKES_NO_NEGATIVE
    if refused:
        with pytest.raises(WeightsError, match=names("params.yaml", f"models.{name}", "negative_prompt")):
            maker.pipe  # noqa: B018
        return
    without = painter(name, folder)
    without.pipe = maker.pipe
    side = SIDES.get(name, 64)
    order = Order("a red ball", 1, None if "t2i" in pipelines()[name].tasks else factories.png(1, side, side))
    with small_sources():
        assert difference(maker.generate([order])[0], without.generate([order])[0]) > 0
