"""Which tasks there are, and how often each is practised."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TypeAlias

from models.document import Document
from models.draw import Draw
from models.tasks import arithmetic, classify, copying, extraction, facts, forms, long, reading, records, talk
from models.tasks.react import plan, react

Task: TypeAlias = Callable[[Draw], Document]

COPYING: tuple[Task, ...] = (copying.repeat, copying.look_up, copying.ask)

MIXTURE: tuple[tuple[float, Task], ...] = (
    # facts: short documents, many times
    (5.0, facts.about("capital")),
    (2.5, facts.about("continent")),
    (2.5, facts.about("language")),
    (2.5, facts.about("currency")),
    (2.0, facts.reverse),
    (1.5, facts.portrait),
    (2.0, facts.series),
    (2.0, facts.statements),
    (1.5, facts.capital_choice),
    (1.0, facts.letters),
    (3.0, facts.general),
    (1.5, facts.element),
    (1.0, facts.calendar),
    (0.7, facts.unit),
    # reading and copying
    (4.0, copying.repeat),
    (4.0, copying.look_up),
    (2.5, copying.ask),
    (2.0, copying.letters),
    (7.0, extraction.order),
    (14.0, records.record),
    (7.0, records.single),
    (6.0, reading.passage),
    (2.0, reading.retrieval),
    # classification
    (9.0, classify.sentiment),
    (2.5, classify.sentiment_series),
    (1.5, classify.topic),
    (1.0, classify.language),
    # arithmetic
    (8.0, arithmetic.addition),
    (5.0, arithmetic.subtraction),
    (4.0, arithmetic.small),
    (6.0, arithmetic.ladder),
    (6.0, arithmetic.series),
    (4.0, arithmetic.comparison),
    (1.0, arithmetic.counting),
    # tools
    (8.0, react),
    (3.0, plan),
    # forms
    (6.0, forms.lists),
    (2.0, forms.steps),
    (2.0, forms.score),
    (1.5, forms.yes_or_no),
    # the other examples
    (1.0, talk.skeleton),
    (0.5, talk.advice),
    (0.6, talk.judge),
    (0.4, talk.verdict),
    (0.6, talk.town),
    (0.3, talk.chronicle),
    (1.0, talk.note),
    (0.6, talk.summary),
    (0.6, talk.story),
    (2.0, talk.word_problem),
    # far from the beginning
    (0.12, long.lines),
    (0.08, long.steps),
    (0.08, long.essay),
    (0.12, long.passage),
)
"""(share of the documents, task)"""

EARLY: dict[Task, float] = {task: 5 * share for share, task in MIXTURE if task in COPYING}
LATE: dict[Task, float] = {arithmetic.ladder: 12.0, arithmetic.series: 8.0, plan: 6.0}
LAST: dict[Task, float] = {
    **{plan: 10.0, react: 10.0, extraction.order: 14.0, classify.sentiment: 14.0, classify.sentiment_series: 4.0},
    **{records.record: 9.0, records.single: 8.0},
}

STAGES: tuple[tuple[int, dict[Task, float]], ...] = (
    (0, EARLY),  # what copying teaches, the other tasks wait for
    (600, {}),
    (2000, LATE),  # of all tasks sums are the slowest to be learnt
    # what chains many answers, or hangs on one word
    (4400, {**LAST, arithmetic.addition: 6.0, arithmetic.series: 4.0}),
    (5000, {**LAST, arithmetic.ladder: 10.0}),
)
"""(from this step of the training on, other shares than in the mixture)"""


def documents(seed: int | str, *, held_out: bool = False, step: int | None = None) -> Iterator[Document]:
    """Documents of all tasks without end; the same for the same seed. step: of the training, which shares depend on; None: as
    in the mixture."""
    draw = Draw(seed, held_out=held_out)
    others = {} if step is None else [shares for first, shares in STAGES if first <= step][-1]
    shares = [others.get(task, share) for share, task in MIXTURE]
    tasks = [task for _, task in MIXTURE]
    while True:
        (task,) = draw.random.choices(tasks, shares)
        yield task(draw)
