"""Ids: of the right form, and no two alike, in threads and in children too."""

from __future__ import annotations

import os
import re
from concurrent.futures import ThreadPoolExecutor

from metallm.ids import AT_ONCE, RandomIds


def test_an_id_is_128_bits_in_hexadecimal_digits() -> None:
    assert re.fullmatch("[0-9a-f]{32}", RandomIds()())


def test_no_two_are_alike_over_many_draws_and_threads() -> None:
    make = RandomIds()
    with ThreadPoolExecutor(8) as pool:
        made = list(pool.map(lambda _: make(), range(20 * AT_ONCE)))
    assert len(set(made)) == len(made)


def test_a_child_makes_ids_of_its_own() -> None:
    make = RandomIds()
    make()
    read, write = os.pipe()
    child = os.fork()
    if child == 0:
        os.write(write, make().encode())
        os._exit(0)
    os.waitpid(child, 0)
    theirs = os.read(read, 32).decode()
    os.close(read)
    os.close(write)
    assert theirs not in {make() for _ in range(AT_ONCE)}
