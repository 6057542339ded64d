"""Sentiment, topic and language of a sentence: by a select among labels, or written out."""

from __future__ import annotations

from collections.abc import Sequence

from models.document import Answer, Document, Piece, chat, joined, plain
from models.draw import Draw, is_held_out
from models.world.words import words

THINGS = words("""\
film book meal hotel room concert teacher phone camera train journey shop garden party lesson game song soup coffee
bread jacket shoe bag bicycle lamp chair service waiter play exhibition museum beach tour guide doctor course app
battery screen sound story ending cake pizza wine view bed breakfast staff driver""")

GOOD = words("""\
good great excellent wonderful lovely perfect brilliant superb delightful pleasant friendly beautiful fantastic
amazing charming impressive delicious fresh clean comfortable helpful quick cheerful splendid enjoyable marvellous""")

BAD = words("""\
bad terrible awful horrible poor dreadful disappointing boring dull ugly rude dirty slow broken useless unpleasant
noisy cold sad miserable annoying stale weak worthless tiring painful""")

GOOD_ENDS = (
    *(
        "I loved it.",
        "I will come back.",
        "I can recommend it.",
        "We had a great time.",
        "It made me smile.",
        "I want more.",
    ),
    *(
        "It was worth every cent.",
        "I would buy it again.",
        "Thank you!",
        "Five stars.",
        "It made my day.",
        "I was happy.",
    ),
)
BAD_ENDS = (
    *("I hated it.", "Never again.", "I want my money back.", "It was a waste of time.", "I left early.", "Stay away."),
    *(
        "It broke at once.",
        "I would not buy it again.",
        "What a pity.",
        "One star.",
        "It ruined my day.",
        "I was angry.",
    ),
)

FRAMES = (
    *("The {0} was {1}.", "What a {1} {0}!", "I found the {0} {1}.", "The {0} is really {1}.", "A {1} {0}."),
    *("Such a {1} {0}.", "We had a {1} {0}.", "My {0} is {1}.", "The {0} seemed {1} to me.", "The {0} was very {1}."),
    *(
        "I think that the {0} was {1}.",
        "It was a {1} {0}.",
        "I thought the {0} {1}.",
        "I must admit that the {0} is {1}.",
    ),
    *(
        "Everybody says that the {0} was {1}.",
        "They gave us a {1} {0}.",
        "The {0} was truly {1}.",
        "All of us had a {1} {0}.",
    ),
)
FRAMES_HELD_OUT = ("I must say that the {0} was {1}.", "All of us thought the {0} {1}.", "It was a truly {1} {0}.")
NEGATED = ("The {0} was not {1}.", "The {0} is not {1} at all.", "I did not find the {0} {1}.", "That is no {1} {0}.",
           "I would not say that the {0} was {1}.", "Nobody would call the {0} {1}.", "The {0} was anything but {1}.")  # fmt: skip
NEGATED_HELD_OUT = ("I would not call the {0} {1}.",)
SENTIMENT = (
    *("Is this review positive or negative?\n{0}", "{0}\nIs this positive or negative?", "Review: {0}\nSentiment?"),
    *("What is the sentiment of this sentence? {0}", "Positive or negative: {0}", "How does the writer feel? {0}"),
    *("Classify the review as positive or negative.\n\n{0}", "Is the writer pleased? Say positive or negative.\n{0}"),
    *(
        "Decide: positive or negative?\n{0}",
        "{0}\nDoes the writer sound positive or negative?",
        "{0}\nPositive or negative?",
    ),
    *("Is the following text positive or negative?\n{0}", "Tell me whether this is positive or negative: {0}"),
    *("Text: {0}\nIs it positive or negative?", "Label this text as positive or negative.\n{0}"),
)
SENTIMENT_HELD_OUT = (
    "Decide whether this text is positive or negative.\n{0}",
    "{0}\nDoes that sound positive or negative?",
)
SERIES = ("Review: {0}\nSentiment: ", "Text: {0}\nLabel: ", "{0} -> ", "Sentence: {0}\nThis is ", "{0}\nSentiment: ",
          "Comment: {0}\nSentiment: ", "Guest: {0}\nMood: ")  # fmt: skip
SERIES_HELD_OUT = ("Opinion: {0}\nSentiment: ",)
SYSTEMS = ("", "", "You classify texts.", "Answer with one word.", "You label reviews.")
LABELS = ("positive", "negative")


def _with_article(text: str) -> str:
    for word in ("excellent", "amazing", "impressive", "enjoyable", "awful", "ugly", "unpleasant", "annoying"):
        text = text.replace(f" a {word}", f" an {word}").replace(f"A {word}", f"An {word}")
    return text


