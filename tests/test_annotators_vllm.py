"""A real vLLM server writes prompts: a tiny model of random weights, whose answers are valid by constrained decoding and nothing else."""

from collections.abc import Iterator
from pathlib import Path

import pytest
import torch
from annotating import MATERIAL, annotator, brief, consume, drafts, whole
from tokenizers import Tokenizer, decoders, models, pre_tokenizers
from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

from trig.annotate import run, write
from trig.annotate.asked import Desk, Errand, answers
from trig.annotate.draft import Draft
from trig.annotate.material import material
from trig.annotate.shapes import PROMPT, Recovered, Shown
from trig.annotate.written import written
from trig.protocols.annotator import Ask, Reply
from trig.protocols.refusal import Refusal
from trig.store import Store
from trig.testing import vllm
from trig.vocabulary.dimensions import SUBSETS, Task

CONTEXT = 8192
END, UNKNOWN = "<|end|>", "<|unknown|>"
TEMPLATE = "{% for message in messages %}{{ message['role'] }}: {{ message['content'] }}\n{% endfor %}assistant: "
COUNT = 8
# No seed: vLLM for the CPU ends at the first batch of several seeded questions.
ENTRY = {"provider": "vllm", "model": "tiny", "temperature": 1.0, "longest": 1500, "timeout": 300.0}


def babbler(folder: Path) -> Path:
    """A Llama of random weights that reads and writes printable ASCII."""
    letters = sorted(
        {letter for letter in pre_tokenizers.ByteLevel.alphabet() if " " < letter <= "~"} | {"Ġ", "Ċ"}
    )  # and blank and line feed
    bytewise = Tokenizer(
        models.BPE(vocab={letter: number for number, letter in enumerate([UNKNOWN, *letters])}, merges=[], unk_token=UNKNOWN)
    )
    bytewise.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)
    bytewise.decoder = decoders.ByteLevel()
    bytewise.add_special_tokens([END, UNKNOWN])
    tokenizer = PreTrainedTokenizerFast(tokenizer_object=bytewise, eos_token=END, pad_token=END, chat_template=TEMPLATE)
    tokenizer.save_pretrained(folder)
    torch.manual_seed(0)
    config = LlamaConfig(
        vocab_size=len(tokenizer),
        hidden_size=64,
        intermediate_size=128,
        num_hidden_layers=2,
        num_attention_heads=2,
        num_key_value_heads=2,
        head_dim=32,
        max_position_embeddings=CONTEXT,
        bos_token_id=None,
        eos_token_id=tokenizer.eos_token_id,
        pad_token_id=tokenizer.pad_token_id,
    )
    LlamaForCausalLM(config).save_pretrained(folder)
    return folder


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    if not vllm.SERVE.is_file():
        pytest.skip(f"there is no {vllm.SERVE} to build vLLM with")
    with vllm.started(babbler(tmp_path_factory.mktemp("babbler")), "--max-model-len", str(CONTEXT)) as found:
        yield found


def test_drafts_of_all_tasks_are_written_and_kept(address: str) -> None:
    made = [draft for task in Task for route in ("refine", "expand") for draft in drafts(COUNT // 2, task, route)]
    store = Store.passing()
    desk = Desk(annotator(address, **ENTRY), store, consume, 0, 0)
    first = list(written(made, brief(made), desk, "vllm"))
    assert [template for template, _ in first] == made
    prompts = [said for _, said in first if isinstance(said, Draft)]
    assert len(prompts) == len(made), [said for _, said in first if isinstance(said, Refusal)]
    assert all(0 < len(said.prompt) <= PROMPT and said.annotator == "x: vllm/tiny" and said.template is None for said in prompts)
    assert len({said.prompt for said in prompts}) == len({write.question(draft, brief(made)) for draft in made})
    assert list(written(made, brief(made), desk, "vllm")) == first


def test_the_checks_are_answered_in_their_shapes(address: str) -> None:
    asked = [write.shows("a girl beside a dog", ("beside", "")), *(write.recovery(f"a girl and {count} dogs") for count in range(3))]
    found = list(answers([Errand(ask) for ask in asked], Desk(annotator(address, **ENTRY), Store.passing(), consume, 0, 0)))
    for ask, said in zip(asked, found, strict=True):
        if isinstance(said, Reply):
            assert isinstance(said.answer, ask.shape) and said.prompt_tokens and said.completion_tokens
        else:
            assert ask.shape is Recovered and "name two different codes" in said.reason


def test_without_constrained_decoding_the_same_model_is_refused_with_a_reason(address: str) -> None:
    ask = Ask("system", "text", Shown)
    ((_, said),) = annotator(address, **{**ENTRY, "longest": 64, "overrides": {"json": "none"}}).ask([ask])
    assert isinstance(said, Refusal) and said.reason.startswith("no answer of the shape asked for, after a repair: ")


def test_every_draft_of_a_whole_benchmark_is_accepted_or_rejected_with_its_reason(
    address: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In one round; nobody reads such prompts, and the checks say so."""
    monkeypatch.setattr(run, "ROUNDS", 1)
    made = whole(annotator(address, **ENTRY, concurrency=32), tmp_path)
    given = material(MATERIAL, allow_toxic=False)
    slots = sum(given.parent(*subset) is None for subset in SUBSETS)
    assert (made.prompts["route"] != "copy").sum() + made.rejected.height == slots
    assert all(made.rejected["reason"]) and set(made.rejected["annotator"]) <= {"x: vllm/tiny", "template"}
    assert (made.rejected["annotator"] == "x: vllm/tiny").sum() > 90
