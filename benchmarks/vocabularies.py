"""Vocabularies of a realistic shape, for benchmarks: byte-level BPE of 32,000 and 128,256 tokens, trained here.

The text is what every machine has: the Python sources of the standard library and of the packages installed beside this
Python, JSON and words of other scripts from seeded generators. It is bounded, so that training takes a minute or
two on two cores and 2 GB. The small vocabulary is the beginning of the large one: BPE merges the most frequent pair first. Both are
kept as tokenizer.json in build/vocabularies; delete the folder to train again (other packages give other tokens).

    python -m benchmarks.vocabularies
"""

from __future__ import annotations

import json
import random
import sys
import sysconfig
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tokenizers import Regex, Tokenizer, decoders, models, pre_tokenizers, trainers

FOLDER = Path(__file__).resolve().parent.parent / "build" / "vocabularies"
RECIPE = 1
"""Part of the files' names: count it up when what is below changes the vocabularies."""
SIZES = (32_000, 128_256)
CONTROLS = 256
"""Control tokens at the end of each vocabulary; the first begins a text, the second ends it."""

NAMES = "id name title email url created_at price quantity tags address city street country status score"
"""Of the properties of JSON."""

SEED = 4
PACKAGE_BYTES = 12_000_000  # of one package, so that no single one decides what is frequent
SOURCE_BYTES = 56_000_000
JSON_BYTES = 8_000_000
WORD_BYTES = 8_000_000
LONGEST = 64  # bytes of a token

SPLIT = (
    r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}"
    r"| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
)
"""What BPE never merges across: words with what stands before them, three digits, signs, lines, spaces."""

SCRIPTS = (
    "αω",
    "ая",
    "את",
    "بي",
    "अह",
    "กฮ",
    "ぁゖ",
    "ァヺ",
    "一蠟",
    "가힣",
    "àÿ",
    "āž",
    "ạỹ",
    "ႠჅ",
    "աֆ",
    "☀⛿",
    "😀🙏",
)
"""The first and last letters of the words of other scripts."""


def tokenizer_file(size: int) -> Path:
    """The path of the tokenizer.json of `size` tokens; trains both sizes where one is missing."""
    if not all(_path(each).exists() for each in SIZES):
        FOLDER.mkdir(parents=True, exist_ok=True)
        trained = json.loads(_trained(max(SIZES) - CONTROLS).to_str())
        for each in SIZES:
            partial = _path(each).with_suffix(".partial")
            partial.write_text(json.dumps(_beginning(trained, each - CONTROLS)), encoding="utf-8")
            partial.replace(_path(each))
    return _path(size)


def end_id(size: int) -> int:
    """The id of the token that ends a text."""
    return size - CONTROLS + 1


def _path(size: int) -> Path:
    return FOLDER / f"bpe-{size}-{RECIPE}.json"


def _trained(size: int) -> Tokenizer:
    tokenizer = Tokenizer(models.BPE())
    split = pre_tokenizers.Split(Regex(SPLIT), behavior="isolated")
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [split, pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)]
    )
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=size,
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        max_token_length=LONGEST,
        show_progress=False,
    )
    start = time.perf_counter()
    _say(f"training a vocabulary of {size:,} tokens, a minute or two")
    tokenizer.train_from_iterator(_told(_texts(), start), trainer)
    if tokenizer.get_vocab_size() != size:
        raise SystemExit(f"the text is enough for {tokenizer.get_vocab_size():,} tokens only, {size:,} are wanted")
    _say(f"trained in {time.perf_counter() - start:.0f} s")
    return tokenizer


def _beginning(trained: dict[str, Any], size: int) -> dict[str, Any]:
    """The tokenizer with the first `size` tokens, and the control tokens behind them."""
    model = trained["model"]
    vocabulary = {token: number for token, number in model["vocab"].items() if number < size}
    merges = [(left, right) for left, right in model["merges"] if left + right in vocabulary]
    names = ["<|begin_of_text|>", "<|end_of_text|>", *(f"<|reserved_{n}|>" for n in range(CONTROLS - 2))]
    plain = {"single_word": False, "lstrip": False, "rstrip": False, "normalized": False, "special": True}
    added = [{"id": size + number, "content": name, **plain} for number, name in enumerate(names)]
    return {**trained, "added_tokens": added, "model": {**model, "vocab": vocabulary, "merges": merges}}


