"""The schemas of the cases: made by functions, in the shapes of daily life."""

from __future__ import annotations

import random
from typing import Any, TypeAlias

Schema: TypeAlias = dict[str, Any]

TEXT: Schema = {"type": "string"}
INTEGER: Schema = {"type": "integer"}
NUMBER: Schema = {"type": "number"}
BOOLEAN: Schema = {"type": "boolean"}


def record(properties: dict[str, Schema], description: str = "") -> Schema:
    """An object; names that end in ? are of optional properties."""
    schema: Schema = {
        "type": "object",
        "properties": {name.rstrip("?"): value for name, value in properties.items()},
        "required": [name for name in properties if not name.endswith("?")],
        "additionalProperties": False,
    }
    return {"description": description, **schema} if description else schema


def one_of(*values: str) -> Schema:
    return {"enum": list(values)}


def matching(pattern: str) -> Schema:
    return {"type": "string", "pattern": pattern}


def formatted(name: str) -> Schema:
    return {"type": "string", "format": name}


def many(items: Schema, least: int | None = None, most: int | None = None) -> Schema:
    limits = {"minItems": least, "maxItems": most}
    return {"type": "array", "items": items, **{key: value for key, value in limits.items() if value is not None}}


def ref(name: str) -> Schema:
    return {"$ref": f"#/$defs/{name}"}


def small() -> Schema:
    """A user of a service."""
    return record(
        {
            "id": INTEGER,
            "name": TEXT,
            "nickname?": TEXT,
            "role": one_of("admin", "editor", "author", "viewer", "guest"),
            "active": BOOLEAN,
            "score?": NUMBER,
            "tags": many(TEXT),
            "address": record({"street": TEXT, "city": TEXT}),
        }
    )


def k8s() -> Schema:
    """A deployment, as an agent that sets up a service would write it."""
    name = matching(r"^[a-z][a-z0-9-]{0,62}$")
    amount = record({"cpu": matching(r"^(?:[0-9]+m|[0-9]+(?:\.[0-9]+)?)$"), "memory": matching("^[0-9]+(?:Mi|Gi)$")})
    container = record(
        {
            "name": name,
            "image": TEXT,
            "imagePullPolicy?": one_of("Always", "IfNotPresent", "Never"),
            "ports?": many(record({"containerPort": INTEGER, "protocol?": one_of("TCP", "UDP", "SCTP")})),
            "env?": many(record({"name": TEXT, "value": TEXT})),
            "resources?": record({"requests?": amount, "limits?": amount}),
        }
    )
    labels = record({"app": name, "tier?": one_of("frontend", "backend", "cache")})
    template = record(
        {
            "metadata": record({"labels": labels}),
            "spec": record({"containers": many(container), "restartPolicy?": one_of("Always", "OnFailure", "Never")}),
        }
    )
    spec = record(
        {
            "replicas": INTEGER,
            "selector": record({"matchLabels": labels}),
            "strategy?": record({"type": one_of("Recreate", "RollingUpdate")}),
            "template": template,
        }
    )
    metadata = record({"name": name, "namespace?": name, "labels?": labels})
    kind = one_of("Deployment")
    return record({"apiVersion": one_of("apps/v1"), "kind": kind, "metadata": metadata, "spec": spec})


def address() -> Schema:
    return record(
        {
            "street": TEXT,
            "house_number?": TEXT,
            "postal_code": matching("^[0-9]{5}(?:-[0-9]{4})?$"),
            "city": TEXT,
            "country": one_of("AT", "CH", "DE", "ES", "FR", "GB", "IT", "NL", "PL", "US"),
        },
        "A postal address.",
    )


def money() -> Schema:
    return record({"amount": NUMBER, "currency": matching("^[A-Z]{3}$")}, "An amount of a currency.")


def medium() -> Schema:
    """An order of a shop."""
    line = record(
        {
            "sku": matching("^[A-Z]{2}[0-9]{6}$"),
            "title": TEXT,
            "quantity": {"type": "integer", "minimum": 1, "maximum": 999},
            "unit_price": money(),
            "options?": many(record({"name": TEXT, "value": TEXT})),
            "gift_wrapped?": BOOLEAN,
        }
    )
    customer = record(
        {
            "id": formatted("uuid"),
            "name": TEXT,
            "email": formatted("email"),
            "vip?": BOOLEAN,
            "born?": formatted("date"),
        }
    )
    payment = record(
        {
            "method": one_of("card", "transfer", "invoice", "cash"),
            "paid_at?": formatted("date-time"),
            "total": money(),
            "discounts?": many(record({"code": TEXT, "amount": money()})),
        }
    )
    history = record({"at": formatted("date-time"), "state": one_of("new", "paid", "packed", "sent", "returned")})
    return record(
        {
            "order_id": formatted("uuid"),
            "created_at": formatted("date-time"),
            "customer": customer,
            "billing": address(),
            "shipping?": address(),
            "lines": many(line, 1),
            "payment": payment,
            "history": many(history),
            "note?": TEXT,
        }
    )


