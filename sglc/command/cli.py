"""The commands: compile, run, ir, explain, opt, repro, warmup."""

from __future__ import annotations

import errno
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NoReturn

import typer

from sglc.command.stages import GRAPH_STAGES, MODEL_STAGES, STAGES
from sglc.ir.errors import ModelError, SglcError

if TYPE_CHECKING:
    from sglc.runtime.backend import Engine
    from sglc.runtime.tokenizer import ModelTokenizer

app = typer.Typer(
    name="sglc",
    help="A compiler for LM programs: trace, optimise, schedule and run Python functions that prompt a model.",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
)

EXIT_STILL_FAILS = 1
EXIT_BAD_INPUT = 2
EXIT_INTERRUPTED = 130
FULL = (errno.ENOSPC, errno.EDQUOT, errno.EIO)
FORMATS = ("text", "json", "dot", "html")

ProgramArgument = Annotated[str, typer.Argument(metavar="PROGRAM.py[:FUNCTION]", help="A file with an @sglc.function.")]
ModelOption = Annotated[
    str | None,
    typer.Option("--model", help="A folder in Hugging Face format or a hub name. Default: the embedded model."),
]
TemplateOption = Annotated[
    Path | None, typer.Option("--chat-template", help="A file with a Jinja chat template in the place of the model's.")
]


def main() -> None:
    """The entry point: every error that a person can mend is one message and exit code 2."""
    try:
        try:
            app()
        finally:
            sys.stdout.flush()  # here, where it can fail with a message
    except SglcError as error:
        _exit_with(error)
    except BrokenPipeError:  # the reader of our output has gone: nothing is left to say
        _drop_output()
        sys.exit(EXIT_BAD_INPUT)
    except OSError as error:
        if error.errno not in FULL or error.filename is not None:
            raise
        _drop_output()
        what = f"the output cannot be written: {error.strerror}"
        _exit_with(SglcError(what, where="<stdout>", hint="write it where there is room"))


def _drop_output() -> None:
    """What is left in the buffer would fail again when Python ends."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _exit_with(error: SglcError) -> NoReturn:
    print(f"error: {error}", file=sys.stderr)
    sys.exit(EXIT_BAD_INPUT)


@app.command("compile")
def compile_command(
    program: ProgramArgument,
    output: Annotated[
        Path | None, typer.Option("-o", "--output", help="The artifact. Default: PROGRAM.sglc here.")
    ] = None,
    model: ModelOption = None,
    args: Annotated[
        str | None, typer.Option("--args", help="JSONL; its first row gives the shape of the arguments.")
    ] = None,
    print_after: Annotated[
        list[str] | None,
        typer.Option("--print-after", help=f"Print what a pass did, or all: {', '.join(STAGES)}."),
    ] = None,
    chat_template: TemplateOption = None,
) -> None:
    """Compile a program into an artifact (.sglc)."""
    from sglc.command.compile_job import compile_file  # here: slow to import, and `--help` needs none

    compile_file(program, output, args, frozenset(print_after or ()), lambda: _tokenizer(model, chat_template))


@app.command()
def run(
    program: Annotated[str, typer.Argument(metavar="PROGRAM.py[:FUNCTION]|OUT.sglc", help="A program or an artifact.")],
    args: Annotated[str | None, typer.Option("--args", help="JSONL: one object of arguments a row.")] = None,
    model: ModelOption = None,
    device: Annotated[str, typer.Option("--device", help="auto, cpu or cuda.")] = "auto",
    dtype: Annotated[str, typer.Option("--dtype", help="auto, float32, bfloat16 or float16.")] = "auto",
    mode: Annotated[str, typer.Option("--mode", help="compiled or interpret.")] = "compiled",
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object a row.")] = False,
    report: Annotated[
        bool, typer.Option("--report", help="Print the graph and what sharing saved after the results.")
    ] = False,
    seed: Annotated[int, typer.Option("--seed", help="Of all draws.")] = 0,
    max_kv_tokens: Annotated[
        int | None, typer.Option("--max-kv-tokens", help="Size of the KV pool. Default: what fits.")
    ] = None,
    warm: Annotated[
        Path | None, typer.Option("--warm", help="A folder of `sglc warmup --save`. Default: the artifact's last one.")
    ] = None,
    profile: Annotated[
        Path | None,
        typer.Option("--profile", help="Write what ran, with its times, as a trace for Perfetto or chrome://tracing."),
    ] = None,
    chat_template: TemplateOption = None,
) -> None:
    """Run a program or an artifact on every row of arguments."""
    from sglc.command.program_file import load_rows
    from sglc.command.run_job import RunJob, check_writable  # here: torch comes with it

    if mode not in ("compiled", "interpret"):
        raise typer.BadParameter(f"{mode!r} is neither compiled nor interpret", param_hint="--mode")
    if device not in ("auto", "cpu", "cuda") and not device.startswith("cuda:"):
        raise typer.BadParameter(f"{device!r} is none of auto, cpu, cuda", param_hint="--device")
    if profile is not None:
        check_writable(profile)
    rows = load_rows(args)
    job = RunJob.of_artifact(program, rows, mode) if program.endswith(".sglc") else RunJob.of_file(program, rows, mode)
    try:
        tokenizer = _tokenizer(model, chat_template)
        job.bind(tokenizer)
        with _engine(model, device, dtype, max_kv_tokens, tokenizer) as engine:
            failed = job.run(engine, as_json=as_json, report=report, seed=seed, warm=warm, profile=profile)
    except KeyboardInterrupt as stop:
        print(str(stop) or "stopped before the first row", file=sys.stderr, flush=True)
        sys.stdout.flush()
        os._exit(EXIT_INTERRUPTED)  # at once: a forward pass may be under way in the engine's thread
    if failed:
        sys.exit(EXIT_BAD_INPUT)


@app.command()
def ir(
    program: Annotated[str, typer.Argument(metavar="PROGRAM.py[:FUNCTION]|OUT.sglc", help="A program or an artifact.")],
    after: Annotated[
        str | None, typer.Option("--after", help=f"Show the graph after this pass: {', '.join(STAGES)}.")
    ] = None,
    print_after: Annotated[
        list[str] | None,
        typer.Option("--print-after", help="Print what this pass did, or all of them, instead of the graph."),
    ] = None,
    output_format: Annotated[
        str, typer.Option("--format", help="text, json, dot, or html: a page to look at in a browser.")
    ] = "text",
    output: Annotated[Path | None, typer.Option("-o", "--output", help="A file. Default: standard output.")] = None,
    args: Annotated[
        str | None, typer.Option("--args", help="JSONL; its first row gives the shape of the arguments.")
    ] = None,
    model: Annotated[
        str | None, typer.Option("--model", help="Add what depends on a model: token counts, sizes of automata.")
    ] = None,
    chat_template: TemplateOption = None,
) -> None:
    """Print a program's graph and schedule, or what the passes did to it."""
    from sglc.command.compile_job import shown, tell, write

    if output_format not in FORMATS:
        raise typer.BadParameter(f"{output_format!r} is none of {', '.join(FORMATS)}", param_hint="--format")
    if print_after and (after is not None or output is not None or output_format != "text"):
        raise typer.BadParameter("goes with none of --after, --format and --output", param_hint="--print-after")
    for_model = model is not None or not {after, *(print_after or ())}.isdisjoint(MODEL_STAGES)
    tokenizer = (lambda: _tokenizer(model, chat_template)) if for_model else None
    if print_after:
        tell(program, args, frozenset(print_after), tokenizer)
        return
    text = shown(program, args, after, output_format, tokenizer)
    if output is None:
        print(text)
    else:
        write(text, output)


