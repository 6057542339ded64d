"""The names of what a program goes through, by which the commands show what each did.

By name, because `sglc --help` says them: loading the passes takes as long as all else.
"""

GRAPH_STAGES = (
    "trace", "drop_dead", "reorder_parts", "fold_text", "share_prefix", "hoist_prefix", "detect_forks",
)  # fmt: skip
MODEL_STAGES = ("compile_constraints", "prefill_constants")
"""Those that need a tokenizer."""

STAGES = (*GRAPH_STAGES, "lower", *MODEL_STAGES)
