"""Talk with the model over several turns, with short answers or long ones.

Each turn goes on from all turns before it. The engine keeps what it has computed of them, so a turn costs its own
question and answer only. The number of questions and the length of the answers are fixed when the program is compiled;
the words are not, so rows with the same numbers share one compiled program.

    sglc run examples/multi_turn_chat.py --args examples/multi_turn_chat.jsonl

Comes out: `answers`, one for each question.
"""

import sglc as sgl

SHORT = "Answer in a few words."
LONG = "Answer at length, with reasons and examples."


@sgl.function
def multi_turn_chat(s: sgl.ProgramState, persona: str, questions: list[str], max_tokens: int) -> None:
    s += sgl.system(f"{persona} {SHORT if max_tokens < 32 else LONG}")
    answers: list[str] = []
    for question in questions:
        s += sgl.user(question)
        s += sgl.assistant(sgl.gen("answer", max_tokens=max_tokens))
        answers.append(s["answer"])
    s["answers"] = answers