@app.command()
def opt(
    file: Annotated[str, typer.Argument(metavar="FILE.sglcir", help="The text of a graph; - is standard input.")],
    passes: Annotated[
        str | None,
        typer.Option(
            "-p", "--passes", help=f"Parted by commas, run in this order: {', '.join(GRAPH_STAGES[1:])}. Default: all."
        ),
    ] = None,
    output: Annotated[Path | None, typer.Option("-o", "--output", help="A file. Default: print the graph.")] = None,
) -> None:
    """Run passes on the text of a graph, as `sglc ir --after trace` prints it."""
    from sglc.command.opt_job import optimise_file

    optimise_file(file, passes, output)


@app.command()
def repro(
    file: Annotated[str, typer.Argument(metavar="FILE.sglcir", help="What a warning of a failed pass names.")],
) -> None:
    """Run a failed pass again, and say whether it still fails (exit code 1) or not (0)."""
    from sglc.command.opt_job import repeat_failure

    if repeat_failure(file):
        sys.exit(EXIT_STILL_FAILS)


@app.command()
def explain(
    program: ProgramArgument,
    args: Annotated[str | None, typer.Option("--args", help="JSONL: one object of arguments a row.")] = None,
    model: ModelOption = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
    chat_template: TemplateOption = None,
) -> None:
    """Say what a program costs on these rows, without running it, and what blocks more sharing."""
    from sglc.command import explain_job  # here: slow to import, and `--help` needs none
    from sglc.command.report import results_console

    explanation = explain_job.explain(program, args, lambda: _tokenizer(model, chat_template))
    if as_json:
        print(explain_job.as_json(explanation))
    else:
        explain_job.print_explanation(results_console(), explanation)


@app.command()
def warmup(
    artifact: Annotated[Path, typer.Argument(metavar="OUT.sglc", help="An artifact.")],
    model: ModelOption = None,
    save: Annotated[
        Path | None, typer.Option("--save", help="A folder for the KV; later runs of the artifact load it.")
    ] = None,
    device: Annotated[str, typer.Option("--device", help="auto, cpu or cuda.")] = "auto",
    dtype: Annotated[str, typer.Option("--dtype", help="auto, float32, bfloat16 or float16.")] = "auto",
    chat_template: TemplateOption = None,
) -> None:
    """Prefill an artifact's constant prompts, and save their KV."""
    from sglc.command.warm import save_warm  # here: torch comes with it
    from sglc.compiler import load

    compiled = load(artifact)
    with _engine(model, device, dtype, None, _tokenizer(model, chat_template)) as engine:
        prefixes = compiled.for_model(engine.tokenizer).prefix_ids
        engine.warm(prefixes)
        tokens = engine.stats().prefilled_tokens
        where = f", saved as {save_warm(engine, prefixes, artifact, save)}" if save is not None else ""
    print(f"{artifact}: {len(prefixes)} constant prompts, {tokens} tokens prefilled{where}")


def _tokenizer(model: str | None, chat_template: Path | None) -> ModelTokenizer:
    from sglc.runtime.model_folder import model_folder  # here: slow to import, and `--help` needs none
    from sglc.runtime.tokenizer import load_tokenizer

    template = None
    if chat_template is not None:
        try:
            template = chat_template.read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            raise ModelError(f"the chat template cannot be read: {error}", where=str(chat_template)) from None
    return load_tokenizer(model_folder(model), template)


def _engine(model: str | None, device: str, dtype: str, max_kv_tokens: int | None, tokenizer: ModelTokenizer) -> Engine:
    from sglc.runtime.backend import Engine  # here: loads torch

    return Engine(model, device=device, dtype=dtype, max_kv_tokens=max_kv_tokens, tokenizer=tokenizer)
