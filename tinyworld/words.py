"""The painter's tokenizers: a token a word."""

from functools import cache
from itertools import chain

from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors
from transformers import PreTrainedTokenizerFast

from tinyworld import language, scene

MAX_TOKENS = 24
"""Longest prompt the painter reads, in words and punctuation marks."""
_SPECIAL = ("<pad>", "<s>", "</s>", "<unk>")
_EDITING = "make it the this put replace with add ,"


@cache
def vocabulary() -> tuple[str, ...]:
    """All words of the tiny world, the special tokens first."""
    phrases = chain(
        language.STYLE_WORDS.values(), language.PLACE_WORDS.values(), language.RELATION_WORDS.values(), language.RIDDLES.values(),
        language.COLOUR_RIDDLES.values(), language.VAGUE, language.SUFFIXES.values(), scene.KINDS, scene.COLOURS, scene.ROLES,
        ("a", "an", "the colour of", _EDITING),
    )  # fmt: skip
    return (*_SPECIAL, *sorted({word for phrase in phrases for word in phrase.split()}))


def tokenizer(begin: bool) -> PreTrainedTokenizerFast:
    """Words to ids; ends with `</s>`, and begins with `<s>` if asked to (as CLIP's does, and T5's does not)."""
    words = Tokenizer(models.WordLevel({word: number for number, word in enumerate(vocabulary())}, unk_token="<unk>"))
    words.normalizer = normalizers.Lowercase()
    words.pre_tokenizer = pre_tokenizers.Sequence([pre_tokenizers.WhitespaceSplit(), pre_tokenizers.Punctuation()])
    words.post_processor = processors.TemplateProcessing(
        single=f"{'<s> ' if begin else ''}$A </s>", special_tokens=[("<s>", 1), ("</s>", 2)]
    )
    return PreTrainedTokenizerFast(
        tokenizer_object=words,
        pad_token="<pad>",
        bos_token="<s>",
        eos_token="</s>",
        unk_token="<unk>",
        model_max_length=MAX_TOKENS + 2 * begin,
    )
