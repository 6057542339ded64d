"""Whether the alternatives of a oneOf exclude one another."""

from __future__ import annotations

from sglc.passes.json_schema.keywords import properties_of, required_of
from sglc.passes.json_schema.places import Json, Schema, beyond
from sglc.passes.json_schema.references import References
from sglc.passes.json_schema.values import constants, key_of, kinds

MAX_COMPARISONS = 20_000  # of alternatives, and of what is in them: half a second


class Comparison:
    """Compares the schemas of one answer, in a bounded number of steps."""

    def __init__(self, references: References) -> None:
        self._references = references
        self._steps = 0

    def apart(self, a: Json, b: Json, at: str) -> bool:
        """Whether it is certain that no value written for schema a is valid for schema b. Both have been read.

        at: the oneOf that asks.
        """
        self._steps += 1
        if self._steps > MAX_COMPARISONS:
            beyond(at, "too many alternatives to tell them apart", "use anyOf or enum")
        if a is False or b is False:
            return True
        a, b = self._references.resolved(a), self._references.resolved(b)
        for keyword in ("anyOf", "oneOf"):
            if isinstance(branches := a.get(keyword), list):
                return all(self.apart(branch, b, at) for branch in branches)
            if isinstance(branches := b.get(keyword), list):
                return all(self.apart(a, branch, at) for branch in branches)
        shared = kinds(a) & kinds(b)
        if not shared:
            return True
        of_a, of_b = constants(a, "#"), constants(b, "#")
        if of_a is not None and of_b is not None:
            return not {key_of(value) for value in of_a} & {key_of(value) for value in of_b}
        return of_a is None and of_b is None and shared == {"object"} and self._objects_apart(a, b, at)

    def _objects_apart(self, a: Schema, b: Schema, at: str) -> bool:
        in_a, in_b = properties_of(a, "#"), properties_of(b, "#")
        always_a, always_b = required_of(a, "#"), required_of(b, "#")
        return (
            any(name not in in_a for name in always_b)
            or (b.get("additionalProperties") is False and any(name not in in_b for name in always_a))
            or any(
                self.apart(in_a[name], in_b[name], at)
                for name in dict.fromkeys([*always_a, *always_b])
                if name in in_a and name in in_b
            )
        )
