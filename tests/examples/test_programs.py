"""Every example gives the same compiled and interpreted, and what its readers expect: on a model that knows the examples
(`scripted.py`), and on the embedded one, whatever it says."""

from __future__ import annotations

import json
import re
import statistics
from pathlib import Path
from typing import Any

import pytest

import sglc
from sglc.command.program_file import load_program, load_rows
from sglc.ir.graph import Graph, Region, Switch
from sglc.ir.printer import print_graph
from sglc.passes.pipeline import optimise
from sglc.runtime.scripted import Question
from tests.cli.command import sglc_command
from tests.examples.scripted import ANSWERS

EXAMPLES = Path(__file__).resolve().parents[2] / "examples"

LINE = r"[^\n]+"
REST = r"[^\n]*"
SCORE = "[1-9]|10"

SHAPES: dict[str, dict[str, Any]] = {
    "mmlu": {"answer": "[ABCD]", "gold": "[ABCD]"},
    "hellaswag": {"ending": LINE},
    "react": {"thought": REST, "action": REST, "answer": REST},
    "generative_agents": {
        "importance": ["[1-9]"] * 3,
        "decision": ["carry on|react"] * 3,
        "reaction": [REST] * 3,
        "plan": [REST] * 3,
        "chronicle": REST,
    },
    "tree_of_thought": {"thought": [REST] * 4, "score": [SCORE] * 4, "path": [REST] * 3, "answer": r"[-+]?\d+"},
    "skeleton_of_thought": {"point": [r"[A-Z][A-Za-z ,'-]*"] * 4, "text": [REST] * 4, "answer": rf"({LINE}\n?){{4}}"},
    "judge": {"comment": [REST] * 6, "score": [SCORE] * 6, "verdict": "accept|revise|reject"},
    "json_extraction": {"order": LINE, "state": "complete|to be looked at|cut off"},
    "multi_turn_chat": {"answer": r"[\s\S]*", "answers": [r"[\s\S]*"] * 4},
    "retrieval": {"query": REST, "passages": rf"- {LINE}\n- {LINE}", "answer": REST, "told": "yes|no"},
    "self_consistency": {"thought": [REST] * 5, "number": [r"\d{1,5}"] * 5, "answer": r"\d{1,5}", "votes": "[1-5]"},
    "map_reduce_summary": {"notes": [REST, ...], "summary": REST, "headline": REST},
}
"""Name of an example -> its variables: a pattern for a value, a list for a list; `...` stands for more of the same."""

VALUES: dict[str, dict[str, list[Any]]] = {
    "react": {"answer": ["3461", "4080", "30", "19.21965318", "6042.5", "18.75757576", "Tanzania", ""]},
    "tree_of_thought": {"answer": ["34", "40", "16", "240", "30", "192"]},
    "json_extraction": {
        "state": [
            "complete", "to be looked at", "complete", "complete", "cut off", "complete", "to be looked at", "complete",
        ],
    },
    "retrieval": {"told": ["yes", "yes", "yes", "no", "yes", "yes", "yes", "no"]},
}  # fmt: skip
"""What the model of `scripted.py` makes of each row."""

GOES_ON_IN_PYTHON = {"react", "json_extraction", "self_consistency"}
"""Examples that cannot be compiled whole, as they say themselves."""

TINY: dict[str, dict[str, Any]] = {"multi_turn_chat": {"max_tokens": 4}}
"""Arguments that keep the embedded model's answers short."""


def rows_of(name: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (EXAMPLES / f"{name}.jsonl").read_text(encoding="utf-8").splitlines()]


def program_of(name: str) -> sglc.SglFunction:
    return load_program(str(EXAMPLES / f"{name}.py"))


def assert_equal(compiled: sglc.Result, interpreted: sglc.Result) -> None:
    for result in (compiled, interpreted):
        assert result.error() is None
    assert compiled.text() == interpreted.text()
    assert compiled.variables == interpreted.variables
    assert compiled.ret_value == interpreted.ret_value
    assert compiled.messages() == interpreted.messages()
    assert without_cache(compiled.meta) == without_cache(interpreted.meta)


def without_cache(meta: Any) -> Any:
    """Meta info without what depends on what else was computed before."""
    if isinstance(meta, dict):
        return {key: without_cache(value) for key, value in meta.items() if key != "cached_tokens"}
    return list(map(without_cache, meta)) if isinstance(meta, list) else meta


def assert_shape(value: Any, shape: Any) -> None:
    if isinstance(shape, list):
        assert isinstance(value, list)
        shapes = shape[:1] * len(value) if ... in shape else shape
        for item, wanted in zip(value, shapes, strict=True):
            assert_shape(item, wanted)
    else:
        assert re.fullmatch(shape, str(value)), f"{value!r} is no {shape}"


