"""Fields of a message as JSON: orders in the form of `examples/json_extraction.py`, and records of many kinds.

A value is copied from the message, letter for letter. Many names are made of syllables, so that copying is learnt and
not a list of names.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from models.document import Document, chat
from models.draw import Draw
from models.world.measures import DAYS, MONTHS
from models.world.names import ADJECTIVES, ARTICLES, COLOURS, JOBS
from models.world.words import lines, words

ORDER_SYSTEM = "You take orders for a stationery shop. Write each order down as JSON, and nothing else."
ORDER_SYSTEMS = (
    *(ORDER_SYSTEM, ORDER_SYSTEM),
    "You take orders for a shop. Write each order down as JSON.",
    "Read the order and write it as JSON with customer, items, delivery and gift.",
    "Turn each order into JSON, and nothing else.",
)
NUMBER_WORDS = words("one two three four five six seven eight nine ten eleven twelve")
PLURALS = {
    **{"box": "boxes", "brush": "brushes", "loaf": "loaves", "scarf": "scarves", "battery": "batteries"},
    **{"glass": "glasses", "lens": "lenses", "scissors": "scissors"},
}

WISHES = lines("""\
I need {0}.
Please send {0}.
I would like {0}.
Could I have {0}?
I want to order {0}.
{0}.
We need {0}, please.
{0}, please.
I'd like to buy {0}.
We are out of paper! {0}.
May I have {0}?
Can you put aside {0}?
Order: {0}.
Same as last week: {0}.
Please put {0} on my bill.
I should like {0}.
We would like to have {0}.
Would you send me {0}?
Please get us {0}.
I'll take {0}.
Would you please put aside {0}?
Kindly send {0}.
Please supply us with {0}.
Get me {0}, please.
Let me have {0}.
We want to have {0}.
My order is {0}.
Be so kind as to send {0}.""")
WISHES_HELD_OUT = ("Would you please get me {0}?", "We should like to have {0}.", "Kindly supply {0}.")

DELIVERIES = {
    "standard": (
        *("", ""),
        *lines("""\
No hurry.
Take your time.
Delivery whenever it suits you.
Usual address.
By post, please.
There is no rush.
To the usual address, please.
Any day will do.
Whenever it suits you.
It can wait.
Send it when you can.
There is no need to hurry.
When you have time.
By post, whenever that is."""),
    ),
    "express": lines("""\
As fast as you can.
It is urgent.
I need it by tomorrow.
By express, please.
Please hurry.
I need it today.
As soon as possible!
By tomorrow morning, please.
By tomorrow!
We are in a hurry.
It has to be quick.
I must have it tomorrow.
It has to be here today.
We need it in a great rush.
Send it at once.
We cannot wait.
It should be here tomorrow."""),
    "collect": lines("""\
