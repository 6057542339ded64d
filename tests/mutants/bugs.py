"""Bugs of the kinds that engines have had, each as one exact replacement in the real source."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Bug:
    """`before` stands exactly once in runtime/engine/`file`."""

    name: str
    file: str
    before: str
    after: str


BUGS = (
    # The pool
    Bug("a page is handed out twice", "pool.py", "del self._free[left:]", "del self._free[left + 1 :]"),
    Bug("a freed page is not on the free list", "pool.py", "self._free.extend(pages)", "self._free.extend(pages[1:])"),
    Bug("the peak is that of now", "pool.py", "self.peak = max(self.peak, self.in_use)", "self.peak = self.in_use"),
    # The tree
    Bug("a look-up does not lock", "radix.py", "            self._lock(node)\n", ""),
    Bug("a split forgets locks", "radix.py", "node.parent, node.locks, node.used, node.reader)", "node.parent, 0, node.used, node.reader)"),
    Bug("a split mixes pages up", "radix.py", "Node(node.ids[:length], node.pages[:length]", "Node(node.ids[:length], node.pages[-length:]"),
    Bug("a release unlocks the end only", "radix.py", "            node = node.parent\n        self._push(leaf)", "            break\n        self._push(leaf)"),
    Bug("a locked leaf is evicted", "radix.py", "return node.locks == 0 and not", "return not"),
    Bug("an inner node is evicted", "radix.py", "node.locks == 0 and not node.children and", "node.locks == 0 and"),
    Bug("eviction takes the wrong end", "radix.py", "self._pool.release(node.pages[-taken:])", "self._pool.release(node.pages[:taken])"),
    Bug("an emptied parent is never evicted", "radix.py", "        self._push(parent)\n", ""),
    Bug("evicted tokens stay on the books", "radix.py", "        self.unlocked -= freed\n", ""),
    Bug("a match is one id too long", "radix.py", "    return low\n", "    return low + 1\n"),
    Bug("pages of duplicates leak", "radix.py", "                self._pool.release(pages[length : length + len(child.ids)])\n", ""),
    Bug("pages of duplicates are freed twice", "radix.py", "                self._lock(child)\n", "                self._lock(child)\n                self._pool.release(pages[length : length + len(child.ids)])\n"),
    Bug("a node below a handle is not locked", "radix.py", "Node(ids[length:], pages[length:], node, 1,", "Node(ids[length:], pages[length:], node, 0,"),
    Bug("a split forgets firm claims", "radix.py", "        upper.firm = node.firm\n", ""),
    Bug("a claim does not go down", "radix.py", "        for claim in coming:\n            self._descend(claim)\n", ""),
    Bug("a claim does not go up", "radix.py", "        self._raise(node, parent, len(node.ids))\n", ""),
    Bug("a claim goes past its length", "radix.py", "min(shared, claim.length - claim.depth)", "shared"),
    Bug("a firm claim outlives its end", "radix.py", "            self._count_firm(node, -1)\n", "            pass\n"),
    Bug("what is claimed counts as loose", "radix.py", "            self.loose -= 0 if node.firm else taken\n", "            self.loose -= taken\n"),
    # The scheduler
    Bug("a claim outlives the waiting", "scheduler.py", "        self._give_up_claim(sequence)\n        if (family", "        if (family"),
    Bug("a cancelled request claims", "scheduler.py", "            if not sequence.cancelled:\n                self.add(sequence)\n", "            self.add(sequence)\n"),
    Bug("a run that begins leaves its requests behind", "scheduler.py", "                heapq.heappush(self._waiting, (sequence.key, sequence))\n        family", "                pass\n        family"),
    Bug("claims of waiting rows keep others out", "scheduler.py", "                family.waiting[sequence] = None\n", "                family.waiting[sequence] = None\n                self._tree.confirm(sequence.claim)\n"),
    Bug("KV is shared before it is written", "scheduler.py", "        self.running[sequence.id] = sequence\n", "        self.running[sequence.id] = sequence\n        sequence.pages[hit:] = self._tree.extend(handle, sequence.ids[hit:], sequence.pages[hit:])\n"),
    Bug("pages freed by the tree stay in use", "scheduler.py", "sequence.pages[start:end] = self._tree", "self._tree"),
    Bug("pages in the wrong order", "scheduler.py", "sequence.pages = pages + self._pool.alloc(need)", "sequence.pages = self._pool.alloc(need) + pages"),
    Bug("more is admitted than fits", "scheduler.py", "return not need or need + room <= available", "return True"),
    Bug("a preempted request keeps its pages", "scheduler.py", "        self.finish(sequence)\n        sequence.preempted = True\n", "        del self.running[sequence.id]\n        sequence.preempted = True\n"),
    Bug("a preempted request loses generated ids", "scheduler.py", "        sequence.preempted = True\n", "        sequence.preempted = True\n        del sequence.ids[sequence.prompt_tokens :]\n"),
    Bug("a preempted request is forgotten", "scheduler.py", "        sequence.preempted = True\n        self.add(sequence)\n", "        sequence.preempted = True\n"),
    Bug("a lock outlives its request", "scheduler.py", "        self._tree.release(handle)\n        sequence.handle = None\n", "        sequence.handle = None\n"),
    Bug("siblings wait for one that left", "scheduler.py", "        sequence.computed = sequence.submitted = sequence.prefill_end = 0\n        self._call_back(sequence.id)\n", "        sequence.computed = sequence.submitted = sequence.prefill_end = 0\n"),
    Bug("every computed token counts as prefilled", "scheduler.py", "max(0, min(end, max(sequence.prompt_tokens, sequence.counted)) - start)", "work.count"),
    Bug("a hit after preemption counts again", "scheduler.py", "min(hit, sequence.prompt_tokens) - sequence.counted)", "min(hit, sequence.prompt_tokens))"),
    Bug("a chunk is one token too far", "scheduler.py", "        sequence.computed = end\n", "        sequence.computed = min(end + 1, len(sequence.ids))\n"),
    # A sequence
    Bug("a full hit has no last logits", "sequence.py", "return len(self.ids) - 1 if wanted", "return len(self.ids) if wanted"),
    Bug("a hit swallows the first score", "sequence.py", "            return unscored.start - 1\n", "            return unscored.start\n"),
    Bug("scores are one position late", "sequence.py", "self.ids[position]) for", "self.ids[position - 1]) for"),
    Bug("scores begin again after a chunk", "sequence.py", "range(self.first_score + len(self.scores), end)", "range(self.first_score + (0 if self.preempted else len(self.scores)), end)"),
    Bug("an answer ends before its scores are there", "sequence.py", " and not self._unscored()", ""),
    Bug("ids forced from the start have no scores", "sequence.py", "if self.answer.reason is None or request.score_answer:", "if self.answer.reason is None:"),
    Bug("scores reach into a stop", "sequence.py", "self.scores[split : split + len(ids)]", "self.scores[split:]"),
    Bug("scores of the prompt count as the answer's", "sequence.py", "0 if self.request.score_from is None else self.prompt_tokens - self.request.score_from", "0"),
    Bug("scores of branches are told twice after a preemption", "sequence.py", "            del self.scores[self.branches.asked_before(self.computed - len(self.ids)) :]\n", "            pass\n"),
    Bug("a hit swallows the first scores of branches", "sequence.py", "self.answer.reason is None or self.request.branches", "self.answer.reason is None"),
    Bug("an id is drawn one token early", "sequence.py", "and end == len(self.ids)", "and end >= len(self.ids) - 1"),
    Bug("forced ids are not computed", "sequence.py", "        self.ids.extend(self.answer.ids[before:])\n\n    def finished", "        self.ids.append(token)\n\n    def finished"),
    # Branches
    Bug("branches reach the cache", "scheduler.py", "min(sequence.computed, len(sequence.ids))\n", "sequence.computed\n"),
    Bug("branches have no pages", "scheduler.py", "hit, need = handle.length, sequence.length - handle.length", "hit, need = handle.length, len(sequence.ids) - handle.length"),
    Bug("a run goes on behind a sibling", "branches.py", "parents[end] != end - 1:", "parents[end] < 0:"),
    Bug("a run cut by a batch forgets its beginning", "branches.py", "Run((*path, *range(first, low)), low, high)", "Run(path, low, high)"),
    Bug("a row reads no rows above it", "branches.py", "Run(tuple(_path(parents, parents[first])), first, end)", "Run((), first, end)"),
    Bug("scores of branches in the order of the tree", "branches.py", "place_of = {node: place for place, node in enumerate(order)}", "place_of = {node: node for node in order}"),
    Bug("branches do not see the prompt's end", "core.py", "above = pages[:known] + array", "above = pages[: known - 1] + array"),
    Bug("only the first chunk's scores count", "core.py", "            scores = [*scores, *others]\n", ""),
    # The core
    Bug("a cancelled request leaks", "core.py", "        self._scheduler.drop(sequence)\n\n    def speculate", "        self._scheduler.running.pop(sequence.id, None)\n\n    def speculate"),
    Bug("a late result reaches a request that is over", "core.py", "            if sequence.id not in self._live:\n                continue\n", ""),
    Bug("a failed batch reaches the cache", "core.py", "                self._fail(item.sequence, error, events)\n        self._batch", "                self._scheduler.advance(item)\n                self._scheduler.finish(item.sequence)\n                self._fail(item.sequence, error, events)\n        self._batch"),
    Bug("a failed draw ends its neighbours", "core.py", "self._fail(sequence, drawn, events)\n                continue", "self._lose(flight.work, drawn, events)\n                return"),
    Bug("a preemption resets the draws", "core.py", "position=len(answer.ids),", "position=len(sequence.ids) - max(sequence.prefill_end, sequence.prompt_tokens),"),
    Bug("the state of the constraint is stale", "core.py", "state=state,", "state=0,"),
    Bug("an end id comes one id late", "core.py", "if len(answer.ids) < request.min_tokens", "if len(answer.ids) <= request.min_tokens"),
    Bug("penalties see nothing", "core.py", "history=answer.ids if", "history=() if"),
    Bug("a drawn id has no score", "core.py", "score=request.score_answer,", "score=False,"),
    Bug("nobody asks for the likeliest ids", "core.py", "score_top=sequence.request.score_top,", "score_top=0,"),
    # A batch behind the one on its way
    Bug("a row follows another chunk", "core.py", "                sequence.drawn_by = chunk\n", "                sequence.drawn_by = max(0, chunk - 1)\n"),
    Bug("a row follows a draw that was read", "core.py", "            sequence.drawn_by = None\n", ""),
    Bug("a draw is started that is forced by now", "core.py", "sequence.id in self._live and sequence.draws(end)", "sequence.id in self._live and sequence.answer.reason is None and end >= sequence.prefill_end"),
    Bug("a batch goes ahead of scores", "core.py", "len(self._flights) == 1 and not self._flights[0].scoring", "len(self._flights) == 1"),
    Bug("places on their way are computed again", "scheduler.py", "    sequence.submitted += count\n", ""),
    Bug("a place on its way counts as computed", "scheduler.py", "start, end = work.start, work.start + work.count", "start, end = work.start, sequence.submitted"),
    Bug("pages are taken from who is on the way", "scheduler.py", "self.plan() if self.reserve(need) else Plan([], [])", "self.plan()"),
    # The answer
    Bug("a stop string is cut one too far", "stops.py", "Found(start + begin + len(stop), start + begin, stop)", "Found(start + begin + len(stop), start + begin + 1, stop)"),
    Bug("a stop string across ids is missed", "stops.py", "default=1) - 1", "default=1) - 2"),
    Bug("the shorter of two stops counts", "stops.py", "other[:2] < found[:2]", "other[:2] > found[:2]"),
    Bug("a pattern is tried at the ends of ids only", "stops.py", "range(known + 1, len(window) + 1)", "range(len(window), len(window) + (len(window) > known))"),
    Bug("a match before min_tokens counts", "stops.py", "self._past = start + len(window)", "self._past = -1"),
    Bug("a pattern does not see what is before it", "stops.py", "spare = begun.start() - self._behind", "spare = begun.start()"),
    Bug("a pattern across ids is missed", "stops.py", "self.hold = start + begun.start()", "self.hold = start + len(window)"),
    Bug("a part of a stop string is told", "stops.py", "max(next(begun, 0), ", "max(0, "),
    Bug("a part of a match is told", "answer.py", "self._stops.open if self._stops is not None else 0", "0"),
    Bug("text is told twice", "answer.py", "[text[count:]]", "[text]"),
    Bug("text is told after the end", "answer.py", "        if self.reason is not None:\n            return \"\"", "        if False:\n            return \"\""),
    Bug("the last whole id before a stop is lost", "answer.py", "bisect_right(self._ends, self._cut)", "bisect_right(self._ends, self._cut - 1)"),
    Bug("an answer is one id too long", "answer.py", "len(self.ids) >= self._request.max_tokens", "len(self.ids) > self._request.max_tokens"),
    Bug("the end of a broken character is lost", "answer.py", "text + self._decoder.decode(b\"\", final=True)", "text"),
)  # fmt: skip
