"""Weight-free figures: each on pictures whose figure is known, the shared decoding, and their correlation with scores."""

from pathlib import Path

import numpy as np
import polars as pl
import pytest
from PIL import Image
from scipy.stats import pearsonr

from trig import tables
from trig.classify.samples import rooted
from trig.figures import measures as measuring
from trig.figures import once as decoding
from trig.figures.measured import measured
from trig.figures.measures import LARGEST, MEASURES, figures
from trig.figures.plain import Plain
from trig.gates import images
from trig.gates.looks import LOOK
from trig.pictures import pixels
from trig.report import measures
from trig.stats.correlation import along, correlation
from trig.store import Store
from trig.tables.figures import FIGURES
from trig.tables.images import IMAGES
from trig.tables.scores import distinct
from trig.testing import factories
from trig.testing import measured as invented
from trig.vocabulary.about_figures import ABOUT
from trig.vocabulary.figures import Figure

SIDE = 64


def flat(*colour: int) -> Image.Image:
    return Image.new("RGB", (SIDE, SIDE), colour)


def board(cell: int = 1) -> Image.Image:
    """Chessboard of black and white cells."""
    at = np.arange(SIDE) // cell
    return Image.fromarray((255 * ((at[:, None] + at) % 2)).astype(np.uint8)).convert("RGB")


def noise(side: int = SIDE) -> Image.Image:
    return Image.fromarray(np.random.default_rng(0).integers(0, 256, (side, side, 3), dtype=np.uint8))


