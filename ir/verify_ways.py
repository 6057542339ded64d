"""The rules for how a region goes on and what runs at once in it: cases that are complete, members that do not wait."""

from __future__ import annotations

import itertools

from sglc.ir.graph import Region, Static, Switch
from sglc.ir.ops import Op, Read, Select, Type, operands
from sglc.ir.printer import Key, quoted
from sglc.ir.verify_ops import Broken


def cases_are_complete(region: Region, switch: Switch) -> None:
    """A switch that is not open has a case for all that its subjects can be: it needs no way out of the compiled paths.

    Its cases are valid, and no two are the same.
    """
    line: Key = region, "switch"
    values: dict[Op, tuple[Static, ...]] = {}
    for subject in switch.subjects:
        values[subject] = _all_values(subject)
        if not values[subject]:
            what = f"a switch on a {subject.result.value} that can be anything has no `else exit`"
            raise Broken(
                line, subject, what, "a case for each value is enough for tests and for selects of literals only"
            )
    there = {case.values for case in switch.cases}
    for combination in itertools.product(
        *values.values()
    ):  # as many as there are cases, at most, before one is missing
        value = dict(zip(values, combination, strict=True))
        wanted = tuple(value[subject] for subject in switch.subjects)
        if wanted not in there:
            said = ", ".join(quoted(each) if isinstance(each, str) else str(each).lower() for each in wanted)
            hint = "add the case, or end the switch with `else exit`"
            raise Broken(line, switch.subjects[0], f"a switch has no case for {said}", hint)


def _all_values(subject: Op) -> tuple[Static, ...]:
    """All that a value can be; () where that is not known. A gen may end in the middle of what its constraint allows."""
    if subject.result is Type.BOOL:
        return True, False
    if not (isinstance(subject, Read) and isinstance(subject.state, Select)):
        return ()
    choices = subject.state.choices
    if not all(isinstance(part, str) for choice in choices for part in choice):
        return ()
    return tuple(dict.fromkeys("".join(map(str, choice)) for choice in choices))


def members_do_not_wait(region: Region) -> None:
    """No member of a fork waits for another one. The forks are valid otherwise."""
    member_of: dict[Op, int] = {}  # op -> a bit for each fork that it is a member of
    for number, fork in enumerate(region.forks):
        for member in fork.members:
            member_of[member] = member_of.get(member, 0) | 1 << number
    waits: dict[Op, int] = {}  # op of the region -> the forks some member of which it waits for, itself among them
    for op in region.body:
        before = 0
        for operand in operands(op):
            before |= waits.get(operand, 0)
        own = member_of.get(op, 0)
        if both := before & own:
            fork = region.forks[both.bit_length() - 1]
            raise Broken(fork, op, "a fork's member waits for another", "members run at once: leave it out of the fork")
        waits[op] = before | own
