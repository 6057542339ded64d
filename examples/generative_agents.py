"""Let something happen in a small town: each of its people judges it, and those who care react and plan anew.

Every person is a program of its own, called by the town's. All of them are asked before the first answer is looked at,
so their gens run at the same time; then the town's program branches on who reacts.

    sglc run examples/generative_agents.py --args examples/generative_agents.jsonl

Comes out: `importance` and `decision`, one for each person; `reaction` and `plan`, empty and the old one for those who
carry on; `chronicle`, what the town remembers.
"""

import sglc as sgl

TOWN = """\
Oakbridge is a town of nine hundred people on a slow river. It has a square with a well, a bakery, a school, a mill that \
no longer turns, and one bus a day. People know each other, and news travels fast.

"""


@sgl.function
def perceive(s: sgl.ProgramState, person: dict[str, str], event: str) -> None:
    name = person["name"]
    s += TOWN
    s += f"{name} is {person['character']}. Today {name} plans to {person['plan']}. Then this happens: {event}\n"
    s += f"How much does it matter to {name}, from 1, an everyday thing, to 9, a turn in life? "
    s += sgl.gen("importance", regex="[1-9]", temperature=0)
    s += f"\nWhat does {name} do? " + sgl.select("decision", choices=["carry on", "react"]) + ".\n"


@sgl.function
def generative_agents(s: sgl.ProgramState, event: str, people: list[dict[str, str]]) -> None:
    minds = [perceive(person=person, event=event) for person in people]
    s["importance"] = [mind["importance"] for mind in minds]
    s["decision"] = [mind["decision"] for mind in minds]

    reactions: list[str] = []
    plans: list[str] = []
    for number, person in enumerate(people):
        mind = minds[number]
        if mind["decision"] == "react":
            mind += (
                "At once" + sgl.gen("reaction", stop="\n") + "\nFrom now on the plan is to" + sgl.gen("plan", stop="\n")
            )
            reactions.append(mind["reaction"].strip())
            plans.append(mind["plan"].strip())
        else:
            reactions.append("")
            plans.append(person["plan"])
    s["reaction"] = reactions
    s["plan"] = plans

    s += TOWN
    s += f"One day this happened: {event}\n"
    for person, plan in zip(people, plans, strict=True):
        s += f"{person['name']} then had in mind to {plan}.\n"
    s += "The chronicle of the town has one sentence about it:" + sgl.gen("chronicle", stop="\n")
