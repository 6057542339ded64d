"""One request on its way through the engine: which of its tokens have KV, and where."""

from __future__ import annotations

from array import array

from sglc.runtime.engine.answer import Answer, Detokenizer
from sglc.runtime.engine.branches import NONE, Branches
from sglc.runtime.engine.family import Family
from sglc.runtime.engine.jumps import Jumps
from sglc.runtime.engine.radix import Claim, Handle
from sglc.runtime.engine.request import Finished, Request, Score


class Sequence:
    """Progress of one request.

        place      0 ......... handle.length ......... computed ......... submitted ......... len(pages) ......... length
        pages of   | the tree  | this sequence, written | this sequence,    | this sequence,  |
                   | (locked)  |                        | on the way        | not written yet |

    Places are the positions of `ids`, and behind them the rows of the request's branches, in their order. While an id is
    drawn there may be one place more than there are ids, which is the drawn one's.

    ids:         prompt and generated ids. What is said of pages goes back to nothing at a preemption; ids never do.
    drawn_by:    the number of the chunk, in the batch on its way, for which its next id is drawn.
    branches:    those of the request; they stay out of the tree.
    prefill_end: length at admission. Up to here computed ids go into the tree at once, so that siblings find them.
    counted:     places below have been counted in the statistics, as cached or prefilled.
    scores:      those reported so far: of the ids from `first_score` on, without a gap. Like ids, they are never lost.
                 Or those of the branches, which are told again after a preemption.
    cancelled:   dropped by its owner.
    family:      the run of a program that it is a request of.
    claim:       of its prompt, while it waits.
    """

    __slots__ = (
        "answer",
        "branches",
        "cached_tokens",
        "cancelled",
        "claim",
        "computed",
        "counted",
        "decoded_tokens",
        "drawn_by",
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
        "submitted",
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
        self.branches = Branches(request.branches) if request.branches else NONE
        self.prompt_tokens = len(self.ids) + len(self.branches)
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
        self.computed = self.submitted = 0
        self.drawn_by: int | None = None
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
    def length(self) -> int:
        """How many places there are."""
        return len(self.ids) + len(self.branches)

    @property
    def known(self) -> int:
        """How many places there are to compute, as far as the draws under way do not end the answer."""
        return self.length + (self.drawn_by is not None and self.to_generate > 1)

    @property
    def prefilling(self) -> bool:
        return self.computed < self.prefill_end

    @property
    def scoring(self) -> bool:
        """Log probabilities are still to come: what they are of depends on how far it has been computed."""
        return bool(self.request.branches) or self.request.score_answer or bool(self._unscored())

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
        wanted = self.answer.reason is None or self.request.branches
        return len(self.ids) - 1 if wanted else len(self.ids)

    def draws(self, end: int) -> bool:
        """Whether an id is drawn after the positions below `end` have been computed."""
        return self.answer.reason is None and end == len(self.ids)

    def to_score(self, end: int) -> list[tuple[int, int]]:
        """(row, id) pairs to score in a chunk of positions computed .. end - 1."""
        if end == len(self.ids) and self.request.branches:
            return [(end - 1 - self.computed, token) for _, token in self.branches.asked(-1, 0)]
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

    def note(self, scores: list[Score]) -> None:
        """Appends the scores that came with the places from `computed` on, before it moves."""
        if self.request.branches:
            del self.scores[self.branches.asked_before(self.computed - len(self.ids)) :]
        self.scores += scores

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
            forced_tokens=self.answer.forced,
            prompt_scores=tuple(self.scores[:split]),
            answer_scores=tuple(self.scores[split : split + len(ids)]),
            branch_scores=self.branches.of_branches(self.scores),
        )
