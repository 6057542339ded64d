"""Lists of texts with commas between those that are there."""

from __future__ import annotations


def joined_members(members: list[str], required: list[bool]) -> str:
    """The members in order, with commas between those that are there."""
    if True not in required:
        return f"(?:{_some(members)})?" if members else ""
    first = required.index(True)
    before = "".join(f"(?:{member}, )?" for member in members[:first])
    after = (
        f", {member}" if needed else f"(?:, {member})?"
        for member, needed in zip(members[first + 1 :], required[first + 1 :], strict=True)
    )
    return before + members[first] + "".join(after)


def _some(members: list[str]) -> str:
    """One or more of them, in order, with commas between. The last of n stands there log2(n) + 1 times, the first once."""
    if len(members) == 1:
        return members[0]
    half = len(members) // 2
    rest = "".join(f"(?:, {member})?" for member in members[half:])
    return f"(?:{_some(members[:half])}{rest}|{_some(members[half:])})"


def joined_items(firsts: list[str], others: str, least: int) -> str:
    """The first items, of which those behind `least` may be missing, and what follows the last of them."""
    text = others
    for index in reversed(range(len(firsts))):
        text = (", " if index else "") + firsts[index] + text
        if index >= least:
            text = f"(?:{text})?"
    return text
