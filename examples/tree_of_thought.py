"""Solve a word problem as a tree of thoughts: three steps, four ideas for each, and the best one is kept.

The four branches of a step share all that was said before. Which thought is best is asked of a host function: what it
gives is text like any other, so the whole tree is compiled ahead of time. (Plain Python here would do as well, but it
needs the scores to go on, and the program would have a branch for each value of each score.)

    sglc run examples/tree_of_thought.py --args examples/tree_of_thought.jsonl

Comes out: `answer`, a number; `path`, the three thoughts that were kept; `thought` and `score` of the last four branches.
"""

from collections.abc import Sequence

import sglc as sgl

STEPS = 3
BRANCHES = 4

INSTRUCTIONS = f"""\
Solve the problem in {STEPS} short steps. Each step is one line that brings you nearer to the answer; do not repeat a \
step, and do not give the answer before the end.

"""


@sgl.host
def best(thoughts: Sequence[str], scores: Sequence[str]) -> str:
    """The thought with the highest score, the first of those that have it."""
    ranked = sorted(range(len(thoughts)), key=lambda index: -int(scores[index]))
    return thoughts[ranked[0]]


@sgl.function
def tree_of_thought(s: sgl.ProgramState, problem: str) -> None:
    s += INSTRUCTIONS
    s += "Problem: " + problem + "\n"
    path: list[str] = []
    for step in range(1, STEPS + 1):
        s += f"Step {step}:"
        branches = s.fork(BRANCHES)
        branches += sgl.gen("thought", stop="\n", temperature=0.9)
        branches += "\nIs this step useful, from 1 to 10? " + sgl.gen("score", regex="[1-9]|10", temperature=0)
        branches.join()
        kept = best(s["thought"], s["score"])
        path.append(kept)
        s += kept + "\n"
    s["path"] = path
    s += "The answer is " + sgl.gen("answer", dtype=int, max_tokens=8, temperature=0) + "\n"
