"""Python on what a model said: small bodies, each with what the model says, case by case.

A body begins with `start(s, row)`: the row's name, then a first answer. `ask(s, "b")` is one more answer. What the model
says follows from the prompt alone (`said`), so runs may be repeated, reordered and run side by side.

The first cases are of the uninteresting kind: a trace of them, wrongly kept, would show in the later ones.
"""

from tests.language.idioms import (  # noqa: F401 - each puts its idioms into the table
    classes,
    comparison,
    containers,
    copies,
    exceptions,
    flow,
    forks,
    formats,
    formatting,
    functions,
    hosts,
    numbers,
    opaque,
    patterns,
    programs,
    refused,
    states,
    templates,
    texts,
)
from tests.language.idioms.table import IDIOMS, Idiom, said

__all__ = ["IDIOMS", "Idiom", "said"]
