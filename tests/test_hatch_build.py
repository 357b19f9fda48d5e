"""The build compiles where it can, and never fails where it cannot."""

from __future__ import annotations

import importlib.util
import shutil
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

from loops import compiled, needs_compiled, use
from metallm.learners.blend import BlendLearner

ROOT = Path(__file__).parent.parent


@pytest.fixture(name="hook")
def _hook() -> ModuleType:
    spec = importlib.util.spec_from_file_location("hatch_build", ROOT / "hatch_build.py")
    assert spec is not None
    assert spec.loader is not None
    hook = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(hook)
    return hook


@pytest.fixture(name="sources")
def _sources(tmp_path: Path) -> Path:
    shutil.copytree(ROOT / "src" / "metallm" / "inner" / "c", tmp_path / "c")
    return tmp_path


@pytest.mark.process
@needs_compiled
def test_it_compiles_a_library_that_python_imports(
    hook: ModuleType, sources: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("METALLM_PURE", raising=False)
    assert hook.compile_into(sources) == ""
    assert sorted(each.name for each in sources.iterdir()) == ["_compiled.abi3.so", "c"]
    told = subprocess.run(
        [sys.executable, "-c", "import _compiled; print(_compiled.uniform(0, 0))"],
        cwd=sources,
        check=True,
        stdout=subprocess.PIPE,
    )
    assert 0.0 <= float(told.stdout) < 1.0


@pytest.mark.process
@needs_compiled
def test_the_bits_do_not_depend_on_the_machine_s_vectors(
    hook: ModuleType, sources: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("METALLM_PURE", raising=False)
    monkeypatch.setenv("CFLAGS", "-O0 -DMETALLM_NARROW")
    assert hook.compile_into(sources) == ""
    name = "metallm.inner._compiled"
    spec = importlib.util.spec_from_file_location(name, sources / hook.LIBRARY)
    assert spec is not None
    assert spec.loader is not None
    narrow = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(narrow)
    wide = compiled()
    assert wide is not None
    assert wide.__file__ != narrow.__file__
    use(monkeypatch, wide)
    learned = _learned()
    use(monkeypatch, narrow)
    assert _learned() == learned


def _learned() -> list[bytes]:
    learner, rng, estimates = BlendLearner(40), np.random.default_rng(0), []
    for step in range(200):
        context = rng.normal(size=40, scale=0.1).astype(np.float32)
        learner.update(context, f"arm{step % 5}", float(rng.uniform() < 0.5))
        estimates += [each.tobytes() for each in learner.estimate(context[None], ("arm0", "arm4"))]
    return estimates


@pytest.mark.parametrize(
    ("environment", "told"),
    [
        ({"CC": "no-such-compiler"}, "no C compiler"),
        ({"CC": "false"}, "false failed"),
        ({"METALLM_PURE": "1"}, "METALLM_PURE is set"),
    ],
)
def test_without_a_compiler_nothing_is_left_but_the_reason(
    hook: ModuleType,
    sources: Path,
    monkeypatch: pytest.MonkeyPatch,
    environment: dict[str, str],
    told: str,
) -> None:
    monkeypatch.delenv("METALLM_PURE", raising=False)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    (sources / hook.LIBRARY).write_bytes(b"of older sources")
    why_not = hook.compile_into(sources)
    assert told in why_not
    assert "\n" not in why_not
    assert [each.name for each in sources.iterdir()] == ["c"]