I will come by.
I'll collect.
I will pick it up.
I'll fetch it on {0}.
I come on {0} to collect it.
I will come by for it on {0}.
We pick it up at the shop.
Keep it at the shop, I will come for it.
I will collect it on {0}.
I shall come for it on {0}.
I will pick it up on {0}.
We collect it.
We shall fetch it at your shop.
I can pick it up at the shop.
I shall be at your shop on {0} to get it."""),
}
DELIVERIES_HELD_OUT = {
    "standard": ("Whenever you can.", ""),
    "express": ("We are in a great hurry.", "It has to be here by tomorrow."),
    "collect": ("I shall collect it on {0}.", "I will pick it up at your shop."),
}

GIFTS = lines("""\
It is a present.
It is a gift.
Please wrap it as a gift.
It is for my {0}'s birthday.
Gift wrap, please.
It is a present for my {0}.
Wrapped nicely, please.
My {0} has a birthday.
A gift for my {0}.
I want to give it to my {0}.
I give it to my {0} as a gift.
Please wrap it.
Could you wrap it nicely?
It will be a present for my {0}.
It is meant as a gift.
As a present for my {0}, please.""")
GIFTS_HELD_OUT = ("I want to give it to my {0} as a present.", "Could you wrap it? It is a gift.")
RELATIVES = words("mother father sister brother niece nephew aunt uncle son daughter friend teacher")

SIGNATURES = lines("""\
Thank you, {0}
Yours, {0}
{0}
Regards, {0}
My name is {0}.
Best wishes, {0}
Thanks! {0}
The name is {0}.
Kind regards from {0}
{0}
Many thanks, {0}
With best wishes, {0}
With thanks, {0}
The order is from {0}.
It is for {0}.
Please write {0} on it.
Sincerely, {0}
For {0}, please.""")
SIGNATURES_HELD_OUT = ("With many thanks, {0}", "The order is for {0}.")
OPENINGS = lines("""\
Hello, this is {0}.
{0} here.
This is {0}.
I am {0}.
My name is {0}.
Hi, {0} here.
You are speaking with {0}.
This is a message from {0}.
{0} writes to you.
A message of {0}.
You are reading what {0} wants.
I write for {0}.""")
OPENINGS_HELD_OUT = ("You are reading a message of {0}.", "{0} is writing to you.")
GREETINGS = ("", "", "Hello!", "Hello,", "Dear shop,", "Good morning!", "Hi,", "Good evening!", "To the shop:")


def plural(noun: str) -> str:
    head, of, rest = noun.partition(" of ")
    *before, last = head.split(" ")
    return " ".join([*before, PLURALS.get(last, last + "s")]) + of + rest


def article(draw: Draw) -> str:
    noun = draw.invented() if draw.below(0.3) else draw.of(ARTICLES)
    return f"{draw.of(ADJECTIVES)} {noun}" if draw.below(0.4) else noun


def _amount(draw: Draw) -> tuple[str, dict[str, Any]]:
    """As the customer writes it, and as data."""
    thing = article(draw)
    if draw.below(0.25):
        first = "an" if thing[0] in "aeiou" else "a"
        return f"{draw.of((first, first, 'one', 'the', 'another'))} {thing}", {"article": thing, "count": 1}
    many = plural(thing)
    if draw.below(0.2):
        count = draw.int(2, 12)
        return f"{NUMBER_WORDS[count - 1]} {many}", {"article": many, "count": count}
    count = draw.fresh_int(2, draw.of((20, 40, 99, 300, 900)))
    return f"{count} {many}", {"article": many, "count": count}


def listed(parts: list[str]) -> str:
    return parts[0] if len(parts) == 1 else ", ".join(parts[:-1]) + " and " + parts[-1]


def _capitalised(text: str) -> str:
    return text[:1].upper() + text[1:]


def _customer(draw: Draw) -> str:
    kind = draw.int(0, 9)
    if kind < 6:
        return draw.person()
    if kind == 6:
        return f"{draw.first()[0]}. {draw.last()}"
    if kind == 7:
        return f"Dr {draw.last()}"
    return draw.first() if kind == 8 else f"The {draw.place()} {draw.of(('School', 'Office', 'Library', 'Hotel'))}"


def order(draw: Draw) -> Document:
    """An order; the messages of examples/json_extraction.jsonl are not among these."""
    amounts = [_amount(draw) for _ in range(draw.of((1, 1, 2, 2, 3)))]
    delivery = draw.of(("standard", "express", "collect"))
    gift = draw.below(0.4)
    customer = _customer(draw)
    wish = draw.wording(train=WISHES, held_out=WISHES_HELD_OUT).format(listed([text for text, _ in amounts]))
    by = draw.wording(train=DELIVERIES[delivery], held_out=DELIVERIES_HELD_OUT[delivery]).format(draw.of(DAYS))
    body = [_capitalised(wish), by]
    if gift:
        given = draw.wording(train=GIFTS, held_out=GIFTS_HELD_OUT).format(draw.of(RELATIVES))
        body.insert(draw.int(1, 2), given)
    if draw.below(0.3):
        opening = draw.wording(train=OPENINGS, held_out=OPENINGS_HELD_OUT).format(customer)
        parts = [opening, *body]
    else:
        signature = draw.wording(train=SIGNATURES, held_out=SIGNATURES_HELD_OUT).format(customer)
        parts = [draw.of(GREETINGS), *body, signature]
    message = " ".join(filter(None, parts))
    data = {"customer": customer, "items": [item for _, item in amounts], "delivery": delivery, "gift": gift}
    return chat("extraction.order", draw.of(ORDER_SYSTEMS), (message, json.dumps(data)))


@dataclass(frozen=True)
class Field:
    """One field of a record: the sentences that tell it, with {0} for the value."""

    key: str
    value: Callable[[Draw], Any]
    held_out: tuple[str, ...]
    train: tuple[str, ...]


def _date(draw: Draw) -> str:
    return f"{draw.fresh_int(1, 28, 'day')} {draw.of(MONTHS)[0]}"


RECORDS: dict[str, tuple[Field, ...]] = {
    "person": (
        Field(
            "name",
            Draw.person,
            ("People call me {0}.",),
            lines("""\
My name is {0}.
This is {0}.
I am {0}.
{0} here.
I am called {0}.
They call me {0}.
You can call me {0}.
My friends know me as {0}.
{0} is my name.
Hello, {0} speaking."""),
        ),
        Field(
            "age",
            lambda draw: draw.fresh_int(12, 99),
            ("I have just become {0}.",),
            lines("""\