def _told(texts: Iterator[str], start: float) -> Iterator[str]:
    """The texts; says every 16 MB how far it is."""
    total = told = 0
    for text in texts:
        total += len(text)
        if total - told >= 16_000_000:
            told = total
            _say(f"  {total / 1e6:.0f} million characters read, {time.perf_counter() - start:.0f} s")
        yield text
    _say(f"  {total / 1e6:.0f} million characters read; merging")


def _say(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


def _texts() -> Iterator[str]:
    yield from _bounded(_sources(), SOURCE_BYTES)
    yield from _bounded(_json_texts(random.Random(SEED)), JSON_BYTES)
    yield from _bounded(_lines_of_words(random.Random(SEED)), WORD_BYTES)


def _bounded(texts: Iterator[str], limit: int) -> Iterator[str]:
    for text in texts:
        yield text
        limit -= len(text.encode())
        if limit <= 0:
            return


def _sources() -> Iterator[str]:
    """The standard library, then the packages by name."""
    paths = sysconfig.get_paths()
    library, packages = Path(paths["stdlib"]), Path(paths["purelib"])
    folders = [library, *sorted(folder for folder in packages.iterdir() if folder.is_dir())]
    for folder in folders:
        yield from _bounded(_files(folder), PACKAGE_BYTES)


def _files(folder: Path) -> Iterator[str]:
    for path in sorted(folder.rglob("*.py")):
        if folder.name == "site-packages" or "site-packages" not in path.relative_to(folder).parts:
            yield path.read_bytes().decode("utf-8", errors="ignore")


def _json_texts(rng: random.Random) -> Iterator[str]:
    """Records with names, numbers, dates and sentences, compact, spaced and indented by turns."""
    words = Path(json.__file__).read_text(encoding="utf-8").split()

    def value(depth: int) -> object:
        match rng.randrange(9 if depth < 3 else 6):
            case 0:
                return rng.randrange(10 ** rng.randint(1, 9))
            case 1:
                return round(rng.random() * 1000, rng.randint(0, 4))
            case 2:
                return f"20{rng.randrange(40):02}-{rng.randint(1, 12):02}-{rng.randint(1, 28):02}T{rng.randrange(24):02}:00:00Z"
            case 3:
                return rng.choice([True, False, None])
            case 4 | 5:
                return " ".join(rng.choice(words) for _ in range(rng.randint(1, 8)))
            case 6:
                return [value(depth + 1) for _ in range(rng.randint(0, 4))]
            case _:
                return record(depth + 1)

    def record(depth: int) -> dict[str, object]:
        return {name: value(depth) for name in rng.sample(NAMES.split(), rng.randint(2, 7))}

    while True:
        items = [record(0) for _ in range(20)]
        yield json.dumps(items, separators=(",", ":"))
        yield "\n".join(map(json.dumps, items))
        yield json.dumps(items, indent=2)


def _lines_of_words(rng: random.Random) -> Iterator[str]:
    """Lines of words of one script each, the first words of which are far more frequent than the last (Zipf)."""
    lexicons: list[list[str]] = []
    for first, last in SCRIPTS:
        letters = [chr(point) for point in range(ord(first), ord(last) + 1) if chr(point).isprintable()]
        often = rng.sample(letters, min(len(letters), 800))
        longest = 3 if len(letters) > 200 else 8
        lexicons.append(["".join(rng.choices(often, k=rng.randint(1, longest))) for _ in range(2_000)])
    weights = [1 / (rank + 3) for rank in range(2_000)]
    while True:
        for lexicon in lexicons:
            yield "\n".join(" ".join(rng.choices(lexicon, weights, k=12)) for _ in range(40))


if __name__ == "__main__":
    for each in SIZES:
        print(tokenizer_file(each))
