"""The masks of another engine along given walks. Run by `agreement`, for xgrammar in a Python of its own:

    python -m tests.constraints._peer_masks ENGINE TOKENIZER_JSON END_ID

Each line read is {"pattern" or "schema": text, "walks": lists of ids}; each written [what is refused or null, for each walk
the masks before its ids and behind them as base64, and the place of an id that is not taken or null].
"""

from __future__ import annotations

import base64
import json
import sys
from collections.abc import Callable, Sequence
from typing import Any

from benchmarks._constraint_cases import Case
from benchmarks._constraint_peers import PEERS
from benchmarks._constraint_timing import Refused

Walked = tuple[list[bytes], int | None]
"""The masks of a walk, little-endian words of 32 bits, and the place of an id that was not taken."""


def masks_of(peer: Any, name: str, given: dict[str, Any]) -> tuple[str | None, list[Walked]]:
    """What is refused, or the masks of all walks."""
    case = Case("asked", (), pattern=given.get("pattern"), schema=given.get("schema"))
    try:
        compiled = peer.compile(case)
        return None, [_walked(*_opened(peer, name, compiled), ids) for ids in given["walks"]]
    except Refused as why:
        return str(why), []


def _opened(peer: Any, name: str, compiled: Any) -> tuple[Callable[[], bytes], Callable[[int], bool]]:
    """The mask now, and what takes an id."""
    matcher = peer.matcher(compiled)
    if name == "xgrammar":
        mask = peer.module.allocate_token_bitmask(1, peer.size)

        def filled() -> bytes:
            matcher.handle.fill_next_token_bitmask(mask)
            return mask.numpy().tobytes()

        return filled, matcher.accept
    rows = peer.module.numpy.allocate_token_bitmask(1, peer.size)

    def filled_row() -> bytes:
        peer.module.numpy.fill_next_token_bitmask(matcher.handle, rows)
        return rows.tobytes()

    return filled_row, matcher.accept


def _walked(fill: Callable[[], bytes], accept: Callable[[int], bool], ids: Sequence[int]) -> Walked:
    masks = [fill()]
    for place, token in enumerate(ids):
        if not accept(token):
            return masks, place
        masks.append(fill())
    return masks, None


def main(name: str, path: str, end_id: str) -> None:
    peer = PEERS[name](path, int(end_id))
    for line in sys.stdin:
        refused, walks = masks_of(peer, name, json.loads(line))
        coded = [[[base64.b64encode(mask).decode() for mask in masks], place] for masks, place in walks]
        print(json.dumps([refused, coded]), flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