I am {0} years old.
I turned {0} in May.
My age is {0}.
I am {0} years of age.
I have just turned {0}.
I became {0} last week.
I reached the age of {0}.
Since March I have been {0}.
I am {0} now."""),
        ),
        Field(
            "city",
            Draw.place,
            ("You find me in {0}.",),
            lines("""\
I live in {0}.
My home is {0}.
I come from {0}.
{0} is my home.
My house is in {0}.
You can find me in {0}.
I moved to {0}.
I am from {0}.
My family lives in {0}."""),
        ),
        Field(
            "job",
            lambda draw: draw.of(JOBS),
            ("I earn my living as a {0}.",),
            lines("""\
I work as a {0}.
My job is that of a {0}.
I am a {0}.
I am a {0} by trade.
I make my living as a {0}.
I earn money as a {0}.
For a living I am a {0}.
My work is that of a {0}.
I was trained as a {0}."""),
        ),
        Field(
            "colour",
            lambda draw: draw.of(COLOURS),
            ("The colour that I love is {0}.",),
            lines("""\
My favourite colour is {0}.
I like {0} best.
I love {0}.
{0} is my favourite colour.
The colour I like is {0}.
No colour is better than {0}.
Of all colours I love {0}.
My room is painted {0}."""),
        ),
    ),
    "event": (
        Field(
            "title",
            Draw.thing,
            ("Do not miss {0}.",),
            lines("""\
Come to {0}!
We invite you to {0}.
The next event is {0}.
Join us for {0}.
You are invited to {0}.
We present {0}.
Do not forget {0}.
Nobody should miss {0}.
You will love {0}.
Our event is called {0}."""),
        ),
        Field(
            "place",
            Draw.place,
            ("It takes place in {0}.",),
            lines("""\
It is in {0}.
We meet in {0}.
The place is {0}.
It will be held in {0}.
You find us in {0}.
It happens in {0}.
{0} is where it happens.
Everything takes place in {0}.
It is held in {0}."""),
        ),
        Field(
            "date",
            _date,
            ("Be there on {0}.",),
            lines("""\
The date is {0}.
It is on {0}.
We begin on {0}.
It starts on {0}.
Keep {0} free.
Mark {0} in your calendar.
Be with us on {0}.
{0} is the day.
Come on {0}.
On {0} the doors open."""),
        ),
        Field(
            "price",
            lambda draw: draw.fresh_int(2, 200),
            ("Tickets are {0} euros each.",),
            lines("""\
A ticket costs {0} euros.
You pay {0} euros.
The price is {0} euros.
Tickets cost {0} euros.
Each ticket is {0} euros.
Entry is {0} euros.
For {0} euros you are in.
We ask for {0} euros.
The fee is {0} euros."""),
        ),
        Field(
            "contact",
            Draw.person,
            ("Your contact is {0}.",),
            lines("""\
Ask {0}.
Write to {0}.
Questions go to {0}.
Please contact {0}.
{0} will answer questions.
Talk to {0}.
The contact is {0}.
Your questions are answered by {0}.
Get in touch with {0}."""),
        ),
    ),
    "product": (
        Field(
            "product",
            article,
            ("You can buy my {0}.",),
            lines("""\
For sale: a {0}.
I sell a {0}.
We offer a {0}.
I have a {0} for sale.
Who wants my {0}?
I am selling my {0}.
You can have my {0}.
I want to sell a {0}.
Buy my {0}!
On offer is a {0}."""),
        ),
        Field(
            "price",
            lambda draw: draw.fresh_int(2, 900),
            ("It is yours for {0} euros.",),
            lines("""\
It costs {0} euros.
The price is {0} euros.
I want {0} euros for it.
I ask {0} euros for it.
You get it for {0} euros.
For {0} euros you can have it.
Give me {0} euros, and it is yours.
I would take {0} euros.
{0} euros, no less."""),
        ),
        Field(
            "year",
            lambda draw: draw.fresh_int(1950, 2025),
            ("I got it in {0}.",),
            lines("""\
It was made in {0}.
It is from {0}.
I bought it in {0}.
It dates from {0}.
I have had it since {0}.
It was new in {0}.
My father got it in {0}.
In {0} I got it as a gift.
The year is {0}."""),
        ),
        Field(
            "seller",
            Draw.person,
            ("It belongs to {0}.",),
            lines("""\
Call {0}.
Ask for {0}.
The seller is {0}.
{0} sells it.
Speak to {0}.
It is sold by {0}.
{0} is the owner.
It is the property of {0}.
Ring {0}.
It belongs to a person called {0}."""),
        ),
        Field(
            "city",
            Draw.place,
            ("It stands in {0}.",),
            lines("""\
