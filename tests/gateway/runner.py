"""A gateway as a process of its own: a log, an upstream, and its port on stdout once it is up."""

from __future__ import annotations

import sys

from metallm.assembly import Router
from metallm.core.arm import Arm
from metallm.gateway.app import create_app
from metallm.gateway.serve import serve

SEED = 11


def arms(upstream: str) -> list[Arm]:
    return [
        Arm("sim/cheap", 1.0, 1.0, base_url=upstream),
        Arm("sim/dear", 5.0, 5.0, base_url=upstream),
    ]


def main(upstream: str, log: str) -> None:
    router = Router(arms(upstream), store=log, seed=SEED)
    app = create_app(router.caller, on_close=router.aclose)
    serve(app, port=0, on_ready=lambda _, port: print(port, flush=True))  # noqa: T201


if __name__ == "__main__":
    main(*sys.argv[1:])
