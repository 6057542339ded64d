"""Answer a question with two tools, a look-up and a calculator: think, act, observe, and again (ReAct).

The model decides which tool is called and when it has finished, so the program branches on what the model says. The
compiler follows these branches ahead of time as far as `max_paths` lets it; a run that goes further is compiled as it
goes. What a tool cannot do it says in words, so that the model can try something else: an exception would end the
program.

    sglc run examples/react.py --args examples/react.jsonl

Comes out: `answer`, what stands in `Finish[...]`, empty where the model does not get there; `thought` and `action` are
those of the last step.
"""

import ast
import operator
from collections.abc import Callable

import sglc as sgl

MAX_STEPS = 6

INSTRUCTIONS = """\
Answer a question about mountains, rivers and buildings in steps. A step is a line with a thought and a line with one of \
these actions:

Look up[name]: what the book says about a mountain, a river or a building.
Calculate[expression]: the value of an arithmetic expression.
Finish[answer]: the answer to the question, and the end.

After an action you read what came of it. This is an example.

Question: How many kilometres are the Volga and the Ural together?
Thought: I need the length of the Volga.
Action: Look up[Volga]
Observation: The Volga is a river of 3531 km in Russia.
Thought: Now I need the length of the Ural.
Action: Look up[Ural]
Observation: The Ural is a river of 2428 km in Russia and Kazakhstan.
Thought: I add the two lengths.
Action: Calculate[3531 + 2428]
Observation: 5959
Thought: I know the answer.
Action: Finish[5959 km]

"""

BOOK = {
    "mont blanc": "Mont Blanc is a mountain of 4806 m in France and Italy.",
    "ben nevis": "Ben Nevis is a mountain of 1345 m in Scotland.",
    "kilimanjaro": "Kilimanjaro is a mountain of 5895 m in Tanzania.",
    "denali": "Denali is a mountain of 6190 m in Alaska.",
    "nile": "The Nile is a river of 6650 km in the north-east of Africa.",
    "rhine": "The Rhine is a river of 1230 km from the Alps to the North Sea.",
    "danube": "The Danube is a river of 2850 km from the Black Forest to the Black Sea.",
    "thames": "The Thames is a river of 346 km in England.",
    "eiffel tower": "The Eiffel Tower is a building of 330 m in Paris, finished in 1889.",
    "burj khalifa": "The Burj Khalifa is a building of 828 m in Dubai, finished in 2010.",
    "big ben": "Big Ben is a clock tower of 96 m in London, finished in 1859.",
}

OPERATIONS: dict[type[ast.operator], Callable[[float, float], float]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
}


@sgl.host
def look_up(name: str) -> str:
    entry = name.strip().lower().removeprefix("the ")
    return BOOK.get(entry, f"The book has nothing about {name!r}.")


@sgl.host
def calculate(expression: str) -> str:
    if not set(expression) <= set("0123456789.+-*/() "):
        return "Only numbers, + - * / and brackets can be calculated."
    try:
        return f"{_value(ast.parse(expression.strip(), mode='eval').body):.10g}"
    except (ArithmeticError, SyntaxError, ValueError, MemoryError, RecursionError) as error:
        return f"This cannot be calculated: {error}."


def _value(node: ast.expr) -> float:
    match node:
        case ast.Constant(value=int() | float() as number):
            return number
        case ast.UnaryOp(op=ast.USub(), operand=operand):
            return -_value(operand)
        case ast.BinOp(left=left, op=operation, right=right) if type(operation) in OPERATIONS:
            return OPERATIONS[type(operation)](_value(left), _value(right))
        case _:
            raise ValueError("only + - * / are known")


@sgl.function(max_paths=8)
def react(s: sgl.ProgramState, question: str) -> None:
    s += INSTRUCTIONS
    s += "Question: " + question + "\n"
    for _ in range(MAX_STEPS):
        s += "Thought: " + sgl.gen("thought", stop="\n", temperature=0) + "\n"
        s += "Action: " + sgl.gen("action", stop="\n", temperature=0) + "\n"
        action = s["action"].strip()
        if action.startswith("Finish["):
            s["answer"] = action.removeprefix("Finish[").removesuffix("]")
            break
        if action.startswith("Look up["):
            observation = look_up(action.removeprefix("Look up[").removesuffix("]"))
        elif action.startswith("Calculate["):
            observation = calculate(action.removeprefix("Calculate[").removesuffix("]"))
        else:
            observation = "The actions are Look up[name], Calculate[expression] and Finish[answer]."
        s += "Observation: " + observation + "\n"
    else:
        s["answer"] = ""
