"""A hundred thousand random episodes; see tests/engine/episodes.py for what each one checks."""

import pytest

from tests.engine.episodes import play

PART = 4_000


@pytest.mark.parametrize("first", range(0, 100_000, PART))
def test_episodes(first: int) -> None:
    play(first, PART)


def test_a_failure_names_the_seed_and_the_command(monkeypatch: pytest.MonkeyPatch) -> None:
    def planted(core: object, device: object) -> None:
        raise AssertionError("planted")

    monkeypatch.setattr("tests.engine.episodes.check", planted)
    with pytest.raises(AssertionError, match=r"seed 7: .*planted.*\nreplay: python -m tests\.engine\.episodes 7"):
        play(7)
