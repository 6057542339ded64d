"""The tokenizer: byte-level BPE over words, trained on the documents of `mixture.py`.

Text is cut so that a word is the same tokens wherever it stands: digits, spaces and marks stand alone, and a space belongs
to the word after it only for the commonest small words. So what is copied from a sentence into JSON, into brackets or
behind a line's head is copied token by token, and a prompt that ends after a space is a prefix of its continuation.
The marks around JSON's keys and values, which always come together, are one token each.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from tokenizers import Regex, Tokenizer, decoders, pre_tokenizers, processors, trainers
from tokenizers import models as bpe

from models.document import BEGIN, END, SPECIALS, TURN_END, Document, rendered
from models.world.words import words

ENTRIES = 4096
POSITIONS = 4096

SMALL_WORDS = words("""\
the of is a and in to it was for on at are with by from an as that this what which how many or not be have has do does
you your my we they one who than be can its but so if were all no more""")

CUTS = (
    rf" (?:{'|'.join(dict.fromkeys(SMALL_WORDS))})(?![\p{{L}}\p{{M}}])"  # a small word with its space
    r"|\p{L}+"  # a word, or a piece of one
    r"|\p{N}"  # a digit
    r'|": "?|", "|\{"|"\}|, "|[.,] '  # what stands between values of JSON, and a mark with its space
    r"|[^\s\p{L}\p{N}]|\s"  # a mark, a space
)

CHAT_TEMPLATE = """\
{{- bos_token -}}
{%- for message in messages -%}
    {%- if message['role'] not in ['system', 'user', 'assistant'] -%}
        {{- raise_exception('unknown role: ' + message['role']) -}}
    {%- endif -%}
    {{- '<|' + message['role'] + '|>\\n' + message['content'] + '<|turn_end|>\\n' -}}
{%- endfor -%}
{%- if add_generation_prompt -%}
    {{- '<|assistant|>\\n' -}}
{%- endif -%}
"""


def trained(texts: Iterable[str], entries: int = ENTRIES) -> Tokenizer:
    """A tokenizer with so many entries, the special tokens first."""
    tokenizer = Tokenizer(bpe.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [
            pre_tokenizers.Split(Regex(CUTS), behavior="isolated"),
            pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False),
        ]
    )
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=entries,
        special_tokens=list(SPECIALS),
        initial_alphabet=sorted(pre_tokenizers.ByteLevel.alphabet()),
        show_progress=False,
    )
    tokenizer.train_from_iterator(texts, trainer)
    if tokenizer.get_vocab_size() != entries:
        raise ValueError(f"the texts are too few: {tokenizer.get_vocab_size()} entries instead of {entries}")
    tokenizer.post_processor = processors.TemplateProcessing(
        single=f"{BEGIN} $A", pair=f"{BEGIN} $A {BEGIN} $B", special_tokens=[(BEGIN, tokenizer.token_to_id(BEGIN))]
    )
    return tokenizer


def text_of(document: Document) -> str:
    """The document without its control tokens, to train a tokenizer on."""
    text = "".join(text for text, _ in rendered(document))
    for special in SPECIALS:
        text = text.replace(special, "")
    return text


def encoded(tokenizer: Tokenizer, document: Document) -> tuple[list[int], list[tuple[int, int]]]:
    """The ids of a document as the engine has them, and where its answers are: (first, behind the last).

    What a gen draws is encoded by itself; a choice of a select together with what stands before it. The token after an
    answer, which ends it, is counted in.
    """
    ids = [] if document.messages[0].role is not None else [id_of(tokenizer, BEGIN)]
    spans: list[tuple[int, int]] = []
    before = ""
    for text, answer in rendered(document):
        if answer is None:
            before += text
        elif answer.choices:
            ids += _ids(tokenizer, before + text)
            spans.append((len(ids) - _tokens_of_end(tokenizer, before, text), len(ids) + 1))
            before = ""
        else:
            ids += _ids(tokenizer, before)
            first = len(ids)
            ids += _ids(tokenizer, text)
            spans.append((first, len(ids) + 1))
            before = ""
    return ids + _ids(tokenizer, before), spans


def id_of(tokenizer: Tokenizer, special: str) -> int:
    token = tokenizer.token_to_id(special)
    if token is None:
        raise ValueError(f"the tokenizer has no {special}")
    return token


def _ids(tokenizer: Tokenizer, text: str) -> list[int]:
    return tokenizer.encode(text, add_special_tokens=False).ids


def _tokens_of_end(tokenizer: Tokenizer, before: str, text: str) -> int:
    """How many tokens of the whole reach into `text`."""
    offsets = tokenizer.encode(before + text, add_special_tokens=False).offsets
    return sum(end > len(before) for _, end in offsets)


def write(tokenizer: Tokenizer, folder: Path) -> None:
    """tokenizer.json, tokenizer_config.json and generation_config.json, as transformers wants them."""
    folder.mkdir(parents=True, exist_ok=True)
    tokenizer.save(str(folder / "tokenizer.json"))
    config: dict[str, Any] = {
        "bos_token": BEGIN,
        "chat_template": CHAT_TEMPLATE,
        "clean_up_tokenization_spaces": False,
        "eos_token": TURN_END,
        "model_max_length": POSITIONS,
        "pad_token": END,
        "tokenizer_class": "PreTrainedTokenizerFast",
    }
    write_json(folder / "tokenizer_config.json", config)
    begin, end, turn_end = (id_of(tokenizer, name) for name in (BEGIN, END, TURN_END))
    generation = {"bos_token_id": begin, "eos_token_id": [turn_end, end], "pad_token_id": end}
    write_json(folder / "generation_config.json", generation)


def write_json(path: Path, value: Any) -> None:
    path.write_text(json.dumps(value, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
