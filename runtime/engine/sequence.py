"""One request on its way through the engine: which of its tokens have KV, and where."""

from __future__ import annotations

from array import array

from sglc.runtime.engine.answer import Answer, Detokenizer
from sglc.runtime.engine.family import Family
from sglc.runtime.engine.jumps import Jumps
from sglc.runtime.engine.radix import Claim, Handle
from sglc.runtime.engine.request import Finished, Request, Score


class Sequence:
    """Progress of one request.

        position   0 ......... handle.length ......... computed ......... len(pages) ......... len(ids)
        pages of   | the tree  | this sequence, written | this sequence,   |
                   | (locked)  |                        | not written yet  |

    ids:         prompt and generated ids. `pages` and `computed` go back to nothing at a preemption; ids never do.
    prefill_end: len(ids) at admission. Up to here computed tokens go into the tree at once, so that siblings find them.
    counted:     positions below have been counted in the statistics, as cached or prefilled.
    scores:      those reported so far: of the ids from `first_score` on, without a gap. Like ids, they are never lost.
    cancelled:   dropped by its owner while a batch with it is on its way.
    family:      the run of a program that it is a request of.
    claim:       of its prompt, while it waits.
    """

    __slots__ = (
        "answer",
        "cached_tokens",
        "cancelled",
        "claim",
        "computed",
        "counted",
        "decoded_tokens",
        "family",
        "first_score",
        "handle",
        "id",
        "ids",
        "pages",
        "preempted",
        "prefill_end",
        "prompt_tokens",
        "request",
        "scores",
    )

    def __init__(
        self,
        id: int,  # noqa: A002 - the name of the field
        request: Request,
        detokenizer: Detokenizer,
        jumps: Jumps | None = None,
        family: Family | None = None,
    ) -> None:
        self.id = id
        self.request = request
        self.answer = Answer(request, detokenizer, jumps)
        self.ids = array("i", request.ids)
        self.prompt_tokens = len(self.ids)
        self.cached_tokens = 0
        self.decoded_tokens = 0
        self.first_score = self.prompt_tokens if request.score_answer else None
        if request.score_from is not None:
            self.first_score = request.score_from
        self.scores: list[Score] = []
        self.preempted = False
        self.cancelled = False
        self.counted = 0
        self.prefill_end = 0
        self.computed = 0
        self.family = family
        self.claim: Claim | None = None
        self.handle: Handle | None = None
        self.pages = array("i")
        if self.answer.reason is None or request.score_answer:
            self.ids.extend(self.answer.ids)

    @property
    def key(self) -> tuple[bool, tuple[int, ...], int]:
        """Place in the waiting queue; smallest first."""
        return not self.preempted, self.request.order, self.id

    @property
    def prefilling(self) -> bool:
        return self.computed < self.prefill_end

    @property
    def complete(self) -> bool:
        """The answer has ended, the prompt is computed, and no score is missing."""
        return self.answer.reason is not None and not self.prefilling and not self._unscored()

    @property
    def to_generate(self) -> int:
        """The most ids that may still come."""
        return 0 if self.answer.reason is not None else self.request.max_tokens - len(self.answer.ids)

    @property
    def hit_limit(self) -> int:
        """The longest beginning of `ids` that need not be computed: logits are needed from its last position on."""
        if unscored := self._unscored():
            return unscored.start - 1
        return len(self.ids) if self.answer.reason is not None else len(self.ids) - 1

    def draws(self, end: int) -> bool:
        """Whether an id is drawn after the positions below `end` have been computed."""
        return self.answer.reason is None and end == len(self.ids)

    def to_score(self, end: int) -> list[tuple[int, int]]:
        """(row, id) pairs to score in a chunk of positions computed .. end - 1."""
        if self.first_score is None:
            return []
        unscored = self._unscored()
        last = min(end + 1, unscored.stop)
        return [(position - 1 - self.computed, self.ids[position]) for position in range(unscored.start, last)]

    def _unscored(self) -> range:
        """Positions of the known ids whose scores are still to come: a drawn id's comes with the draw, all others' with
        the pass that computes the token before."""
        if self.first_score is None:
            return range(0)
        end = self.prompt_tokens + (self.answer.kept if self.request.score_answer else 0)
        return range(self.first_score + len(self.scores), end)

    def take(self, token: int) -> None:
        """Appends a drawn id, and what follows from it. Raises what the constraint or the detokenizer raises."""
        self.decoded_tokens += 1
        before = len(self.answer.ids)
        self.answer.take(token)
        self.ids.extend(self.answer.ids[before:])

    def finished(self) -> Finished:
        assert self.answer.reason is not None
        ids, text = self.answer.result()
        split = 0 if self.request.score_from is None else self.prompt_tokens - self.request.score_from
        return Finished(
            request=self.id,
            ids=ids,
            text=text,
            reason=self.answer.reason,
            stop=self.answer.stop,
            prompt=self.request.ids,
            prompt_tokens=self.prompt_tokens,
            cached_tokens=self.cached_tokens,
            decoded_tokens=self.decoded_tokens,
            prompt_scores=tuple(self.scores[:split]),
            answer_scores=tuple(self.scores[split : split + len(ids)]),
        )