def maxlen() -> Schema:
    """An article for a site whose columns have widths."""

    def up_to(most: int) -> Schema:
        return {"type": "string", "minLength": 1, "maxLength": most}

    return record(
        {
            "slug": up_to(63),
            "title": up_to(255),
            "author": up_to(100),
            "summary": up_to(1000),
            "body": up_to(2000),
            "tags?": many(up_to(32), None, 5),
        }
    )


def hard() -> Schema:
    """A workflow of many kinds of steps, with what is optional, counted, limited and nested."""
    retry = record(
        {
            "attempts": {"type": "integer", "minimum": 0, "maximum": 25},
            "backoff_seconds?": {"type": "integer", "minimum": 1, "maximum": 86_400},
            "on?": many(one_of("timeout", "error", "cancelled"), 1, 3),
        },
        "What happens when a step fails.",
    )
    schedule = record(
        {"every": one_of("hour", "day", "week", "month"), "at?": formatted("time"), "until?": formatted("date-time")}
    )
    value = {"anyOf": [TEXT, NUMBER, BOOLEAN, {"type": "null"}, many(TEXT, None, 8)]}
    settings: dict[str, dict[str, Schema]] = {
        "http": {"url": TEXT, "method": one_of("GET", "PUT", "POST", "PATCH", "DELETE"), "body?": TEXT},
        "query": {"database": matching("^[a-z][a-z0-9-]{0,62}$"), "sql": TEXT, "limit?": INTEGER},
        "mail": {"to": many(formatted("email"), 1, 4), "subject": TEXT, "text": TEXT},
        "wait": {"seconds": {"type": "integer", "minimum": 1, "maximum": 3600}},
        "branch": {"when": TEXT, "then": TEXT, "otherwise?": TEXT},
        "script": {
            "language": one_of("python", "bash", "sql"),
            "source": TEXT,
            "version?": matching(r"^v[0-9]+\.[0-9]+\.[0-9]+$"),
        },
        "store": {"path": TEXT, "colour?": matching("^#[0-9a-f]{6}$"), "public?": BOOLEAN},
        "notify": {"host": TEXT, "level": one_of("debug", "info", "warning", "error"), "text?": TEXT},
    }
    steps = [
        record(
            {
                "id": formatted("uuid"),
                "kind": one_of(kind),
                "title?": {"type": "string", "maxLength": 80},
                **fields,
                "inputs?": ref("inputs"),
                "retry?": ref("retry"),
                "timeout_seconds?": INTEGER,
                "labels?": many(one_of("fast", "slow", "billing", "nightly", "manual"), None, 5),
            },
            f"A step that does {kind}.",
        )
        for kind, fields in settings.items()
    ]
    body = record(
        {
            "name": {"type": "string", "minLength": 1, "maxLength": 120},
            "version": matching(r"^v[0-9]+\.[0-9]+\.[0-9]+$"),
            "owner": formatted("email"),
            "created": formatted("date-time"),
            "schedule?": schedule,
            "steps": many({"anyOf": steps}, 1, 20),
            "on_failure?": {"anyOf": steps[:3]},
            "enabled?": BOOLEAN,
            "priority?": {"type": "integer", "minimum": -5, "maximum": 5},
        }
    )
    inputs = many(record({"name": TEXT, "value": value}), None, 6)
    return {**body, "$defs": {"inputs": inputs, "retry": retry}}


NOUNS = (
    "account invoice payment refund customer supplier product category warehouse shipment parcel carrier contract"
    " campaign ticket comment employee department project milestone asset licence subscription webhook"
)

FIELDS: tuple[tuple[str, Schema], ...] = (
    ("name", TEXT),
    ("status", one_of("draft", "active", "suspended", "archived")),
    ("created_at", formatted("date-time")),
    ("updated_at", formatted("date-time")),
    ("due_on", formatted("date")),
    ("contact", formatted("email")),
    ("location", ref("address")),
    ("price", ref("money")),
    ("quantity", {"type": "integer", "minimum": 0, "maximum": 100_000}),
    ("weight", NUMBER),
    ("is_public", BOOLEAN),
    ("tags", many(TEXT)),
    ("reference", matching("^[A-Z]{2}[0-9]{6}$")),
    ("parent_id", formatted("uuid")),
    ("notes", many(record({"author": TEXT, "text": TEXT, "at": formatted("date-time")}))),
    ("colour", matching("^#[0-9a-f]{6}$")),
)


def large() -> Schema:
    """An event of a company's message bus: two dozen kinds, each with a record of its own."""
    rng = random.Random(44)
    events: list[Schema] = []
    for noun in NOUNS.split():
        for event in ("created", "changed"):
            chosen = sorted(rng.sample(range(len(FIELDS)), 7))
            fields: dict[str, Schema] = {"id": formatted("uuid")}
            for place in chosen:
                name, schema = FIELDS[place]
                optional = "?" * (rng.random() < 0.4)
                fields[f"{noun}_{name}{optional}"] = schema
            payload = record(fields, f"The {noun}, as it was when it was {event}.")
            events.append(record({"event": one_of(f"{noun}.{event}"), noun: payload}))
    body = record(
        {
            "message_id": formatted("uuid"),
            "sent_at": formatted("date-time"),
            "source": one_of("erp", "crm", "shop", "import"),
            "payload": {"anyOf": events},
        }
    )
    return {**body, "$defs": {"address": address(), "money": money()}}
