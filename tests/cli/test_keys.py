from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from metallm.assembly import Router
from metallm.cli.main import app
from metallm.core.arm import Arm
from metallm.core.budget import Budget
from metallm.core.client import Client
from metallm.core.key import digest_of
from metallm.core.outcome import Outcome
from metallm.core.query import Query
from metallm.store.keys import KeyFile

FILE = KeyFile("metallm.keys.db")
"""In the working directory, which is each test's own."""


def keys(*words: str) -> Result:
    return CliRunner().invoke(app, ["keys", *words])


def listed() -> list[dict[str, Any]]:
    return [json.loads(line) for line in keys("list", "--json").stdout.splitlines()]


def test_a_key_is_shown_once_and_only_its_digest_is_kept() -> None:
    made = keys("add", "ci")
    whole = made.stdout.strip()
    assert re.fullmatch(r"mlm_[0-9a-f]{8}_[0-9a-f]{48}", whole)
    (kept,) = FILE.all()
    assert kept.digest == digest_of(whole)
    assert (kept.name, kept.tenant, kept.admin) == ("ci", "ci", False)
    secret = whole.rpartition("_")[2]
    assert secret.encode() not in FILE.path.read_bytes()
    for told in (keys("list"), keys("list", "--json"), keys("revoke", "ci")):
        assert secret not in told.output
        assert kept.digest.hex() not in told.output


def test_every_limit_can_be_given_changed_and_taken_away() -> None:
    limits = ["--budget", "5", "--budget-window", "day", "--requests-per-minute", "60"]
    more = ["--tokens-per-minute", "1e5", "--arms", "a, b", "--aliases", "cheap"]
    made = keys("add", "ci", "--tenant", "t", "--admin", "--expires", "2099-01-31", *limits, *more)
    assert made.exit_code == 0
    kept = FILE.find("ci")
    assert (kept.budget, kept.requests_per_minute) == (Budget(5.0, "day"), 60.0)
    assert (kept.tokens_per_minute, kept.arms, kept.aliases) == (1e5, ("a", "b"), ("cheap",))
    assert (kept.tenant, kept.admin) == ("t", True)
    assert kept.expires_at is not None
    assert kept.expires_at > 4e9

    keys("change", "ci", "--budget", "7.5", "--expires", "none", "--arms", "none")
    changed = FILE.find("ci")
    assert (changed.budget, changed.expires_at, changed.arms) == (Budget(7.5, "day"), None, ())
    keys("change", kept.id, "--budget-window", "month")
    assert FILE.find("ci").budget == Budget(7.5, "month")
    keys("change", "ci", "--budget", "none", "--requests-per-minute", "none")
    bare = FILE.find("ci")
    assert (bare.budget, bare.requests_per_minute, bare.tokens_per_minute) == (None, None, 1e5)
    assert bare.digest == kept.digest


def test_a_rotated_key_keeps_its_id_and_limits_and_loses_its_secret() -> None:
    old = keys("add", "ci", "--budget", "5").stdout.strip()
    told = json.loads(keys("rotate", "ci", "--json").stdout)
    kept = FILE.find("ci")
    assert told == {"id": kept.id, "name": "ci", "tenant": "ci", "key": told["key"]}
    assert old != told["key"]
    assert kept.digest == digest_of(told["key"])
    assert kept.budget == Budget(5.0)


def test_a_revoked_key_is_shown_as_such_and_its_name_is_free() -> None:
    keys("add", "ci")
    assert "is revoked" in keys("revoke", "ci").output
    assert "revoked 20" in keys("list").stdout
    assert keys("revoke", "ci").exit_code == 2
    assert keys("add", "ci").exit_code == 0


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("add", "ci"), "'ci' is in force"),
        (("add", "x", "--budget", "much"), "--budget takes a number or 'none', not 'much'"),
        (("add", "x", "--budget", "-1"), "USD, 0 or more"),
        (("add", "x", "--budget", "1", "--budget-window", "week"), "day, a month or in total"),
        (("add", "x", "--budget-window", "day"), "needs a --budget"),
        (("add", "x", "--expires", "soon"), "--expires takes a date"),
        (("add", "x", "--requests-per-minute", "0"), "number from 1 up"),
        (("add", "x", "--arms", ","), "name at least one arm"),
        (("add", ""), "1 to 100 printable"),
        (("change", "nobody", "--budget", "1"), "no key in force"),
    ],
)
def test_what_cannot_be_is_refused_and_changes_nothing(words: tuple[str, ...], told: str) -> None:
    keys("add", "ci")
    before = FILE.all()
    refused = keys(*words)
    assert refused.exit_code == 2
    assert told in refused.output
    assert FILE.all() == before


def test_arms_and_aliases_that_the_settings_do_not_know_are_refused(tmp_path: Path) -> None:
    aliases = '[[aliases]]\nname = "cheap"\n'
    models = '[[embeddings]]\nname = "openai/text-embedding-3-small"\n'
    arms = '[[arms]]\nname = "openai/gpt-4o"\n'
    (tmp_path / "metallm.toml").write_text(f"{arms}{aliases}{models}")
    assert "there are: openai/gpt-4o" in keys("add", "x", "--arms", "gpt").output
    assert "there are: cheap" in keys("add", "x", "--aliases", "dear").output
    assert keys("add", "x", "--arms", "openai/gpt-4o", "--aliases", "cheap").exit_code == 0
    assert keys("add", "y", "--arms", "openai/text-embedding-3-small").exit_code == 0


def test_what_each_key_spent_is_told_from_the_log() -> None:
    keys("add", "ci", "--budget", "5")
    made = FILE.find("ci")
    with_log = Router([Arm("sim/a", 1.0, 1.0)], store="metallm.db")
    query = Query.of("hi")
    asked = Query(query.text, query.messages, client=Client("ci", made.id))
    (decision,), durable = with_log.decide_queries([asked])
    durable.result()
    with_log.record([Outcome(decision.id, "sim/a", "completion", cost_usd=0.25)]).result()
    with_log.close()
    assert listed()[0]["spent_usd"] == pytest.approx(0.25, abs=2e-9)
    assert "$0.25 of $5.00" in keys("list").stdout


def test_without_keys_the_list_says_how_to_make_one() -> None:
    assert "metallm keys add NAME" in keys("list").output
    assert listed() == []
