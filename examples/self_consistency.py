"""Solve a word problem five times and take the answer that most solutions agree on.

The five solutions are forks: they share the example and the problem, and run at the same time. The vote is plain Python,
which needs the five answers themselves, so the program is compiled up to there, and goes on with each answer as Python
asks for it.

    sglc run examples/self_consistency.py --args examples/self_consistency.jsonl

Comes out: `thought` and `number`, five of each; `answer`, the number that won; `votes`, how many had it.
"""

from collections import Counter

import sglc as sgl

SAMPLES = 5

EXAMPLE = """\
Think in one line, then give the answer as a number.

Problem: A box holds 12 eggs. A baker uses 5 boxes, and 7 eggs are left over. How many eggs has the baker used?
Thought: Five boxes hold 5 times 12, which is 60 eggs, and 60 less 7 are 53.
Answer: 53

"""


@sgl.function
def self_consistency(s: sgl.ProgramState, problem: str) -> None:
    s += EXAMPLE
    s += "Problem: " + problem + "\n"
    forks = s.fork(SAMPLES)
    forks += "Thought:" + sgl.gen("thought", stop="\n", temperature=0.8)
    forks += "\nAnswer: " + sgl.gen("number", regex="[0-9]{1,5}", temperature=0)
    forks.join()
    numbers: list[str] = s["number"]
    answer, votes = Counter(numbers).most_common(1)[0]
    s["answer"] = answer
    s["votes"] = votes
    s += f"Answer: {answer}\n"
