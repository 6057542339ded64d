"""Sentiment, topic and language of a sentence: by a select among labels, or written out."""

from __future__ import annotations

import re
from collections.abc import Sequence

from models.document import Answer, Document, Piece, chat, joined, plain
from models.draw import Draw, is_held_out
from models.wordings import table
from models.world.words import words

THINGS = words("""\
film book meal hotel room concert teacher phone camera train journey shop garden party lesson game song soup coffee
bread jacket shoe bag bicycle lamp chair service waiter play exhibition museum beach tour guide doctor course app
battery screen sound story ending cake pizza wine view bed breakfast staff driver kettle haircut show delivery restaurant
vacuum watch printer toaster blender mattress pillow sofa umbrella tent coat dress sweater novel album dinner dessert
flight parcel shampoo""")

GOOD = words("""\
good great excellent wonderful lovely perfect brilliant superb delightful pleasant friendly beautiful fantastic
amazing charming impressive delicious fresh clean comfortable helpful quick cheerful splendid enjoyable marvellous outstanding
fabulous nice superior magnificent exceptional terrific reliable first-rate satisfying awesome""")

BAD = words("""\
bad terrible awful horrible poor dreadful disappointing boring dull ugly rude dirty slow broken useless unpleasant
noisy cold sad miserable annoying stale weak worthless tiring painful lousy mediocre unreliable faulty shoddy
overpriced unacceptable disgusting pathetic appalling hopeless rubbish""")

GOOD_ENDS: tuple[str, ...] = table("classify", "good_ends")
BAD_ENDS: tuple[str, ...] = table("classify", "bad_ends")

FRAMES: tuple[str, ...] = table("classify", "frames")
FRAMES_HELD_OUT = ("I must say that the {0} was {1}.", "All of us thought the {0} {1}.", "It was a truly {1} {0}.")
NEGATED: tuple[str, ...] = table("classify", "negated")
NEGATED_HELD_OUT = ("I would not call the {0} {1}.",)


SENTIMENT: tuple[str, ...] = table("classify", "sentiment")
SENTIMENT_HELD_OUT = (
    "Decide whether this text is positive or negative.\n{0}",
    "{0}\nDoes that sound positive or negative?",
)
SERIES = ("Review: {0}\nSentiment: ", "Text: {0}\nLabel: ", "{0} -> ", "Sentence: {0}\nThis is ", "{0}\nSentiment: ",
          "Comment: {0}\nSentiment: ", "Guest: {0}\nMood: ", "Review: \"{0}\"\nSentiment: ", "\"{0}\" is ",
          "Customer: {0}\nFeeling: ", "Review: {0}\nPositive or negative? ", "Feedback: {0}\nLabel: ")  # fmt: skip
SERIES_HELD_OUT = ("Opinion: {0}\nSentiment: ",)
SYSTEMS = ("", "", "You classify texts.", "Answer with one word.", "You label reviews.")
LABELS = ("positive", "negative")


def _with_article(text: str) -> str:
    return re.sub(r"\b([Aa]) (?=[aeio]|u(?!se))", r"\1n ", text)


REVIEWED: dict[str, dict[str, tuple[str, ...]]] = table("classify", "reviewed")
SPECIAL: dict[str, dict[str, tuple[str, ...]]] = table("classify", "special")
PLURALS = words(
    "headphones earphones scissors knives batteries shoes boots trousers jeans gloves socks sandals trainers"
)
WHO: tuple[str, ...] = table("classify", "who")
GOOD_CLOSES: tuple[str, ...] = table("classify", "good_closes")
BAD_CLOSES: tuple[str, ...] = table("classify", "bad_closes")
SHORT = {"did not": "didn't", "does not": "doesn't", "do not": "don't", "was not": "wasn't", "is not": "isn't",
         "were not": "weren't", "could not": "couldn't", "would not": "wouldn't", "cannot": "can't", "I am": "I'm",
         "I will": "I'll", "We will": "We'll", "I would": "I'd", "It is": "It's", "I have never": "I've never"}  # fmt: skip


def _shortened(text: str) -> str:
    """As one speaks: "didn't" for "did not"."""
    for long, short in SHORT.items():
        for one, other in ((long, short), (long[0].upper() + long[1:], short[0].upper() + short[1:])):
            text = re.sub(rf"\b{one}\b", other, text)
    return text


def _number_of(form: str, *, several: bool) -> str:
    """The form with its verbs for one thing or for several."""
    irregular = {"is": "are", "was": "were", "has": "have", "does": "do", "had": "had"}
    if several:
        form = form.replace("my old one", "my old ones").replace("loves it.", "loves them.")
        return re.sub(r"\{([a-z]+)\}", lambda verb: irregular.get(verb[1], verb[1].removesuffix("s")), form)
    return re.sub(r"\{([a-z]+)\}", r"\1", form)


