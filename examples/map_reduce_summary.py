"""Sum up a long report: each of its sections alone, all at the same time (map), then the summaries together (reduce).

`note` is a program that the main one calls once for each section. The calls do not depend on each other, so they run
together; their instructions are a constant, computed once for all sections of all reports.

    sglc run examples/map_reduce_summary.py --args examples/map_reduce_summary.jsonl

Comes out: `notes`, one for each section; `summary`; `headline`.
"""

import sglc as sgl


@sgl.function
def note(s: sgl.ProgramState, section: str) -> None:
    s += sgl.system("You read one section of a report and note what its readers must know, in one plain sentence.")
    s += sgl.user(section)
    s += sgl.assistant(sgl.gen("note", stop="\n", temperature=0))


@sgl.function
def map_reduce_summary(s: sgl.ProgramState, title: str, sections: list[str]) -> None:
    notes = [note(section=section)["note"].strip() for section in sections]
    s["notes"] = notes
    s += sgl.system("You write short summaries of reports from notes on their sections, and add nothing of your own.")
    s += sgl.user(f"These are the notes on the report '{title}'.\n- " + sgl.join("\n- ", notes))
    s += sgl.assistant("Summary: " + sgl.gen("summary", stop="\n", temperature=0))
    s += sgl.user("Give it a headline of at most eight words.")
    s += sgl.assistant("Headline: " + sgl.gen("headline", stop="\n", temperature=0))
