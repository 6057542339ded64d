"""Choose how a story goes on, among four long endings.

Each ending is scored as a continuation of the same prompt: the examples are shared by all stories, and a story by its
four endings. By default `select` compares the mean log probability of their tokens, so that a short ending has no
advantage over a long one.

    sglc run examples/hellaswag.py --args examples/hellaswag.jsonl

Comes out: `ending`, one of the four texts.
"""

import sglc as sgl

EXAMPLES = """\
Each story goes on in the way that makes the most sense.

Story: A woman kneels on a roof with a hammer and a bag of nails. She lays a new slate over the gap and
Goes on: drives a nail through each of its two holes, then reaches for the next slate.

Story: A boy holds a paper boat over the edge of a stream. He lets go, and the current
Goes on: carries it under the bridge while he runs along the bank to keep up with it.

Story: Two men carry a piano up a narrow staircase. At the turn of the stairs it gets stuck, so they
Goes on: set it down, talk it over, and tilt it upright to bring it round the corner.

Story: A chef cracks six eggs into a bowl and adds a little milk. With a fork he
Goes on: beats them until yolk and white are one, and pours them into the hot pan.

Story: The referee looks at her watch and raises her arm. When she blows the whistle, the players
Goes on: stop where they are, shake hands and walk to the dressing rooms.

"""


@sgl.function
def hellaswag(s: sgl.ProgramState, story: str, endings: list[str]) -> None:
    s += EXAMPLES
    s += "Story: " + story
    s += "\nGoes on: " + sgl.select("ending", choices=endings)