def _review(draw: Draw, *, good: bool) -> list[str]:
    """Sentences about one thing, as customers write them: the first names it, the others may say "it"."""
    kind = draw.of(list(REVIEWED))
    things, praise, complaints = REVIEWED[kind].values()
    thing = draw.of(things)
    own = kind in ("goods", "wear")
    several = thing in PLURALS
    if several:
        subject, them = "they", "them"
    else:
        subject, them = draw.of((("he", "him"), ("she", "her"))) if kind == "people" else ("it", "it")
    forms = draw.some(praise if good else complaints, draw.of((1, 1, 2, 2, 3)))
    if thing in SPECIAL and draw.below(0.4):
        forms[0] = draw.of(SPECIAL[thing]["praise" if good else "complaints"])
    sentences: list[str] = []
    for number, form in enumerate(forms):
        wording = _number_of(form, several=several)
        if number == 0 or draw.below(0.15):
            one = draw.of(("the", "the", "my", "these" if several else "this") if own else ("the", "the", "this"))
            filled = (f"{one} {thing}", f"{one} {thing}")
        else:
            filled = (subject, them)
        if draw.below(0.15):  # as one writes in a hurry: "Broke on the first day."
            wording = re.sub(r"^\{0\} ((is|was|are|were) )?", "", wording)
        text = wording.format(*filled, draw.of(WHO))
        sentences.append(text[:1].upper() + text[1:])
    if len(sentences) < 3 and draw.below(0.3):
        sentences.append(draw.of(GOOD_CLOSES if good else BAD_CLOSES))
    return sentences


def opinion(draw: Draw) -> tuple[str, str]:
    """A text of one to three sentences that agree, and its label."""
    good = draw.below(0.5)
    if not draw.held_out and draw.below(0.45):
        text = " ".join(_review(draw, good=good))
        return _shortened(text) if draw.below(0.5) else text, LABELS[0] if good else LABELS[1]
    words, others, ends = (GOOD, BAD, GOOD_ENDS) if good else (BAD, GOOD, BAD_ENDS)
    sentences: list[str] = []
    for _ in range(draw.of((1, 1, 2))):
        while is_held_out(f"opinion {(thing := draw.of(THINGS))} {(word := draw.of(words))}") != draw.held_out:
            pass
        if draw.below(0.15 if draw.held_out else 0.25):
            wording = draw.wording(train=NEGATED, held_out=NEGATED_HELD_OUT)
            word = draw.of(others)
        else:
            wording = draw.wording(train=FRAMES, held_out=FRAMES_HELD_OUT)
        sentences.append(_with_article(wording.format(thing, word)))
    if draw.below(0.4):
        sentences.insert(draw.int(0, len(sentences)), draw.of(ends))
    return " ".join(sentences), LABELS[0] if good else LABELS[1]


def sentiment(draw: Draw) -> Document:
    """In a chat, by a select or written."""
    turns: list[tuple[str, Answer]] = []
    for _ in range(1 if draw.held_out else draw.int(1, 4)):
        text, label = opinion(draw)
        asked = draw.wording(train=SENTIMENT, held_out=SENTIMENT_HELD_OUT).format(text)
        turns.append((asked, Answer(label, LABELS)))
    return chat("classify.sentiment", draw.of(SYSTEMS), *turns)


def sentiment_series(draw: Draw) -> Document:
    """After examples."""
    form = draw.wording(train=SERIES, held_out=SERIES_HELD_OUT)
    pieces: list[Piece] = [draw.of(("", "", "Each review is positive or negative.\n\n"))]
    for _ in range(draw.int(2, 6)):
        text, label = opinion(draw)
        pieces += [form.format(text), Answer(label, LABELS), "\n"]
    return plain("classify.sentiment_series", *joined(pieces))


TOPICS: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = table("classify", "topics")
WHENS: tuple[str, ...] = table("classify", "whens")

TOPIC: tuple[str, ...] = table("classify", "topic")
TOPIC_HELD_OUT = ("Name the topic of the following sentence.\n{0}",)


def topic(draw: Draw) -> Document:
    labels = list(TOPICS)
    turns: list[tuple[str, Answer]] = []
    for _ in range(1 if draw.held_out else draw.int(1, 4)):
        label = draw.of(labels)
        sentence = _combined(draw, *TOPICS[label], WHENS)
        asked = draw.wording(train=TOPIC, held_out=TOPIC_HELD_OUT).format(sentence)
        listed = f"\nChoose from: {', '.join(labels)}." if draw.below(0.5) else ""
        turns.append((asked + listed, Answer(label, tuple(labels))))
    return chat("classify.topic", draw.of(SYSTEMS), *turns)


LANGUAGES: dict[str, tuple[tuple[str, ...], tuple[str, ...], tuple[str, ...]]] = table("classify", "languages")
LANGUAGE: tuple[str, ...] = table("classify", "language")
LANGUAGE_HELD_OUT = ("The following sentence is in which language? {0}",)


def language(draw: Draw) -> Document:
    labels = list(LANGUAGES)
    turns: list[tuple[str, Answer]] = []
    for _ in range(1 if draw.held_out else draw.int(1, 4)):
        label = draw.of(labels)
        sentence = _combined(draw, *LANGUAGES[label])
        turns.append(
            (draw.wording(train=LANGUAGE, held_out=LANGUAGE_HELD_OUT).format(sentence), Answer(label, tuple(labels)))
        )
    return chat("classify.language", draw.of(SYSTEMS), *turns)


def _combined(draw: Draw, *parts: Sequence[str]) -> str:
    """One of each part, as a sentence that is held out or not."""
    while True:
        first, *rest = map(draw.of, parts)
        second = "" if rest[0].startswith(" ") else " "
        sentence = f"{first}{second}{''.join(rest)}."
        if is_held_out(sentence) == draw.held_out:
            return sentence
