"""YAML is parsed as DVC parses it."""

import pytest
from dvc.utils.serialize import parse_yaml

from trig.notation import NotationError, read


@pytest.mark.parametrize(
    "text",
    [
        *("x: 1e-05", "x: 1e-5", "x: 1e3", "x: 010", "x: 0o10", "x: 0x1F", "x: 1:30", "x: yes", "x: no", "x: on", "x: OFF", "x: 1_000"),
        *("x: .5", "x: 1.", "x: +1", "x: ~", "x: .inf", "x: !!str 3", "a: &b 1\nc: *b", "%YAML 1.1\n---\nx: yes", "x: '1e-05'", "x: 12e03"),
    ],
)
def test_a_value_is_what_dvc_takes_it_for(text: str) -> None:
    assert read(text) == parse_yaml(text, "x.yaml") and type(next(iter(read(text).values()))) is type(
        next(iter(parse_yaml(text, "").values()))
    )


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("key: sk-hush\nkey: sk-hush-too", 'line 2, column 1: found duplicate key "key"'),
        ("a: [1", "line 2, column 1: "),
        ("x: !!python/object:os.system 1", "could not determine a constructor"),
        ("x: \0", ""),
        *(
            (f"x: {value}", "a date or a number is none")
            for value in ("2024-13-45", "!!int hush", "2024-01-01T25:00:00Z", "1" + "0" * 5000)
        ),
    ],
)
def test_what_is_no_yaml_is_one_line_without_a_value(text: str, said: str) -> None:
    with pytest.raises(NotationError) as failed:
        read(text)
    assert said in str(failed.value) and "hush" not in str(failed.value) and len(str(failed.value).splitlines()) == 1


def test_a_byte_order_mark_is_no_text() -> None:
    assert read("\ufeffx: 1") == {"x": 1}