def test_every_example_is_tested() -> None:
    names = sorted(path.stem for path in EXAMPLES.glob("*.py"))
    assert sorted(SHAPES) == sorted(ANSWERS) == names
    assert len(names) == 12


@pytest.mark.parametrize("name", SHAPES)
@pytest.mark.filterwarnings("error::RuntimeWarning")  # a trace that is not trusted
def test_on_a_model_that_knows_the_examples(name: str) -> None:
    asked: list[tuple[Any, ...]] = []

    def answer(question: Question) -> str:
        asked.append((question.prompt, question.choices, question.sampling))
        return ANSWERS[name](question)

    program, rows = program_of(name), rows_of(name)
    logs: list[list[str]] = []
    with sglc.Scripted(answer, share_rows=False) as backend:  # so that each row asks all of its own
        runs: list[list[sglc.Result]] = []
        for mode in ("interpret", "compiled", "compiled"):  # the second time on the ways that the first one has kept
            asked.clear()
            runs.append(program.run_batch(rows, backend=backend, seed=0, mode=mode))
            logs.append(sorted(map(repr, asked)))
    interpreted, *others = runs
    for results in others:
        for compiled, plain in zip(results, interpreted, strict=True):
            assert_equal(compiled, plain)
    assert logs[0] == logs[1] == logs[2]
    for result in interpreted:
        assert result.variables.keys() == SHAPES[name].keys()
        assert_shape(list(result.variables.values()), [SHAPES[name][key] for key in result])
    for variable, values in VALUES.get(name, {}).items():
        assert [result[variable] for result in interpreted] == values


@pytest.mark.parametrize("name", SHAPES)
@pytest.mark.filterwarnings("error::RuntimeWarning")
def test_on_the_embedded_model(engine: sglc.Engine, name: str) -> None:
    program = program_of(name)
    row = {**rows_of(name)[0], **TINY.get(name, {})}
    compiled, interpreted = (
        program.run(**row, backend=engine, mode=mode, seed=0, temperature=0, max_new_tokens=8)
        for mode in ("compiled", "interpret")
    )
    assert_equal(compiled, interpreted)
    assert_shape(list(compiled.variables.values()), [SHAPES[name][key] for key in compiled])


@pytest.mark.parametrize("name", SHAPES)
def test_traces_without_a_model(name: str) -> None:
    program = program_of(name)
    graph = program.trace(**rows_of(name)[0])
    regions = list(regions_of(graph))
    assert len(regions) < 2 * program.bounds.paths(for_row=False)
    exits = [region for region in regions if isinstance(region.end, Switch) and region.end.open]
    whys = [region.end.why for region in exits if isinstance(region.end, Switch)]
    assert bool(exits) == (name in GOES_ON_IN_PYTHON), whys


def regions_of(graph: Graph) -> list[Region]:
    found = [graph.region]
    for region in found:
        if isinstance(region.end, Switch):
            found.extend(case.region for case in region.end.cases)
    return found


@pytest.mark.parametrize("name", SHAPES)
def test_ir_prints_it(name: str, tmp_path: Path) -> None:
    shown = sglc_command(["ir", str(EXAMPLES / f"{name}.py"), "--args", str(EXAMPLES / f"{name}.jsonl")], tmp_path)
    assert shown.code == 0, shown.err
    ends = ["exit"] if name in GOES_ON_IN_PYTHON else [f'variable "{key}"' for key in SHAPES[name]]
    for words in (f"program {name} {{", f"schedule {name} {{", *ends):
        assert words in shown.out, words


def scripted(name: str) -> list[tuple[dict[str, Any], sglc.Result]]:
    rows = rows_of(name)
    with sglc.Scripted(ANSWERS[name]) as backend:
        return list(zip(rows, program_of(name).run_batch(rows, backend=backend, seed=0), strict=True))


def test_mmlu_gives_each_question_its_own_answer() -> None:
    assert [result["answer"] for _, result in scripted("mmlu")] == [row["gold"] for row in rows_of("mmlu")]


def test_hellaswag_chooses_among_the_endings_of_its_row() -> None:
    for row, result in scripted("hellaswag"):
        assert result["ending"] in row["endings"]


def test_react_calls_both_tools_and_gives_up_in_the_end() -> None:
    first, *_, towers, country, unknown = (result.text().rpartition("Question: ")[2] for _, result in scripted("react"))
    assert "Observation: Mont Blanc is a mountain of 4806 m" in first
    assert "Observation: 3461\n" in first
    assert "Action: Guess[19]\nObservation: The actions are Look up[name]" in towers
    assert country.count("Action:") == 2
    assert unknown.count("The book has nothing about 'Olympus Mons'.") == 5
    assert unknown.count("Action:") == 6


