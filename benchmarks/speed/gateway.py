"""What the gateway costs for each request, beside a bare pass-through, in one run.

    python benchmarks/speed/gateway.py [--quick] [--litellm PYTHON] [--json OUT] [--markdown OUT]

Load, gateway and mock upstream are processes of their own on loopback; the upstream answers at
once. Ours routes among 12 arms, embeds every text, logs decision and outcome durably to SQLite and
counts, and checks the client's key. CPU is that of the server's whole process tree. The loads
of all servers take turns, several rounds, and the median round counts, with the range beside it.

    cpu_ms, cpu_ms_stream   CPU of a request at 32 connections, and of a stream of 22 events
    p50_added_ms            latency added to that of the upstream asked directly, 1 connection
    p99_over_p50            at 32 connections
    rss_mib, rss_growth_mib memory after all whole requests, and its growth over the last 9 in 10
    start_s, import_s       from the start of the process until it takes a request; import metallm
    installed_mb            a fresh virtual environment with the package and what it needs, less an
                            empty one (--installed)
    vs_passthrough          the gateway's CPU over the pass-through's; ..._stream likewise
    vs_litellm              LiteLLM's CPU over ours, where --litellm names a Python that has its
                            proxy
"""

from __future__ import annotations

from serving.bench import main

if __name__ == "__main__":
    main(__doc__ or "")
