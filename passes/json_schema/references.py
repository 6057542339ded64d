"""What references stand for."""

from __future__ import annotations

import re
from urllib.parse import unquote

from sglc.passes.json_schema.keywords import checked, only, refuse_id
from sglc.passes.json_schema.places import Json, Schema, part, refuse


def pointed(root: Json, target: str) -> Json:
    """What a reference such as `#/$defs/a` leads to in a schema, None where that is nothing."""
    found = root
    for step in unquote(target).split("/")[1:]:
        found = part(found, step.replace("~1", "/").replace("~0", "~"))
    return found


class References:
    """Those of one schema, into itself."""

    def __init__(self, root: Schema) -> None:
        self._root = root

    def found(self, target: Json, at: str) -> tuple[Json, str]:
        """What a reference points to, and the pointer. at: where the reference stands."""
        if not isinstance(target, str) or not re.fullmatch("#(/.*)?", target, re.DOTALL):
            what = "$ref does not point into this schema"
            refuse(f"{at}/$ref", what, 'copy what it means to "$defs" and write "#/$defs/NAME"')
        found: Json = self._root
        place = "#"
        for step in unquote(target).split("/")[1:]:
            found = part(found, step.replace("~1", "/").replace("~0", "~"))
            place += f"/{step}"
            if isinstance(found, dict) and isinstance(found.get("$id"), str):  # what is in it has another root
                refuse_id(place)
        if found is None:
            refuse(f"{at}/$ref", f"nothing is at {target}", 'add it, or write "#/$defs/NAME" of what is there')
        return found, target

    def resolved(self, schema: Json) -> Schema:
        """What a reference, or the one schema of an allOf, stands for."""
        while True:
            known = checked(schema, "#")
            if "$ref" in known:
                schema, _ = self.found(known["$ref"], "#")
            elif "allOf" in known:
                schema = only(known["allOf"], "#")
            else:
                return known
