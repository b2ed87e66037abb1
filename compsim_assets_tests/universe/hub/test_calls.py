"""What is said about a failed call is one line that shows no secret."""

import pytest

from compsim_assets.universe.hub.calls import scrub


def test_no_secret_is_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_TOKEN", "secret-of-another-form")
    text = "a secret-of-another-form b Bearer xyz\n c hf_abcdefgh d https://host/path?signature=secret e"
    assert scrub(text) == "a *** b *** c *** d https://host/path e"
    assert len(scrub("a" * 10_000)) < 1000
