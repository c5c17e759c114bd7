"""Word-level tokenizers of the painter."""

from functools import cache
from itertools import chain

from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors
from transformers import PreTrainedTokenizerFast

from tinyworld import language, scene

MAX_TOKENS = 24
"""Maximum prompt length in words and punctuation marks."""
_SPECIAL = ("<pad>", "<s>", "</s>", "<unk>")
_EDITING = "make it the this put replace with add ,"


@cache
def vocabulary() -> tuple[str, ...]:
    """Vocabulary, special tokens first."""
    phrases = chain(
        language.STYLE_WORDS.values(), language.PLACE_WORDS.values(), language.RELATION_WORDS.values(), language.RIDDLES.values(),
        language.COLOUR_RIDDLES.values(), language.VAGUE, language.SUFFIXES.values(), scene.KINDS, scene.COLOURS, scene.ROLES,
        ("a", "an", "the colour of", _EDITING),
    )  # fmt: skip
    return (*_SPECIAL, *sorted({word for phrase in phrases for word in phrase.split()}))


def tokenizer(begin: bool, known: tuple[str, ...] | None = None, most: int | None = None) -> PreTrainedTokenizerFast:
    """Word-level tokenizer; appends `</s>`, and prepends `<s>` if asked to (CLIP's convention, not T5's).

    `known` is another order of the vocabulary, `most` another length.
    """
    known = known or vocabulary()
    words = Tokenizer(models.WordLevel({word: number for number, word in enumerate(known)}, unk_token="<unk>"))
    words.normalizer = normalizers.Lowercase()
    words.pre_tokenizer = pre_tokenizers.Sequence([pre_tokenizers.WhitespaceSplit(), pre_tokenizers.Punctuation()])
    words.post_processor = processors.TemplateProcessing(
        single=f"{'<s> ' if begin else ''}$A </s>", special_tokens=[(mark, known.index(mark)) for mark in ("<s>", "</s>")]
    )
    return PreTrainedTokenizerFast(
        tokenizer_object=words,
        pad_token="<pad>",
        bos_token="<s>",
        eos_token="</s>",
        unk_token="<unk>",
        model_max_length=most or MAX_TOKENS + 2 * begin,
    )
