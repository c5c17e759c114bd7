"""The verdicts that the pipeline reads."""

from pathlib import Path

import pytest
from lines import names
from workplace import ROOT

from trig.annotate.review import verdicts
from trig.errors import TrigError
from trig.run.code import Code


def test_a_folder_without_files_is_no_review(tmp_path: Path) -> None:
    (tmp_path / "README.md").write_text("here", "utf-8")
    (tmp_path / "._a.csv").write_text("hidden", "utf-8")
    assert verdicts(tmp_path) is None
    (tmp_path / "a.csv").write_text("key,verdict,votes,reason\n", "utf-8")
    assert verdicts(tmp_path) == {} == verdicts(tmp_path / "a.csv")


@pytest.mark.parametrize("name", ["none", "none.csv", "reviews/none.v2", "link"])
def test_a_path_that_is_not_there_is_one_line(name: str, tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(tmp_path / "nothing")
    with pytest.raises(TrigError, match=names(tmp_path / name, "annotate.review")):
        verdicts(tmp_path / name)


@pytest.mark.parametrize("file", ["A.CSV", "a.Csv"])
def test_a_folder_may_have_a_dot_and_a_file_capital_letters(file: str, tmp_path: Path) -> None:
    (tmp_path / "review.v2").mkdir()
    assert verdicts(tmp_path / "review.v2") is None
    (tmp_path / "review.v2" / file).write_text("key,verdict,votes,reason\nk1,accept,1:0,\n", "utf-8")
    assert list(verdicts(tmp_path / "review.v2") or {}) == ["k1"] == list(verdicts(tmp_path / "review.v2" / file) or {})


def test_files_of_a_folder_are_one_review(tmp_path: Path) -> None:
    head = "key,verdict,votes,reason,whatever\n"
    (tmp_path / "a.csv").write_text(f"{head}k1,open,1:1,a tie\nk2,accept,2:0,fine\n", "utf-8")
    (tmp_path / "b.csv").write_text(f"{head}k1, Accept ,3:0,fine\nk2,open,1:1,a tie\nk3,reject,0:1,no\n", "utf-8-sig")
    found = verdicts(tmp_path) or {}
    assert {key: one.verdict for key, one in found.items()} == {"k1": "accept", "k2": "accept", "k3": "reject"}
    (tmp_path / "c.csv").write_text(f"{head}k3,accept,1:0,yes\n", "utf-8")
    with pytest.raises(TrigError, match=names(tmp_path / "c.csv", "k3", "accept", "reject", tmp_path / "b.csv")):
        verdicts(tmp_path)


@pytest.mark.parametrize(
    ("rows", "said"),
    [
        ("k1,accepted,1:0,", "line 2: verdict 'accepted' is unknown; write accept, reject, open"),
        ("1.2E+30,accept,1:0,", "line 2: key '1.2E+30': a spreadsheet program made a number of it; import the column as text"),
        (" ,accept,1:0,", "line 2: column 'key' is empty"),
        ("k1,accept,1:0,\nk1,accept,1:0,", "line 3: prompt k1 stands in an earlier row too; keep one"),
    ],
)
def test_verdicts_that_are_not_sound_are_one_line(tmp_path: Path, rows: str, said: str) -> None:
    file = tmp_path / "a.csv"
    file.write_text(f"key,verdict,votes,reason\n{rows}\n", "utf-8")
    with pytest.raises(TrigError) as raised:
        verdicts(file)
    assert str(raised.value).startswith(f"{file}: {said}")


def test_reading_verdicts_does_not_depend_on_the_code_of_the_page() -> None:
    read = set(Code(ROOT).closure("trig/annotate/review/__init__.py"))
    own = {f"trig/annotate/{name}.py" for name in ("__init__", "review/__init__", "review/sheet")}
    assert {file for file in read if file.startswith("trig/annotate/")} == own
