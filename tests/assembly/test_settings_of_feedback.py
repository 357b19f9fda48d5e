"""What the settings say of audits, judges, labels and seconds reaches the router."""

from __future__ import annotations

from pathlib import Path

import pytest

from doubles import CHEAP, DEAR
from metallm import Audit, JudgeArm, Router
from metallm.errors import ConfigurationError
from metallm.providers.scripted import ScriptedProvider
from metallm.settings import load_settings

ARMS = "".join(
    f'[[arms]]\nname = "{arm.name}"\ninput_price = {arm.input_price}\n'
    f"output_price = {arm.output_price}\n"
    for arm in (CHEAP, DEAR)
)


def _router(path: Path, text: str) -> Router:
    path.write_text(f'[store]\npath = ""\n{text}\n{ARMS}', encoding="utf-8")
    return Router.from_settings(
        load_settings(path), provider=ScriptedProvider(lambda _arm, _request: "yes")
    )


def test_what_is_set_up_is_what_the_router_does(tmp_path: Path) -> None:
    router = _router(
        tmp_path / "metallm.toml",
        f"[router]\nlabel_share = 1.0\nlatency_weight = 0.5\n"
        f'[audit]\narm = "{DEAR.name}"\nshare = 1.0\n'
        f'[judge]\narm = "{DEAR.name}"\nshare = 0.25\nrubric = "Is kind."',
    )
    assert router.audit == Audit(DEAR.name, 1.0)
    assert router.latency_weight == 0.5
    found = router.classify_sync("a text", ["yes", "no"])
    assert found.wants_label
    assert DEAR.name in [call.arm for call in found.calls]
    assert router.caller.grader is not None
    assert router.caller.grader.judge == JudgeArm(DEAR.name, 0.25, "Is kind.")
    router.close()


def test_without_these_settings_nothing_of_it_is_done(tmp_path: Path) -> None:
    router = _router(tmp_path / "metallm.toml", "")
    assert (router.audit, router.latency_weight, router.caller.grader) == (None, 0.0, None)
    assert not router.classify_sync("a text", ["yes", "no"]).wants_label
    router.close()


@pytest.mark.parametrize("section", ["audit", "judge"])
def test_an_arm_that_there_is_not_is_named(tmp_path: Path, section: str) -> None:
    with pytest.raises(ConfigurationError, match=r"openai/none.*is none of the arms"):
        _router(tmp_path / "metallm.toml", f'[{section}]\narm = "openai/none"')
