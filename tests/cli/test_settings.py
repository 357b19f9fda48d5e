from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from metallm.cli.configured import given
from metallm.errors import ConfigurationError


def test_any_setting_can_be_given_as_an_argument(
    run: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    arms = '[{"name": "a/b", "base_url": "http://127.0.0.1:1/v1", "price": "unknown"}]'
    monkeypatch.setenv("METALLM_ARMS", arms)
    done = run("models", "--json")
    assert done.exit_code == 0, done.output
    assert "a/b" in done.stdout
    refused = run("--set", "providers.timeout_s=never", "models")
    assert refused.exit_code == 2
    assert "providers.timeout_s" in refused.stderr


def test_a_command_s_own_option_wins_over_set(run: Callable[..., Any]) -> None:
    done = run("--set", "store.path=here.db", "log", "--store", "there.db")
    assert done.exit_code != 0
    assert "/there.db" in done.stderr
    assert "/here.db" not in done.stderr


def test_words_are_taken_apart_by_section_and_key() -> None:
    assert given(["router.policy=fixed:a=b", "router.seed=3", "gateway.port=1"]) == {
        "router": {"policy": "fixed:a=b", "seed": "3"},
        "gateway": {"port": "1"},
    }


@pytest.mark.parametrize("word", ["port=1", "gateway.port", ".x=1", "gateway.=1"])
def test_a_word_that_is_no_setting_is_refused(word: str) -> None:
    with pytest.raises(ConfigurationError, match=r"--set takes section\.key=value"):
        given([word])


def test_json_is_not_disturbed_by_set(
    run: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    arms = '[{"name": "a/b", "base_url": "http://127.0.0.1:1/v1", "price": "unknown"}]'
    monkeypatch.setenv("METALLM_ARMS", arms)
    done = run("--set", "router.seed=3", "models", "--json")
    assert done.exit_code == 0, done.output
    assert json.loads(done.stdout.splitlines()[0])
