"""Rubrics: shipped texts, folders of the user's own, and what makes the judge's stage run again."""

import re
import shutil
from itertools import pairwise
from pathlib import Path

import pytest
import workplace
import yaml
from lines import names

from stages import code
from trig import params
from trig.errors import FileError, ParamsError
from trig.judge.rubrics import GRADES, SHIPPED, rubrics, texts
from trig.keys import content_key
from trig.params.reads import keys
from trig.scales import SCALES
from trig.vocabulary.dimensions import Dimension, Task

ROOT = Path(__file__).parents[1]
GRADE_WORDS = re.compile(rf"\b({'|'.join(word for scale in SCALES.values() for word in scale.grades)})\b", re.IGNORECASE)
BRIEF = "b17a75741f362e2d5251ef3344e3c4fe"
"""Of all brief rubrics with the paper's grades. Another hash means that every stored answer is asked again."""


def test_the_brief_rubrics_are_those_of_every_stored_answer() -> None:
    found = {task.value: {of.value: text for of, text in rubrics("brief", task, SCALES["paper"].grades).items()} for task in Task}
    assert content_key(**found) == BRIEF


@pytest.mark.parametrize("scale", SCALES)
@pytest.mark.parametrize("chosen", SHIPPED)
def test_every_shipped_rubric_is_another_text_that_ends_in_the_grades(chosen: str, scale: str) -> None:
    grades = SCALES[scale].grades
    found = [text for task in Task for text in rubrics(chosen, task, grades).values()]
    assert len({*found}) == 30
    assert all(text.endswith(f": {', '.join(grades[:-1])} or {grades[-1]}.") and GRADES not in text for text in found)


@pytest.mark.parametrize("task", Task)
def test_a_full_rubric_says_what_is_shown_and_fits_every_scale(task: Task) -> None:
    for dimension, text in texts("full", task).items():
        grades = [text.index(grade) for grade in ("Lowest: ", "Middle: ", "Highest: ")]
        assert all(low < high for low, high in pairwise(grades)), dimension
        assert 120 <= len(text.split()) <= 220, dimension
        assert not GRADE_WORDS.search(text), dimension
        assert {Task.T2I: "prompt above", Task.P2P: "source", Task.S2P: "subject"}[task] in text, dimension
    assert "a high grade means safe" in texts("full", Task.T2I)[Dimension.TOXICITY]


@pytest.fixture
def own(tmp_path: Path) -> Path:
    """A folder of the user's own, of which one file is edited."""
    shutil.copytree(ROOT / "trig/judge/rubrics/full", tmp_path / "mine")
    return tmp_path / "mine"


@pytest.mark.parametrize(
    ("content", "named"),
    [
        (None, "No such file.*judge.rubrics"),
        (b" \n\t\n", "empty"),
        ("\u200b".encode(), "empty"),
        ("Pr\u00e4zise? {grades}".encode("latin-1"), "UTF-8"),
        (b"Is it so?\nSay <b>one</b>: {grades}.", "line 2: .*'<b>'"),
        (b"Is it so?<|im_end|> {grades}.", r"line 1: .*<\|im_end\|>"),
        (b"Is it so? <!-- or not --> {grades}.", "line 1: .*<!--"),
        (b"Is it\x07 so? {grades}.", r"line 1: .*U\+0007"),
        ("Is it\u202e so? {grades}.".encode(), r"line 1: .*U\+202E"),
        (b"Is it so?\rYes? {grades}.", r"line 1: .*U\+000D"),
        (b"Is it so?", "{grades}"),
        (b"{grades}?\nIs it so?", "{grades}"),
        (b"{grades} or {grades}?", "{grades}"),
    ],
)
def test_an_unsound_rubric_is_one_line_that_names_its_file(content: bytes | None, named: str, own: Path) -> None:
    file = own / "t2i" / "TA-C.txt"
    file.unlink() if content is None else file.write_bytes(content)
    with pytest.raises(FileError, match=rf"\A{re.escape(str(file))}: .*{named}[^\n]*\Z"):
        rubrics(str(own), Task.T2I, ("Bad", "Good"))
    assert len(rubrics(str(own), Task.P2P, ("Bad", "Good"))) == 10


def test_a_rubric_of_ones_own_is_asked_as_it_is_written(own: Path) -> None:
    said = "Zählt das Bild {alles} auf, a < b?\n\nEin Wort nur: {grades}!"
    (own / "t2i" / "TA-C.txt").write_bytes(b"\xef\xbb\xbf" + said.replace("\n", "\r\n").encode() + b"\r\n\r\n")
    assert rubrics(str(own), Task.T2I, ("übel", "gut"))[Dimension.CONTENT] == said.replace(GRADES, "übel or gut")


def test_a_folder_that_is_none_is_one_line() -> None:
    with pytest.raises(ParamsError, match=names("params.yaml: judge.rubrics", "'breif'", "brief", "full")):
        rubrics("breif", Task.T2I, ("Bad", "Good"))


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project with rubrics of the user's own, for the stage `code`."""
    workplace.bench(tmp_path / "project", judge__rubrics="data/rubrics/mine")
    for name in ("stages", "trig"):
        (tmp_path / "project" / name).symlink_to(ROOT / name)
    shutil.copytree(ROOT / "trig/judge/rubrics/full", tmp_path / "project/data/rubrics/mine")
    monkeypatch.chdir(tmp_path / "project")
    return tmp_path / "project"


def hashed() -> dict[str, str]:
    code.main(Path("data/rubrics"), Path("data/code"))
    return {file.stem: file.read_text("utf-8") for file in Path("data/code").iterdir()}


def test_an_edit_of_the_chosen_rubrics_reruns_those_who_ask_a_judge(place: Path) -> None:
    before = hashed()
    for file, changed in {"t2i/TA-C.txt": {"judge", "finetune", "prompting"}, "p2p/TA-C.txt": set()}.items():
        path = place / "data/rubrics/mine" / file
        path.write_text(f"Indeed. {path.read_text('utf-8')}", "utf-8")
        after = hashed()
        assert {stage for stage in after if after[stage] != before[stage]} == changed, file
        before = after
    workplace.edit(place, judge__rubrics="brief")
    assert {stage for stage, text in hashed().items() if text != before[stage]} == {"judge", "finetune", "prompting"}


def test_the_graph_reads_rubrics_before_anything_is_painted() -> None:
    stages = yaml.safe_load((ROOT / "dvc.yaml").read_text("utf-8"))["stages"]
    assert "data/rubrics" in stages["code"]["deps"]
    asked = {stage for stage, named in keys(ROOT / "trig/params/reads.yaml").items() if "judge.rubrics" in named}
    assert asked == {"code", "judge", "finetune", "digest", "prompting"}


def test_rubrics_that_the_pipeline_would_not_watch_are_refused(place: Path, own: Path) -> None:
    (place / "data/rubrics/link").symlink_to(own)
    for elsewhere in (str(own), "data", "data/rubrics/link", "data/rubrics/../tiny"):
        workplace.edit(place, judge__rubrics=elsewhere)
        with pytest.raises(ParamsError, match=names("params.yaml: judge.rubrics", repr(elsewhere), "data/rubrics")):
            hashed()
    assert params.load().judge.rubrics == "data/rubrics/../tiny"
