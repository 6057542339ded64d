"""Answer a question from passages that are looked up for it (retrieval-augmented generation).

The model says what it would search for, a host function finds the passages that fit best, and the model answers from
them, or says that they do not tell.

    sglc run examples/retrieval.py --args examples/retrieval.jsonl

Comes out: `query`, what was searched for; `passages`, what was found; `answer`; and `told`, whether the model holds that
the passages told it.
"""

import math
import re
from collections import Counter
from collections.abc import Sequence

import sglc as sgl

PASSAGES = 2


@sgl.host
def retrieve(query: str, corpus: Sequence[str], count: int) -> str:
    """The `count` passages that share most words with the query, where a rare word counts more than a common one."""
    documents = [_words(passage) for passage in corpus]
    spread = Counter(word for words in documents for word in words)
    wanted = _words(query)
    scores = [sum(math.log(1 + len(corpus) / spread[word]) for word in wanted & words) for words in documents]
    best = sorted(range(len(corpus)), key=lambda index: -scores[index])[:count]
    return "\n".join(f"- {corpus[index]}" for index in sorted(best))


def _words(text: str) -> set[str]:
    return set(re.findall(r"\w+", text.lower()))


@sgl.function
def retrieval(s: sgl.ProgramState, question: str, corpus: list[str]) -> None:
    s += sgl.system("You answer questions from the passages that you are given, and from nothing else.")
    s += sgl.user(f"{question}\nWhich words would you search for?")
    s += sgl.assistant("Search: " + sgl.gen("query", stop="\n", temperature=0))
    s["passages"] = retrieve(question + " " + s["query"], corpus, PASSAGES)
    s += sgl.user("These passages were found.\n" + s["passages"] + "\nAnswer the question in one sentence.")
    s += sgl.assistant(sgl.gen("answer", stop="\n", temperature=0))
    s += sgl.user("Do the passages tell this?")
    s += sgl.assistant(sgl.select("told", choices=["yes", "no"]))
