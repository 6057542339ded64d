"""Make data of a message: an order as JSON that follows a schema, whatever the model would like to write.

The schema becomes an automaton before the first token. Where it allows one continuation only, as for the keys, the text
is put there without asking the model. An answer can still be cut off at `max_tokens`, so the program tries to read it:
`json.loads` wants the characters, so the compiled program stops there for the text, and goes on in plain Python.

    sglc run examples/json_extraction.py --args examples/json_extraction.jsonl

Comes out: `order`, the JSON text, and `state`, whether it is complete, to be looked at by a person, or cut off. The
program returns the order as a dict, or None.
"""

import json
from typing import Any

import sglc as sgl

ORDER: dict[str, Any] = {
    "type": "object",
    "properties": {
        "customer": {"type": "string", "maxLength": 30},
        "items": {
            "type": "array",
            "items": {
                "type": "object",
                "properties": {
                    "article": {"type": "string", "maxLength": 30},
                    "count": {"type": "integer", "minimum": 1, "maximum": 999},
                },
                "required": ["article", "count"],
                "additionalProperties": False,
            },
            "minItems": 1,
            "maxItems": 3,
        },
        "delivery": {"enum": ["standard", "express", "collect"]},
        "gift": {"type": "boolean"},
    },
    "required": ["customer", "items", "delivery", "gift"],
    "additionalProperties": False,
}


@sgl.function
def json_extraction(s: sgl.ProgramState, message: str) -> dict[str, Any] | None:
    s += sgl.system("You take orders for a stationery shop. Write each order down as JSON, and nothing else.")
    s += sgl.user(message)
    s += sgl.assistant(sgl.gen("order", json_schema=ORDER, max_tokens=160, temperature=0))
    try:
        order = json.loads(s["order"])
    except ValueError:
        s["state"] = "cut off"
        return None
    many = any(item["count"] > 100 for item in order["items"])
    s["state"] = "to be looked at" if many else "complete"
    return order
