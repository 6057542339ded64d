"""Answer a multiple-choice question after five examples.

The examples depend on no argument, so the compiler takes them out of the program: they are tokenised once, and computed
once for all questions. `select` scores the four letters after the question, so the answer is always one of them.

    sglc run examples/mmlu.py --args examples/mmlu.jsonl

Comes out: `answer`, a letter, and `gold`, the right one, to count by.
"""

import sglc as sgl

LETTERS = ("A", "B", "C", "D")

EXAMPLES = """\
The following are multiple-choice questions about the sciences, each with its answer.

Question: What carries oxygen through the human body?
A. White blood cells
B. Red blood cells
C. Platelets
D. Nerve fibres
Answer: B

Question: A car drives 150 kilometres in two hours and a half. What is its mean speed?
A. 60 kilometres an hour
B. 75 kilometres an hour
C. 90 kilometres an hour
D. 375 kilometres an hour
Answer: A

Question: Which of these is a chemical change?
A. Ice melts
B. Sugar dissolves in tea
C. Glass breaks
D. Iron rusts
Answer: D

Question: What keeps the planets on their paths around the Sun?
A. Its magnetic field
B. The solar wind
C. Its gravity
D. The pressure of its light
Answer: C

Question: Which number is prime?
A. 51
B. 57
C. 91
D. 97
Answer: D

"""


@sgl.function
def mmlu(s: sgl.ProgramState, question: str, options: list[str], gold: str) -> None:
    s += EXAMPLES
    s += f"Question: {question}\n"
    for letter, option in zip(LETTERS, options, strict=True):
        s += f"{letter}. {option}\n"
    s += "Answer: " + sgl.select("answer", choices=LETTERS)
    s["gold"] = gold