@pytest.mark.parametrize(
    ("expression", "value"),
    [
        ("1 + 2 * (3 - -4.5) / 2", "8.5"),
        (" 10/4 ", "2.5"),
        ("1/0", "This cannot be calculated: division by zero."),
        ("2 ** 3", "This cannot be calculated: only + - * / are known."),
        ("__import__('os')", "Only numbers, + - * / and brackets can be calculated."),
    ],
)
def test_react_calculates(expression: str, value: str) -> None:
    assert program_of("react").func.__globals__["calculate"](expression) == value


@pytest.mark.parametrize("expression", ["", "1 +", "1 2", "(" * 5000, "9" * 5000, "1." * 9, "9" * 400 + "/ 0.1"])
def test_react_says_what_cannot_be_calculated(expression: str) -> None:
    assert program_of("react").func.__globals__["calculate"](expression).startswith("This cannot be calculated: ")


def test_agents_who_react_plan_anew() -> None:
    decisions: set[str] = set()
    for row, result in scripted("generative_agents"):
        decisions.update(result["decision"])
        for number, decision in enumerate(result["decision"]):
            reacts = decision == "react"
            assert reacts == (int(result["importance"][number]) > 5)
            assert bool(result["reaction"][number]) == reacts
            assert (result["plan"][number] == row["people"][number]["plan"]) != reacts
    assert decisions == {"react", "carry on"}


def test_the_tree_keeps_the_best_thoughts() -> None:
    for _, result in scripted("tree_of_thought"):
        scores = list(map(int, result["score"]))
        assert len(set(result["thought"])) > 1
        assert result["path"][-1] == result["thought"][scores.index(max(scores))]
        for step, thought in enumerate(result["path"], start=1):
            assert f"\nStep {step}:{thought}\n" in result.text()


def test_the_skeleton_is_expanded_point_by_point() -> None:
    for _, result in scripted("skeleton_of_thought"):
        assert result["point"][1] == "Ask who knows"
        assert result["answer"].splitlines()[1] == "Ask who knows: Ask who knows: that is easier than it sounds."


def test_extraction_returns_what_the_json_says() -> None:
    for _, result in scripted("json_extraction"):
        if result["state"] == "cut off":
            assert result.ret_value is None
        else:
            assert result.ret_value == json.loads(result["order"])
            many = any(item["count"] > 100 for item in result.ret_value["items"])
            assert many == (result["state"] == "to be looked at")


def test_chat_answers_every_turn() -> None:
    for row, result in scripted("multi_turn_chat"):
        roles = [message["role"] for message in result.messages()]
        assert roles == ["system"] + ["user", "assistant"] * len(row["questions"])
        assert [message["content"] for message in result.messages()[2::2]] == result["answers"]


def test_retrieval_finds_the_passage() -> None:
    results = scripted("retrieval")
    for row, result in results:
        assert all(line.removeprefix("- ") in row["corpus"] for line in result["passages"].splitlines())
    for (_, result), words in zip(results, ("Agnes Roe", "19 nautical", "rapeseed", "hostel"), strict=False):
        assert words in result["passages"]


def test_the_majority_wins() -> None:
    split = 0
    for _, result in scripted("self_consistency"):
        assert result["answer"] == statistics.mode(result["number"])
        assert result["votes"] == result["number"].count(result["answer"])
        split += result["votes"] < len(result["number"])
    assert split, "every vote was unanimous"


def test_the_summary_reads_every_section() -> None:
    for row, result in scripted("map_reduce_summary"):
        assert len(result["notes"]) == len(row["sections"])
        for note, section in zip(result["notes"], row["sections"], strict=True):
            assert section.startswith(note.removesuffix("."))
        assert result["headline"] == row["title"]


def test_judge_scores_six_dimensions_and_gives_a_verdict() -> None:
    verdicts = {result["verdict"] for _, result in scripted("judge")}
    assert len(verdicts) > 1


def test_judge_prefills_the_rubric_once(engine: sglc.Engine) -> None:
    program = program_of("judge")
    compiled = program.compile(backend=engine)
    (rubric,) = compiled.for_model(engine.tokenizer).prefix_ids
    assert len(rubric) > 300
    engine.flush_cache()
    engine.warm([rubric])
    engine.reset_stats()
    for result in program.run_batch([{"essay": f"Essay {n}. Water is wet."} for n in range(3)], backend=engine):
        assert min(meta["cached_tokens"] for meta in result.meta["comment"]) >= len(rubric)
    stats = engine.stats()
    assert stats.prefilled_tokens + stats.cached_tokens == stats.prompt_tokens


@pytest.mark.parametrize("name", SHAPES)
def test_a_second_run_of_the_passes_finds_nothing_left(name: str) -> None:
    rows = load_rows(str(EXAMPLES / f"{name}.jsonl"))
    once = optimise(load_program(str(EXAMPLES / f"{name}.py")).trace(**rows[0][1]))
    assert print_graph(optimise(once)) == print_graph(once)
