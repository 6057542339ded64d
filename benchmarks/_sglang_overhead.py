"""Run by `overhead` in a Python that has SGLang's package: the same program on SGLang's frontend and a mock backend.

Only the frontend is imported: the package's own `__init__` wants all of its server's requirements.
"""

from __future__ import annotations

import importlib.util
import json
import sys
import time
import types


def frontend():
    """The modules `api` and `backend.base_backend` of the package."""
    found = importlib.util.find_spec("sglang")
    if found is None or found.submodule_search_locations is None:
        raise SystemExit("this Python has no package sglang")
    package = types.ModuleType("sglang")
    package.__path__ = list(found.submodule_search_locations)
    sys.modules["sglang"] = package
    from sglang.lang import api  # pyright: ignore[reportMissingImports]: of another Python
    from sglang.lang.backend.base_backend import BaseBackend  # pyright: ignore[reportMissingImports]: as above
    from sglang.lang.chat_template import get_chat_template  # pyright: ignore[reportMissingImports]: as above

    class Mock(BaseBackend):
        def __init__(self, latency: float) -> None:
            super().__init__()
            self.latency = latency

        def get_chat_template(self):
            return get_chat_template("default")

        def generate(self, s, sampling_params):
            if self.latency:
                time.sleep(self.latency)
            return "answer", {}

    return api, Mock


def run(programs: int, latency: float) -> dict[str, float]:
    api, mock = frontend()

    @api.function
    def three_gens(s, question):
        s += "Answer in one word.\nQ: " + question + "\nA: "
        s += api.gen("answer", max_tokens=16)
        s += "\nQ: Why?\nA: "
        s += api.gen("reason", max_tokens=16)
        s += "\nQ: Are you sure?\nA: "
        s += api.gen("sure", max_tokens=16)

    def seconds(latency: float) -> float:
        rows = [{"question": f"question {number}"} for number in range(programs)]
        start = time.perf_counter()
        states = three_gens.run_batch(rows, backend=mock(latency), progress_bar=False)
        assert all(state["sure"] == "answer" for state in states)
        return time.perf_counter() - start

    return {"us_per_program": seconds(0.0) / programs * 1e6, "concurrent_1536_s": seconds(latency)}


if __name__ == "__main__":
    print(json.dumps(run(int(sys.argv[1]), float(sys.argv[2]))))
