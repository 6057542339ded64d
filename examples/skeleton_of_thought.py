"""Answer with a skeleton first: an outline of four points, then all four points expanded at the same time.

The outline is written as a form: the program writes the numbers, and the model fills in a point after each, held to one
short line by a regex. The expansions do not read each other, so they are a fork of four, and the answer takes as long
as the outline and the longest point instead of all points one after another.

    sglc run examples/skeleton_of_thought.py --args examples/skeleton_of_thought.jsonl

Comes out: `point` and `text`, four of each, and `answer`, the points with their texts.
"""

import sglc as sgl

POINTS = 4


@sgl.function
def skeleton_of_thought(s: sgl.ProgramState, question: str) -> None:
    s += sgl.system("You give practical advice. First you outline your answer, then you work out each point of it.")
    s += sgl.user(f"{question}\nOutline an answer of {POINTS} points of at most six words each.")
    points: list[str] = []
    with s.assistant():
        for number in range(1, POINTS + 1):
            s += f"{number}. " + sgl.gen("point", regex=r"[A-Z][a-z,'-]*( [A-Za-z,'-]+){0,5}", max_tokens=16) + "\n"
            points.append(s["point"])
    s["point"] = points

    forks = s.fork(POINTS)
    for number, point in enumerate(points):
        forks[number] += sgl.user(f"Work out point {number + 1}, {point}, in one or two sentences.")
        forks[number] += sgl.assistant(sgl.gen("text", stop="\n"))
    forks.join()

    lines = [f"{point}: {text}" for point, text in zip(points, s["text"], strict=True)]
    s["answer"] = "\n".join(lines)