def halves() -> Image.Image:
    picture = flat(0, 0, 0)
    picture.paste((128, 128, 128), (0, 0, SIDE // 2, SIDE))
    return picture


KNOWN: list[tuple[Figure, Image.Image, float]] = [
    (Figure.SATURATION, flat(200, 0, 0), 1.0),
    (Figure.SATURATION, flat(90, 90, 90), 0.0),
    (Figure.SATURATION, flat(200, 100, 100), 0.5),
    (Figure.CLIPPED, board(), 0.5),
    (Figure.CLIPPED, flat(249, 249, 249), 0.0),
    (Figure.CLIPPED, flat(250, 0, 0), 1.0),
    (Figure.DARK, halves(), 0.5),
    (Figure.EDGES, flat(9, 9, 9), 0.0),
    (Figure.EDGES, halves(), 2 / SIDE),
    (Figure.COLOURS, flat(9, 9, 9), 0.0),
    (Figure.COLOURS, board(), 1 / 9),
    (Figure.SHARPNESS, flat(9, 9, 9), 0.0),
]


@pytest.mark.parametrize(("figure", "picture", "value"), KNOWN)
def test_a_figure_of_a_known_picture(figure: Figure, picture: Image.Image, value: float) -> None:
    assert figures(picture)[figure] == pytest.approx(value, abs=1e-6)


def test_every_figure_has_words_a_measure_a_column_and_a_known_picture() -> None:
    assert set(Figure) == set(ABOUT), "its words belong in trig/vocabulary/about_figures.py"
    assert set(Figure) == set(MEASURES), "its function belongs in trig/figures/measures.py"
    assert set(Figure) == {figure for figure, _, _ in KNOWN}, "a picture whose figure is known belongs in KNOWN"
    assert set(Figure) <= FIGURES.columns.keys() and set(Figure) <= FIGURES.nullable


def test_blur_lowers_sharpness_and_edges() -> None:
    sharp, soft = figures(board(8)), figures(board(8).resize((8, 8)).resize((SIDE, SIDE)))
    assert sharp[Figure.SHARPNESS] > soft[Figure.SHARPNESS]
    assert figures(noise())[Figure.COLOURS] > 0.9 and figures(noise())[Figure.EDGES] > 0.9


def test_a_large_picture_is_averaged_down_and_a_small_one_is_measured_as_it_is() -> None:
    large = board(8).resize((2 * LARGEST, 2 * LARGEST), Image.Resampling.NEAREST)
    assert measuring.shown(large).luma.shape == (LARGEST, LARGEST)
    assert measuring.shown(noise(1)).luma.shape == (1, 1) and figures(noise(1))[Figure.EDGES] == 0


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    tables.write(factories.images(factories.prompts(), seeds=2), IMAGES, tmp_path / "tiny" / "all.parquet")
    return tmp_path / "tiny"


def test_the_gate_and_the_figures_decode_a_picture_once(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    decoded = list[bytes]()

    def counted(file: bytes) -> Image.Image:
        decoded.append(file)
        return pixels(file)

    monkeypatch.setattr(decoding, "pixels", counted)
    store = Store.passing()
    first = measured(folder, 2, Plain(), store, [LOOK])
    images.views(factories.prompts(), folder, "tiny", 2, 0.0, store)
    again = measured(folder, 2, Plain(), store, [LOOK])
    assert len(decoded) == first.figures.height == 24
    assert again.figures.equals(first.figures) and again.diversity.equals(first.diversity)


def test_a_picture_that_cannot_be_decoded_has_a_reason_and_no_figure(folder: Path) -> None:
    rows = tables.read(folder, IMAGES)
    torn = pl.col("image").struct.with_fields(bytes=pl.lit(b"torn"))
    tables.write(rows.with_columns(image=pl.when(pl.col("seed") == 3).then(torn).otherwise("image")), IMAGES, folder / "all.parquet")
    found = measured(folder, 2, Plain(), Store.passing()).figures
    [lost] = found.filter(pl.col(Figure.DARK).is_null()).iter_rows(named=True)
    assert lost["reason"] == "the picture cannot be decoded" and found["reason"].null_count() == 23


def test_the_columns_are_the_figures_of_the_picture(folder: Path) -> None:
    found = tables.check(measured(folder, 2, Plain(), Store.passing()).figures, FIGURES, "test")
    for place in (0, 7):
        own = figures(Image.open(factories_file(folder, place)))
        assert found.row(place, named=True).items() >= {str(name): value for name, value in own.items()}.items()


def factories_file(folder: Path, place: int) -> Path:
    file = folder.parent / f"{place}.png"
    file.write_bytes(tables.read(folder, IMAGES)["image"].struct.field("bytes")[place])
    return file


def test_correlation_is_pearson_s_with_the_interval_of_fisher_s_z_for_independent_samples() -> None:
    draw = np.random.default_rng(1)
    x = draw.normal(size=4000)
    y = 0.5 * x + draw.normal(size=4000)
    found, known = correlation(x, y, np.arange(4000)), pearsonr(x, y)
    low, high = known.confidence_interval(0.95)
    assert found.value == pytest.approx(known.statistic)
    assert (found.low, found.high) == pytest.approx((low, high), abs=3e-3)


def test_copies_in_a_cluster_add_no_certainty_and_chance_is_found_as_often_as_it_should_be() -> None:
    draw = np.random.default_rng(2)
    few = draw.normal(size=(2, 60))
    single, tripled = (correlation(x, y, roots) for x, y, roots in ((*few, np.arange(60)), (*np.tile(few, 3), np.tile(np.arange(60), 3))))
    assert tripled == pytest.approx(single)
    shared = draw.normal(size=(2, 300, 40, 1)) + 0.3 * draw.normal(size=(2, 300, 40, 3))  # three pictures of each of 40 prompts
    p = [correlation(x.ravel(), y.ravel(), np.repeat(np.arange(40), 3)).p for x, y in zip(*shared, strict=True)]
    assert 0.02 < np.mean([one is not None and one < 0.05 for one in p]) < 0.09


def test_a_constant_side_has_no_correlation() -> None:
    assert correlation(np.ones(5), np.arange(5.0), np.arange(5)).value is None
    r, *rest = correlation(np.arange(5.0), np.arange(5.0) * 2, np.arange(5))
    assert r == pytest.approx(1) and rest == [None, None, None]


def test_along_a_sweep_means_of_settings_go_together_or_not() -> None:
    knob, draw = np.arange(5.0)[:, None], np.random.default_rng(3)
    rising, noisy = knob + draw.normal(size=(5, 40)), draw.normal(size=(5, 40))
    found = along(rising, 2 * rising + draw.normal(size=(5, 40)))
    assert found.value is not None and found.low is not None and found.value > 0.99 and found.low > 0.9
    assert along(rising, -rising).value == pytest.approx(-1)
    loose = along(rising, noisy)
    assert loose.low is not None and loose.high is not None and loose.high - loose.low > 0.5
    assert along(rising.mean(axis=1, keepdims=True), knob).low is None
    assert along(rising[:2], noisy[:2]).value is None and along(rising, np.ones((5, 40))).value is None


def scored(figure: Figure, seeds: int) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Figures, and scores on one dimension that follow one of them within a prompt and are shifted from prompt to prompt."""
    prompts = factories.run_prompts(4)
    rows = rooted(factories.run_scores("tiny", prompts, seeds), prompts)
    found = rooted(invented.figures(rows), prompts)
    own = rows.join(found.select("data_id", "number", follows=figure), on=["data_id", "number"], maintain_order="left")
    follows = pl.when(pl.col("dimension") == "IQ-R").then(0.2 * pl.col("follows") + 0.05 * pl.col("root").mod(7)).otherwise("expected")
    return found, own.with_columns(expected=follows).drop("follows")


def test_a_score_that_follows_a_figure_is_found_and_within_prompts_exactly() -> None:
    found, scores = scored(Figure.DARK, 3)
    links = measures.links(found, distinct(scores), "expected")
    assert set(links["within"]) == {"pictures", "prompts"} and links["q"].null_count() <= 1
    planted = links.filter(dimension="IQ-R", figure="dark")
    assert planted.filter(within="prompts")["r"].item() == pytest.approx(1)
    assert planted.filter(within="pictures").select(r=pl.col("r").is_between(0.3, 0.9), q=pl.col("q") < 0.01).row(0) == (True, True)
    others = links.filter((pl.col("dimension") != "IQ-R") & (pl.col("q") < 0.05))
    assert others.height <= 3


def test_with_one_picture_of_a_prompt_nothing_is_within_prompts() -> None:
    found, scores = scored(Figure.DARK, 1)
    assert set(measures.links(found, distinct(scores), "expected")["within"]) == {"pictures"}
