"""Judge an essay: branch, solve, merge.

One rubric, one essay, six judges that each look at one dimension at the same time, and one who reads what the six have
said and gives the verdict. Everything before the fork is prefilled once, and the rubric once for all essays.

    sglc run examples/judge.py --args examples/judge.jsonl

Comes out: `comment` and `score`, one for each dimension, and `verdict`: accept, revise or reject.
"""

import sglc as sgl

RUBRIC = """\
You are one of the judges of an essay competition for the general public. The essays are short, between 150 and 600 \
words, on any subject and in any form: argument, explanation, memoir. Their authors range from school pupils to \
practised writers, and each of them will read what you say.

Judge what is on the page. Do not reward an opinion because you share it, nor a subject because it is grave. A modest \
claim that is fully supported is worth more than a large one that is only asserted. Plain words are not a fault, and \
ornament is not a merit. Mistakes of grammar count only where they make the reader stop.

You will be asked about one dimension at a time. Answer with one line of comment and a score. The comment names the \
single thing that decided the score and points at the place where it happens; it is written to the author, politely, \
without flattery. The score is a whole number from 1 to 10:

1 to 2: fails in this dimension; it would have to be written anew.
3 to 4: weak; the reader must do work that the author should have done.
5 to 6: sound; nothing is wrong, little is memorable.
7 to 8: good; a reader would notice it and profit from it.
9 to 10: excellent; it could be shown to others as a model.

Use the whole scale. Judge each dimension alone: a muddled essay may still be honest, and a lucid one may say nothing.\
"""

DIMENSIONS = {
    "clarity": "Can each sentence be understood at the first reading?",
    "structure": "Does each paragraph do one job, and does the order help the reader?",
    "evidence": "Are claims supported by facts, examples or experience that bear on them?",
    "reasoning": "Do the conclusions follow, and are the best objections met fairly?",
    "originality": "Does the essay see something that most people would have passed by?",
    "style": "Is there a voice, and does it suit the subject?",
}


@sgl.function
def judge(s: sgl.ProgramState, essay: str) -> None:
    s += sgl.system(RUBRIC)
    s += sgl.user_begin()
    s += "This is the essay.\n\n" + essay

    forks = s.fork(len(DIMENSIONS))
    for i, (name, question) in enumerate(DIMENSIONS.items()):
        forks[i] += f"\n\nJudge its {name}. {question}"
        forks[i] += sgl.user_end()
        forks[i] += sgl.assistant(
            "Comment: "
            + sgl.gen("comment", max_tokens=32, stop="\n", temperature=0)
            + "\nScore: "
            + sgl.gen("score", regex="[1-9]|10", temperature=0)
        )
    forks.join()  # s["comment"] and s["score"] are now lists, one item a fork

    s += "\n\nThis is what the judges said."
    for name, score, comment in zip(DIMENSIONS, s["score"], s["comment"], strict=True):
        s += f"\n- {name}: {score} of 10. {comment}"
    s += "\n\nWeigh it and give the verdict."
    s += sgl.user_end()
    s += sgl.assistant("Verdict: " + sgl.select("verdict", choices=["accept", "revise", "reject"]))
