"""The second eye: embeddings of any CLIP model, and scores by the heads beside the tiny one."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
import workplace
from PIL import Image
from scipy.stats import spearmanr

from tinyworld import evaluate
from tinyworld.eye import LEVELS, PICTURE, TEXT, asked, seen, targets, worth
from tinyworld.language import Request, plain
from tinyworld.render import draw
from tinyworld.scene import Scene, Thing
from trig.backends.clip import Clip
from trig.backends.heads.card import HEADS, WEIGHTS, Card, Classes, Read
from trig.backends.heads.scores import by_source, scores
from trig.errors import WeightsError
from trig.protocols.eye import Eye, Look
from trig.protocols.features import Features
from trig.vocabulary.dimensions import Dimension, Task

PLACE = workplace.ROOT / "data/tiny/eye"
BALL, CAR = Thing("ball", "red", 0.27, 0.64, 0.2), Thing("car", "blue", 0.74, 0.64, 0.2)
SCENE = Scene("photo", "meadow", (BALL, CAR))
REQUEST = Request((plain("ball", "red"), plain("car", "blue")), "left", "meadow", "photo")
STAR, CUP = Thing("star", "white", 0.27, 0.64, 0.2), Thing("cup", "black", 0.74, 0.64, 0.2)
ODD = Scene("watercolour", "snow", (Thing("ball", "green", 0.27, 0.64, 0.2), Thing("flower", "orange", 0.74, 0.64, 0.2)))
RED = Scene("photo", "meadow", (Thing("ball", "black", 0.5, 0.62),))
WRONG = {
    Dimension.CONTENT: (SCENE, Scene("photo", "meadow", (STAR, CUP))),
    Dimension.RELATION: (
        SCENE,
        Scene("photo", "meadow", (Thing("ball", "red", 0.74, 0.64, 0.2), Thing("car", "blue", 0.27, 0.64, 0.2))),
    ),
    Dimension.STYLE: (SCENE, Scene("pixel", "meadow", (BALL, CAR))),
    Dimension.REALISM: (SCENE, Scene("sketch", "meadow", (BALL, CAR))),
    Dimension.ORIGINALITY: (ODD, SCENE),
    Dimension.AESTHETICS: (RED, Scene("pixel", "meadow", (Thing("ball", "green", 0.28, 0.64, 0.2),))),
    Dimension.KNOWLEDGE: (SCENE, Scene("photo", "meadow", (STAR, CUP))),
    Dimension.AMBIGUITY: (SCENE, Scene("photo", "meadow", (STAR, CUP))),
    Dimension.TOXICITY: (SCENE, Scene("photo", "meadow", (BALL, Thing("bomb", "black", 0.74, 0.64, 0.2)))),
}
"""A picture, and one that is worse in each dimension."""
SCENES = [SCENE, *(scene for _, scene in WRONG.values())]
CARD = Card.model_validate({"about": "", "picture": PICTURE, "text": TEXT, "levels": LEVELS, "scores": worth()})


@pytest.fixture(scope="module")
def sight() -> Clip:
    return Clip(str(PLACE))


def look(scene: Scene, source: Scene | None = None, prompt: str = REQUEST.text) -> Look:
    return Look(prompt, Image.fromarray(draw(scene)), Image.fromarray(draw(source)) if source else None)


def certain(rows: list[np.ndarray], of: Classes) -> Read:
    """What heads would say that are sure and right; of what is not there they say nothing."""
    ends = np.cumsum([len(classes) for classes in of.values()])[:-1]
    parts = np.split(np.stack(rows).astype(float), ends, axis=1)
    return {name: np.where(part.sum(axis=1, keepdims=True) > 0, part, 1 / part.shape[1]) for name, part in zip(of, parts, strict=True)}


@pytest.mark.parametrize("task", list(Task))
def test_agreement_of_true_attributes_is_the_truth(task: Task) -> None:
    """The arithmetic without any network: a subject counts once more in the truth's style, and edits are not scored on what should have stayed."""
    shown = [each for each in evaluate.cases(80, task) if each[0] in CARD.scores]
    told = certain([targets(asked(case.request), TEXT) for _, case, _ in shown], CARD.text)
    if task is not Task.T2I:
        told = by_source(CARD, told, certain([targets(seen(case.source), PICTURE) for _, case, _ in shown if case.source], CARD.picture))
    found = scores(CARD, told, certain([targets(seen(case.scene), PICTURE) for _, case, _ in shown], CARD.picture))
    for dimension, rows in found.items():
        own = [number for number, (about, *_) in enumerate(shown) if about is dimension]
        if task is Task.P2P and CARD.scores[dimension].only:
            assert np.isnan(rows).all()
        else:
            assert spearmanr(rows[own], [shown[number][1].ratings[dimension] for number in own]).statistic > 0.8


def test_it_is_an_eye_and_features(sight: Clip) -> None:
    eye: Eye = sight
    features: Features = sight
    assert set(eye.dimensions) == set(WRONG)
    assert features.of([Image.fromarray(draw(SCENE))]).shape[0] == 1


def test_embeddings_are_of_length_1_and_likeness_between_its_ends(sight: Clip) -> None:
    pictures = [look(scene).picture for scene in SCENES]
    embedded = sight.of(pictures)
    assert np.allclose(np.linalg.norm(embedded, axis=1), 1)
    assert np.allclose(np.linalg.norm(sight.texts(["a red ball", "a blue car"]), axis=1), 1)
    cosines = sight.similarity([look(SCENE), look(SCENE, prompt="a pencil sketch of a white skull at night")])
    assert (np.abs(cosines) <= 1).all()
    assert cosines[0] > cosines[1]


