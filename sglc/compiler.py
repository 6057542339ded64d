"""The driver: trace, optimise, lower, and bind to a model; then run, save or print."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from sglc.ir.artifact import Artifact, ModelPart
from sglc.ir.artifact import load as load_artifact
from sglc.ir.artifact import save as save_artifact
from sglc.ir.graph import Graph
from sglc.ir.notes import notes
from sglc.ir.ops import Op
from sglc.ir.printer import print_graph
from sglc.ir.schedule import Schedule
from sglc.ir.tokens import Tokenizer
from sglc.ir.verify import verify
from sglc.language.arguments import Arguments
from sglc.passes.pipeline import compile_model_part, lowered, optimise

Observer = Callable[[str, Graph], None]


@dataclass(eq=False)
class Compiled:
    """One program for arguments of one shape: the graph, its schedule, and per model its tokens and automata."""

    graph: Graph
    schedule: Schedule
    models: dict[str, ModelPart] = field(default_factory=dict[str, ModelPart])

    def for_model(self, tokenizer: Tokenizer) -> ModelPart:
        """The tokens and automata for a tokenizer; made now where they were not made before."""
        fingerprint = tokenizer.vocabulary.fingerprint
        part = self.models.get(fingerprint)
        if part is None:
            part = self.models[fingerprint] = compile_model_part(self.graph, self.schedule, tokenizer)
        return part

    def serves(self, arguments: Arguments) -> bool:
        """Whether a call with these arguments is what was traced."""
        return arguments.statics == self.graph.statics and set(arguments.texts) == {p.name for p in self.graph.params}

    def save(self, path: str | Path) -> None:
        """Writes the artifact, whole or not at all."""
        save_artifact(Artifact(self.graph, self.schedule, self.models), Path(path))

    def comments(self, tokenizer: Tokenizer | None = None) -> dict[Op, str]:
        """Comments for the printed graph; with a tokenizer also those that depend on the model."""
        if tokenizer is None:
            return notes(self.graph)
        part = self.for_model(tokenizer)
        return notes(self.graph, self.schedule, part.prefix_ids, part.automata)

    def __str__(self) -> str:
        return print_graph(self.graph, self.comments())


def compile_graph(graph: Graph, observe: Observer | None = None) -> Compiled:
    """The model-free part: passes, each verified and proved to keep the meaning, then the schedule."""
    verify(graph)
    optimised = optimise(graph, observe)
    return Compiled(optimised, lowered(optimised))


def load(path: str | Path) -> Compiled:
    """Reads an artifact. Raises `ArtifactError`."""
    artifact = load_artifact(Path(path))
    return Compiled(artifact.graph, artifact.schedule, dict(artifact.models))
