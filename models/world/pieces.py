"""Words of the tables, whole and in pieces, to make names of: their letters, and so their tokens, are those of real words, of
which most would be copied in no document otherwise. What is never said in training is not copied afterwards.
"""

from __future__ import annotations

import re

from models.world.countries import COUNTRIES
from models.world.elements import ELEMENTS
from models.world.general import FACTS
from models.world.names import ANIMALS, ARTICLES, FIRST, FOODS, JOBS, LAST


def _words() -> list[str]:
    texts = [*FIRST, *LAST, *ARTICLES, *JOBS, *ANIMALS, *FOODS, *(element.name for element in ELEMENTS)]
    texts += [text for country in COUNTRIES for text in (country.name, country.capital, country.language or "")]
    texts += [text for fact in FACTS for text in (*fact.wordings, fact.answer, *fact.wrong)]
    return [word for text in texts for word in re.findall(r"[A-Za-z]{4,}", text)]


WORDS = tuple(sorted({word for word in _words() if word.islower()}))
"""Without the names, some of which are those of the examples."""

_ALL = sorted({word.lower() for word in _words()})
BEGINNINGS = tuple(sorted({word[:size] for word in _ALL for size in (2, 3, 4)}))
MIDDLES = tuple(sorted({word[at : at + size] for word in _ALL for size in (2, 3) for at in range(2, len(word) - size)}))
ENDINGS = tuple(sorted({word[-size:] for word in _ALL for size in (2, 3, 4)}))