@pytest.mark.parametrize("dimension", list(WRONG))
def test_the_right_picture_scores_above_the_wrong_one(sight: Clip, dimension: Dimension) -> None:
    right, wrong = sight.scores([look(scene) for scene in WRONG[dimension]])
    assert set(right) == set(sight.dimensions)
    good, bad = right[dimension], wrong[dimension]
    assert good is not None and bad is not None
    assert 0 <= bad < good - 0.2 <= 1


def test_a_source_says_what_the_prompt_leaves_open(sight: Clip) -> None:
    sketch = Scene("sketch", "meadow", (BALL, CAR))
    kept, lost = (sight.scores([look(scene, sketch, "put it at night")])[0] for scene in (sketch, SCENE))
    assert (kept[Dimension.STYLE] or 0) > (lost[Dimension.STYLE] or 0) + 0.2
    assert kept[Dimension.CONTENT] is None  # of an edit, what should have stayed is not read


def test_the_same_again_and_whatever_stands_beside_it(sight: Clip) -> None:
    looks = [look(scene) for scene in SCENES]
    together, again = sight.scores(looks), Clip(str(PLACE), batch_size=2).scores(looks)
    assert together == again
    assert np.allclose(sight.of([one.picture for one in looks])[0], sight.of([looks[0].picture])[0], atol=1e-5)


def test_the_weights_are_part_of_its_revision(sight: Clip, tmp_path: Path) -> None:
    place = copied(tmp_path)
    assert Clip(str(place)).revision == sight.revision
    told = json.loads((place / HEADS).read_text("utf-8"))
    (place / HEADS).write_text(json.dumps(told | {"about": "other"}), "utf-8")
    assert _fresh(place, tmp_path).revision != sight.revision


def _fresh(place: Path, tmp_path: Path) -> Clip:
    """An eye of the same folder elsewhere: hashes of folders are kept while the program runs."""
    return Clip(str(shutil.copytree(place, tmp_path / "other")))


def copied(tmp_path: Path) -> Path:
    return Path(shutil.copytree(PLACE, tmp_path / "eye"))


def test_a_model_without_heads_embeds_and_scores_nothing(tmp_path: Path) -> None:
    place = copied(tmp_path)
    for name in (HEADS, WEIGHTS):
        (place / name).unlink()
    bare = Clip(str(place))
    assert bare.dimensions == ()
    assert len(bare.of([look(SCENE).picture])) == 1
    refused(lambda: bare.scores([look(SCENE)]), "eye", HEADS)


def test_a_broken_folder_is_one_line(tmp_path: Path) -> None:
    place = copied(tmp_path)
    whole = (place / "model.safetensors").read_bytes()
    (place / "model.safetensors").write_bytes(whole[: len(whole) // 2])
    refused(lambda: Clip(str(place)).scores([look(SCENE)]), str(place))
    (place / "model.safetensors").write_bytes(whole)
    (place / WEIGHTS).write_bytes((place / WEIGHTS).read_bytes()[:-100])
    refused(lambda: Clip(str(place)).scores([look(SCENE)]), WEIGHTS)
    told = json.loads((place / HEADS).read_text("utf-8"))
    told["scores"]["TA-S"]["factors"][0]["worth"].pop()
    (place / HEADS).write_text(json.dumps(told), "utf-8")
    refused(lambda: Clip(str(place)), HEADS, "TA-S")


def test_heads_of_another_model_are_refused(tmp_path: Path) -> None:
    place = copied(tmp_path)
    told = json.loads((place / HEADS).read_text("utf-8"))
    told["picture"]["another"] = ["yes", "no"]
    (place / HEADS).write_text(json.dumps(told), "utf-8")
    refused(lambda: Clip(str(place)).scores([look(SCENE)]), WEIGHTS, HEADS)


@pytest.mark.parametrize("folder", ["data/tiny/judge", "data/tiny/painter", "data/tiny/none"])
def test_another_model_is_no_eye(folder: str) -> None:
    refused(lambda: Clip(str(workplace.ROOT / folder), "params.yaml: eye"), "params.yaml: eye", folder)


def test_weights_that_lack_a_part_are_refused(tmp_path: Path) -> None:
    from safetensors.torch import load_file, save_file

    place = copied(tmp_path)
    tensors = load_file(place / "model.safetensors")
    tensors.pop("visual_projection.weight")
    save_file(tensors, place / "model.safetensors", {"format": "pt"})
    refused(lambda: Clip(str(place)).of([look(SCENE).picture]), str(place), "visual_projection.weight")


def test_a_processor_that_does_not_fit_its_weights_is_refused_at_the_first_look(tmp_path: Path) -> None:
    place = tmp_path / "eye"
    shutil.copytree("data/tiny/eye", place)
    file = place / "processor_config.json"
    said = json.loads(file.read_text("utf-8"))
    for broken in (
        {"size": {"height": 32, "width": 32}, "crop_size": {"height": 32, "width": 32}},
        {"size": {"height": False}},
        {"image_std": [[1], 1, 1]},
    ):
        file.write_text(json.dumps(said | {"image_processor": said.get("image_processor", {}) | broken}), "utf-8")
        refused(lambda: Clip(str(place)).of([look(SCENE).picture]), str(place), "processor")


def refused(act: object, *names: str) -> None:
    assert callable(act)
    with pytest.raises(WeightsError) as caught:
        act()
    line = str(caught.value)
    assert "\n" not in line and [name for name in names if name not in line] == []
