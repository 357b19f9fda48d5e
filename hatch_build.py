"""Compiles the inner loops (src/metallm/inner/c) into the wheel, where there is a C compiler.

Without one, or where it fails, the package is built all the same and works with numpy alone.
METALLM_PURE=1 leaves the compiler alone; CC and CFLAGS are heeded.
"""

from __future__ import annotations

import os
import shlex
import subprocess
import sys
import sysconfig
import tempfile
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface
from packaging.tags import sys_tags

INNER = Path("src", "metallm", "inner")
LIBRARY = "_compiled.abi3.so"
# fused multiply-add would make the bits depend on the machine
FLAGS = ("-std=c99", "-O3", "-ffp-contract=off", "-fPIC", "-fvisibility=hidden")
LINK = ("-bundle", "-undefined", "dynamic_lookup") if sys.platform == "darwin" else ("-shared",)


class CompileInnerLoops(BuildHookInterface):  # type: ignore[type-arg]
    """Adds the compiled library and says which platform the wheel is for."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Compile; hatchling calls this before it collects the files of a wheel."""
        del version
        why_not = compile_into(Path(self.root, INNER))
        if why_not:
            self.app.display_warning(f"metallm works with numpy alone: {why_not}")
            return
        build_data["artifacts"].append((INNER / LIBRARY).as_posix())
        build_data["pure_python"] = False
        build_data["tag"] = f"cp311-abi3-{_platform()}"


def compile_into(inner: Path) -> str:
    """Compile `inner`/c into `inner`; why that was not possible, "" where it was.

    A library that was there is gone or renewed afterwards: none of older sources is left.
    """
    library = inner / LIBRARY
    library.unlink(missing_ok=True)
    if os.environ.get("METALLM_PURE", "") not in {"", "0"}:
        return "METALLM_PURE is set"
    if sys.platform == "win32" or sys.implementation.name != "cpython":
        return f"no build of the compiled loops for {sys.implementation.name} on {sys.platform}"
    with tempfile.TemporaryDirectory(dir=inner) as folder:
        made = Path(folder, LIBRARY)
        why_not = _compile(sorted((inner / "c").glob("*.c")), made)
        if not why_not:
            # at once, so that nobody ever loads half of it
            made.replace(library)
    return why_not


def _compile(sources: list[Path], made: Path) -> str:
    configured = sysconfig.get_config_var("CC") or "cc"
    compilers = [os.environ["CC"]] if os.environ.get("CC") else [configured, "cc", "gcc", "clang"]
    flags = [*FLAGS, *shlex.split(os.environ.get("CFLAGS", "")), *LINK]
    include = sysconfig.get_path("include")
    rest = [f"-I{include}", *map(str, sources), "-lm", "-o", str(made)]
    why_not = ""
    for compiler in dict.fromkeys(compilers):
        try:
            done = subprocess.run(  # noqa: S603 - the compiler of this Python or of the environment
                [*shlex.split(compiler), *flags, *rest], capture_output=True, text=True, check=False
            )
        except OSError:
            why_not = why_not or f"no C compiler ({compiler} cannot be started)"
            continue
        if done.returncode == 0:
            return ""
        lines = done.stderr.strip().splitlines() or ["it said nothing"]
        first = next((line for line in lines if "error" in line), lines[0])
        why_not = f"{compiler} failed: {first}"
    return why_not


def _platform() -> str:
    """As wheels that are built here are named: what runs elsewhere too is not claimed."""
    tags = (tag.platform for tag in sys_tags())
    return next(each for each in tags if "manylinux" not in each and "musllinux" not in each)
