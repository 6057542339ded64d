"""The texts that generated programs are made of."""

from __future__ import annotations

WORDS = (
    "yes", "no", "A", "7", "", "12", "x y", "No.", " 8 ", "yes\n", "a,b", "-3", '{"a": 1}', "[1, 2]", "None", "B: c\nd", "é",
    "İß", "%s{0}", "\\d+'\"", "<think>t</think> u", "\t no", " yes", "7 ", "a\u2028b\x00", "x" * 40,
)  # fmt: skip
"""What programs compare with, and what the model answers."""

PHRASES = ("Q: ", "A:", "\n", "Say it. ", "What is this? ", "{}", "100% ", "ü→ ")
"""What prompts are written with, besides."""

REGEXES = ("yes|no", "[AB]", "(7|12)", "x( y)?", "-?[0-9]", "[a-z]+")
"""All but the last are of few texts, which are traced ahead of time."""

ROLES = ("user", "system", "assistant")
