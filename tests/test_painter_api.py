"""Pictures from an images API: what it refuses, throttles, spoils or never answers is told apart, and nothing is paid for twice."""

from pathlib import Path
from typing import Any

import pytest
from lines import names
from painted import P2P, T2I, place, rows

from trig import params
from trig.backends import painters
from trig.backends.painters.openai import GONE
from trig.backends.weights import model_description, revision
from trig.errors import PainterError, TrigError, WeightsError
from trig.params.models.openai import ServedModel
from trig.protocols.generator import Order, Picture
from trig.protocols.refusal import Refusal
from trig.testing import factories
from trig.testing.servers import running
from trig.testing.studio import SIDE, Studio

ENTRY = {"backend": "openai", "model": "stub", "needs": "params.yaml", "width": SIDE, "height": SIDE, "timeout": 1.0, "retries": 2}
COMMIT = "0123456789abcdef0123456789abcdef01234567"
FAULTS = {
    "thing 1": "refuse",
    "thing 2": "throttle",
    "thing 3": "time out",
    "thing 4": "damage",
    "thing 5": "size",
    "thing 6": "url",
    "thing 7": "fail",
    "thing 8": "garble",
}


@pytest.fixture(autouse=True)
def no_key(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("OPENAI_API_KEY", "ALL_PROXY", "HTTP_PROXY", "HTTPS_PROXY"):
        monkeypatch.delenv(name, raising=False)


def entry(*addresses: str, **said: Any) -> dict[str, Any]:
    return {**ENTRY, "endpoints": [f"{address}/v1" for address in addresses], **said}


def opened(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *addresses: str, **said: Any) -> Any:
    """The painter of an entry."""
    place(tmp_path, monkeypatch, 1, api=entry(*addresses, **said))
    return painters.load(params.load(), "api")


def test_a_file_that_stands_for_the_model_counts_and_must_be_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(WeightsError, match=names("params.yaml: models.api.needs", "model.txt", "`dvc pull`")):
        opened(tmp_path, monkeypatch, "http://127.0.0.1:9", needs="model.txt")
    revisions = set()
    for text in ("one", "another"):
        Path("model.txt").write_text(text, "utf-8")
        revision.cache_clear()
        revisions.add(painters.load(params.load(), "api").revision)
    revision.cache_clear()
    assert len(revisions) == 2


def test_a_commit_is_what_is_recorded_of_weights_in_the_hub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class Hosted(ServedModel):
        """An entry of a backend of its own, with weights."""

        @property
        def loads(self) -> str:
            return f"hub:owner/name@{COMMIT}"

    place(tmp_path, monkeypatch, 1, api=entry("http://127.0.0.1:9"))
    known = params.load().model("api")
    assert model_description(known, "models.api", engine_in_key=False) == {"needs": "params.yaml", "revision": None}
    hosted = Hosted.model_validate(known.model_dump())
    assert model_description(hosted, "models.api", engine_in_key=False) == {"needs": "params.yaml", "revision": COMMIT}


def test_every_failure_of_a_server_is_told_apart(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with running(studio := Studio(FAULTS)) as address:
        place(tmp_path, monkeypatch, 9, api=entry(address))
        found = rows(tmp_path, "api")
        assert {of: row["status"] for of, row in found.items()} == {
            f"t2i {number}": "ok" if number in {2, 6, 9} else "null" for number in range(1, 10)
        }
        assert {of: row["reason"] for of, row in found.items() if row["status"] == "null"} == {
            "t2i 1": "the provider's content filter refused the prompt",
            "t2i 3": "no answer in 3 tries; last: no answer in time",
            "t2i 4": "damaged in the answer: the picture cannot be decoded (OSError)",
            "t2i 5": f"{2 * SIDE} × {SIDE} pixels, where {SIDE} × {SIDE} were asked for",
            "t2i 7": "no answer in 3 tries; last: HTTP 500",
            "t2i 8": "the picture in the answer is no base64",
        }
        assert {studio.asked[f"A thing {number}, drawn for IQ-R_TA-C."] for number in (3, 7)} == {3}
        before = studio.asked.copy()
        studio.faults = {}
        again = rows(tmp_path, "api")
    asked = {prompt for prompt, count in studio.asked.items() if count > before[prompt]}
    assert asked == {f"A thing {number}, drawn for IQ-R_TA-C." for number in (3, 4, 7, 8)}
    assert {of for of, row in again.items() if row["status"] == "null"} == {"t2i 1", "t2i 5"}


@pytest.mark.parametrize(
    ("fault", "said", "final"),
    [
        ("refuse", "the provider's content filter refused the prompt", True),
        ("time out", "no answer in 3 tries; last: no answer in time", False),
        ("fail", "no answer in 3 tries; last: HTTP 500", False),
        ("damage", "damaged in the answer: the picture cannot be decoded (OSError)", False),
        ("garble", "the picture in the answer is no base64", False),
        ("nothing", "no answer in 3 tries; last: an answer of another shape", False),
        ("size", f"{2 * SIDE} × {SIDE} pixels, where {SIDE} × {SIDE} were asked for", True),
        ("url HERE/files/1/gone.png", "the picture cannot be fetched from the address in the answer (HTTP 404)", False),
        ("url HERE/files/1/moved.png", "the picture cannot be fetched from the address in the answer (HTTP 302)", False),
        ("url HERE/files/1/large.png", "the file at the address in the answer is larger than 64 MB", False),
        (
            "url http://localhost/x.png",
            "the answer names an address that is not fetched: neither https nor of the server's own host",
            False,
        ),
        (
            "url https://10.0.0.1/x.png",
            "the answer names an address that is not fetched: neither https nor of the server's own host",
            False,
        ),
        ("url file:///etc/passwd", "the answer names an address that is not fetched: neither https nor of the server's own host", False),
    ],
)
def test_a_picture_that_does_not_come_has_its_reason(
    fault: str, said: str, final: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with running(studio := Studio()) as address:
        studio.faults = {"ball": fault.replace("HERE", address)}
        (made,) = opened(tmp_path, monkeypatch, address).generate([Order("a ball", 1)])
        assert isinstance(made, Refusal) and (made.reason, made.final) == (said, final)


def test_orders_of_a_batch_are_asked_for_at_once_and_given_in_order(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    orders = [Order(f"a ball {number}", number) for number in range(24)]
    with running(studio := Studio()) as one, running(other := Studio()) as two:
        made = opened(tmp_path / "a", monkeypatch, one, two).generate(orders)
        alone = opened(tmp_path / "b", monkeypatch, one)
        assert made == [alone.generate([order])[0] for order in orders]
    assert all(isinstance(each, Picture) for each in made)
    assert studio.busiest > 1 and other.busiest > 1


def test_what_only_fills_a_batch_is_not_asked_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with running(studio := Studio()) as address:
        made = opened(tmp_path, monkeypatch, address).generate([Order(f"a ball {number}", 1, spare=number != 1) for number in range(3)])
    assert [isinstance(each, Picture) for each in made] == [False, True, False]
    assert dict(studio.asked) == {"a ball 1": 1}


def test_a_request_says_what_the_entry_says(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with running(studio := Studio()) as address:
        opened(tmp_path / "a", monkeypatch, address, seed=True, call={"quality": "low"}).generate([Order("a ball", 2**62 + 5)])
        opened(tmp_path / "b", monkeypatch, address, call={"size": None}).generate([Order("a ball", 1)])
    whole = {"model": "stub", "prompt": "a ball", "n": 1, "size": f"{SIDE}x{SIDE}", "quality": "low", "seed": 2**30}
    assert studio.bodies == [whole, {"model": "stub", "prompt": "a ball", "n": 1}]


def test_an_edit_sends_its_source(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with running(studio := Studio()) as address:
        place(tmp_path, monkeypatch, 2, (T2I, P2P), api=entry(address, edits=True, seed=True, call={"quality": "low"}))
        found = rows(tmp_path, "api")
    assert {row["status"] for row in found.values()} == {"ok"}
    edits = [body for body in studio.bodies if isinstance(body["n"], str)]
    assert sorted(edits, key=str) == sorted(
        (
            {"model": "stub", "prompt": body["prompt"], "n": "1", "size": f"{SIDE}x{SIDE}", "quality": "low", "seed": body["seed"]}
            for body in edits
        ),
        key=str,
    )
    assert {body["seed"] for body in edits} == {str(found[f"p2p {number}"]["seed"] >> 32) for number in (1, 2)}
    assert sorted(studio.sources) == sorted(("image/png", factories.png(number)) for number in (1, 2))


def test_a_server_that_does_not_edit_is_asked_for_no_edit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with running(studio := Studio()) as address:
        painter = opened(tmp_path, monkeypatch, address)
        with pytest.raises(TrigError, match=names("params.yaml: models.api.edits", "false")):
            painter.generate([Order("bluer", 1, factories.png(1))])
    assert not studio.bodies


def test_the_key_goes_to_the_server_and_not_to_where_a_picture_lies(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PAINTER_KEY", "secret-of-the-server")
    with running(studio := Studio({"ball": "url"}, key="secret-of-the-server")) as address:
        made = opened(tmp_path, monkeypatch, address, key="PAINTER_KEY").generate([Order("a ball", 1)])
    assert isinstance(made[0], Picture) and made[0].file == factories.png(3, SIDE, SIDE)
    assert studio.headers and not [value for header in studio.headers for value in header.values() if "secret" in value]


@pytest.mark.parametrize(
    ("said", "named"),
    [
        ({"key": "ABSENT_KEY"}, ("models.api.key", "ABSENT_KEY")),
        ({"key": "WRONG_KEY"}, ("models.api.key", "does not accept")),
        ({"model": "other"}, ("models.api.model", "'other'", "stub")),
        ({"call": {"style": "vivid"}}, ("models.api.call", "stub", "style")),
    ],
)
def test_what_a_person_must_mend_stops_at_the_first_picture(
    said: dict[str, Any], named: tuple[str, ...], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WRONG_KEY", "wrong")
    with running(studio := Studio(key="right" if "key" in said else "")) as address:
        painter = opened(tmp_path, monkeypatch, address, concurrency=1, **said)
        with pytest.raises(PainterError, match=names("params.yaml", *named)):
            painter.generate([Order(f"a ball {number}", 1) for number in range(4)])
    assert len(studio.bodies) <= 1


def test_a_server_that_is_gone_stops_the_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with running(studio := Studio({"ball": "fail"})) as address:
        painter = opened(tmp_path, monkeypatch, address, retries=0)
        with pytest.raises(PainterError, match=names("params.yaml: models.api.endpoints", GONE)):
            painter.generate([Order(f"a ball {number}", 1) for number in range(2 * GONE)])
    assert sum(studio.asked.values()) < 2 * GONE


def test_where_and_how_servers_are_reached_decides_no_picture(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    plain = opened(tmp_path / "0", monkeypatch, "http://127.0.0.1:9")
    same = {"timeout": 9.0, "retries": 9, "concurrency": 9, "price": 0.5}
    others = {"call": {"quality": "low"}, "seed": True, "model": "other", "width": 32}
    revisions = [
        opened(tmp_path / name, monkeypatch, "http://127.0.0.1:8", **{name: value}).revision for name, value in (same | others).items()
    ]
    assert revisions[: len(same)] == [plain.revision] * len(same)
    assert len({plain.revision, *revisions}) == 1 + len(others)


def test_a_run_with_all_pictures_stored_contacts_no_server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with running(Studio()) as address:
        place(tmp_path, monkeypatch, 2, api=entry(address))
        first = rows(tmp_path, "api")
    assert rows(tmp_path, "api") == first


@pytest.mark.parametrize(
    ("said", "named"),
    [
        ({"endpoints": ["http://user:password@127.0.0.1/v1"]}, ("models.api.endpoints", "without a user")),
        ({"key": "sk-123"}, ("models.api.key", "environment variable")),
        ({"call": {"n": 2}}, ("models.api", "call", "'n'", "'generate'")),
        ({"weights": "x"}, ("models.api.weights", "unknown")),
        ({"price": -1.0}, ("models.api.price", "-1.0")),
    ],
)
def test_a_mistake_in_the_entry_is_one_line(
    said: dict[str, Any], named: tuple[str, ...], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    place(tmp_path, monkeypatch, 1, api=entry("http://127.0.0.1:9") | said)
    with pytest.raises(TrigError, match=names("params.yaml", *named)) as failed:
        params.load()
    assert "sk-123" not in str(failed.value) and "password@" not in str(failed.value)