It is in {0}.
You can see it in {0}.
Fetch it in {0}.
Pick it up in {0}.
It waits in {0}.
You find it in {0}.
It can be seen in {0}.
Now it stands near {0}.
Come to {0} and look at it."""),
        ),
    ),
    "trip": (
        Field(
            "from",
            Draw.place,
            ("We depart from {0}.",),
            lines("""\
I leave from {0}.
The train starts in {0}.
I start in {0}.
I travel from {0}.
My journey begins in {0}.
We leave {0}.
We start from {0}.
The bus departs from {0}.
{0} is where I start."""),
        ),
        Field(
            "to",
            Draw.place,
            ("We are on our way to {0}.",),
            lines("""\
I go to {0}.
My goal is {0}.
I want to get to {0}.
I travel to {0}.
We are going to {0}.
The journey ends in {0}.
{0} is where I want to go.
I am on the way to {0}.
I have to be in {0}.
The train goes to {0}."""),
        ),
        Field(
            "day",
            lambda draw: draw.of(DAYS),
            ("We set out on {0}.",),
            lines("""\
I travel on {0}.
It is on {0}.
The day is {0}.
We leave on {0}.
I start on {0}.
The journey is on {0}.
It has to be {0}.
On {0} we set off.
We go on {0}.
I set out on {0}."""),
        ),
        Field(
            "seats",
            lambda draw: draw.fresh_int(2, 60),
            ("Book {0} seats.",),
            lines("""\
I need {0} seats.
Please keep {0} seats.
We are {0} people.
Reserve {0} seats.
Keep {0} seats for us.
I want {0} seats.
There are {0} of us.
{0} seats, please.
I should like to book {0} seats."""),
        ),
        Field(
            "name",
            Draw.person,
            ("Book it for {0}.",),
            lines("""\
My name is {0}.
The booking is for {0}.
I am {0}.
It is for {0}.
Please book in the name of {0}.
Write down the name {0}.
{0} is my name.
Book for {0}, please.
Put it under {0}."""),
        ),
    ),
}

ASKED = lines("""\
Write {0} as JSON.
Extract {0} as JSON.
Give {0} as JSON, and nothing else.
Return a JSON with {0}.
Make a JSON object with the keys {0}.
JSON with {0}, please.
Put {0} in JSON.
Answer in JSON: {0}.
Turn this into JSON with {0}.
I need {0} as a JSON object.
Please answer with JSON that has {0}.
A JSON object of {0}, please.
Fill a JSON object with {0}.
What are {0}? Answer in JSON.""")
ASKED_HELD_OUT = ("Put {0} into a JSON object.", "Answer with a JSON object of {0}.")
RECORD_SYSTEMS = ("", "", "You turn messages into JSON.", "Answer with JSON only.", "You extract data.")
SINGLE = lines("""\
What is the {0}?
Tell me the {0}.
Which {0} is given?
Give the {0} only.
{0}?
What {0} is told?
Name the {0} that is given.
Look for the {0}.
Say the {0}.
Please tell me the {0}.
Can you find the {0}?
I want to know the {0}.
What does the text give as {0}?""")
SINGLE_HELD_OUT = ("Please name the {0}.", "Find the {0} in the text.")


def _told(draw: Draw) -> tuple[str, dict[str, Any]]:
    """A message of some fields in any order, and the values in the order of their record."""
    fields = draw.of(list(RECORDS.values()))
    chosen = draw.some(fields, draw.int(2, len(fields)))
    values = {field.key: field.value(draw) for field in fields if field in chosen}
    told = [draw.wording(train=field.train, held_out=field.held_out).format(values[field.key]) for field in chosen]
    return " ".join(map(_capitalised, told)), values


def record(draw: Draw) -> Document:
    message, values = _told(draw)
    keys = list(values)
    if len(keys) > 2 and draw.below(0.3):
        keys = draw.some(keys, len(keys) - 1)
    if draw.below(0.3):
        draw.random.shuffle(keys)
    asked = draw.wording(train=ASKED, held_out=ASKED_HELD_OUT).format(listed(keys))
    question = draw.of((f"{message}\n{asked}", f"{asked}\n{message}", f"{asked}\n\n{message}"))
    answer = json.dumps({key: values[key] for key in keys})
    return chat("extraction.record", draw.of(RECORD_SYSTEMS), (question, answer))


def single(draw: Draw) -> Document:
    """One field after another, by questions."""
    message, values = _told(draw)
    turns: list[tuple[str, str]] = []
    for key in draw.some(list(values), 1 if draw.held_out else draw.int(1, len(values))):
        asked = _capitalised(draw.wording(train=SINGLE, held_out=SINGLE_HELD_OUT).format(key))
        turns.append((asked if turns else f"{message}\n{asked}", str(values[key])))
    return chat("extraction.single", draw.of(("", "You answer questions about a text.", "Answer briefly.")), *turns)