def opinion(draw: Draw) -> tuple[str, str]:
    """A text of one to three sentences that agree, and its label."""
    good = draw.below(0.5)
    words, others, ends = (GOOD, BAD, GOOD_ENDS) if good else (BAD, GOOD, BAD_ENDS)
    sentences: list[str] = []
    for _ in range(draw.of((1, 1, 2))):
        while is_held_out(f"opinion {(thing := draw.of(THINGS))} {(word := draw.of(words))}") != draw.held_out:
            pass
        if draw.below(0.15):
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


TOPICS: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "sport": (
        ("The team", "The goalkeeper", "The runner", "The coach", "The referee", "A cyclist", "The swimmer"),
        ("won the match", "scored a goal", "trained for the race", "lost the final", "broke the record", "left the field"),
    ),
    "cooking": (
        ("The chef", "My grandmother", "The baker", "The cook", "Our host", "The pastry chef", "A pot of soup"),
        ("needs more salt", "baked a cake", "stirred the sauce", "fried the onions", "cut the carrots", "cooked the rice"),
    ),
    "science": (
        ("The physicist", "A team of biologists", "The telescope", "The chemist", "The experiment", "The laboratory", "A new theory"),
        ("measured the atoms", "found a new planet", "explains the cells", "tested the theory", "studied the stars", "made a molecule"),
    ),
    "travel": (
        ("The tourist", "Our train", "The plane", "The guide", "A family", "The ferry", "The traveller"),
        ("arrived at the hotel", "crossed the border", "visited the island", "left the airport", "booked a tour", "packed the suitcase"),
    ),
    "business": (
        ("The bank", "The company", "The manager", "The investor", "The market", "A new firm", "The shop owner"),
        ("raised the prices", "sold the shares", "signed the contract", "made a profit", "paid the taxes", "hired more staff"),
    ),
    "music": (
        ("The violinist", "The choir", "The singer", "The orchestra", "A pianist", "The band", "The drummer"),
        ("played a melody", "sang a song", "tuned the strings", "recorded an album", "practised the rhythm", "gave a concert"),
    ),
}  # fmt: skip
WHENS = (
    "",
    " yesterday",
    " last week",
    " in the morning",
    " again",
    " after all",
    " this year",
    " on Sunday",
    " at last",
)

TOPIC = (
    "What is the topic of this sentence? {0}",
    "{0}\nWhat is this about?",
    "Which topic is this? {0}",
    "Topic of the text: {0}",
    "Name the topic: {0}",
    "What is the following sentence about?\n{0}",
    "Say which topic this sentence has.\n{0}",
)
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


LANGUAGES: dict[str, tuple[tuple[str, ...], tuple[str, ...], tuple[str, ...]]] = {
    "English": (
        ("The boy", "My mother", "The old man", "A woman", "Our neighbour", "The teacher"),
        (" sees", " buys", " loves", " has found", " is looking for", " carries"),
        (" the dog", " a book", " the house", " some bread", " a new car", " the water"),
    ),
    "German": (
        ("Der Junge", "Meine Mutter", "Der alte Mann", "Eine Frau", "Unser Nachbar", "Die Lehrerin"),
        (" sieht", " kauft", " liebt", " findet", " sucht", " bringt"),
        (" den Hund", " ein Buch", " das Haus", " etwas Brot", " ein neues Auto", " das Wasser"),
    ),
    "French": (
        ("Le garçon", "Ma mère", "Le vieil homme", "Une femme", "Notre voisin", "La maîtresse"),
        (" voit", " achète", " aime", " trouve", " cherche", " apporte"),
        (" le chien", " un livre", " la maison", " du pain", " une nouvelle voiture", " de l'eau"),
    ),
    "Spanish": (
        ("El niño", "Mi madre", "El viejo", "Una mujer", "Nuestro vecino", "La profesora"),
        (" ve", " compra", " quiere", " encuentra", " busca", " lleva"),
        (" el perro", " un libro", " la casa", " algo de pan", " un coche nuevo", " el agua"),
    ),
    "Italian": (
        ("Il ragazzo", "Mia madre", "Il vecchio", "Una donna", "Il nostro vicino", "La maestra"),
        (" vede", " compra", " ama", " trova", " cerca", " porta"),
        (" il cane", " un libro", " la casa", " del pane", " una macchina nuova", " l'acqua"),
    ),
    "Dutch": (
        ("De jongen", "Mijn moeder", "De oude man", "Een vrouw", "Onze buurman", "De juf"),
        (" ziet", " koopt", " houdt van", " vindt", " zoekt", " brengt"),
        (" de hond", " een boek", " het huis", " wat brood", " een nieuwe auto", " het water"),
    ),
}
LANGUAGE = (
    "Which language is this? {0}",
    "{0}\nWhat language is that?",
    "Name the language: {0}",
    "In which language is this written?\n{0}",
    "The sentence is in which language? {0}",
    "Which language is the following?\n{0}",
)
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
