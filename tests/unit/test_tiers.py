"""The guard that holds quick tests to the process they run in."""

from __future__ import annotations

import multiprocessing
import os
import socket
import subprocess
import sys
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress

import pytest

from tests.tiers import ADVICE, GUARD, WentOutside, inside, quick

pytestmark = pytest.mark.usefixtures("outside")


def run() -> object:
    return subprocess.run([sys.executable, "-c", ""], check=True)


def spawn() -> None:
    multiprocessing.get_context("spawn").Process(target=print).start()


def fork() -> None:
    multiprocessing.get_context("fork").Process(target=print).start()


def listen() -> None:
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))


def connect() -> None:
    with socket.socket() as client:
        client.connect(("127.0.0.1", 9))


def look_up() -> object:
    return socket.getaddrinfo("localhost", 80)


def system() -> object:
    return os.system("true")


@pytest.mark.parametrize("go", [run, spawn, fork, listen, connect, look_up, system])
def test_whatever_leaves_the_process_is_refused(go: Callable[[], object]) -> None:
    with pytest.raises(WentOutside, match=ADVICE), GUARD.watching():
        go()


def test_a_refusal_that_is_swallowed_fails_all_the_same() -> None:
    refused = pytest.raises(WentOutside, match=r"^socket\.getaddrinfo: ")
    with refused, GUARD.watching(), suppress(WentOutside):
        look_up()


def test_other_threads_and_later_tests_go_where_they_like() -> None:
    begun = threading.Event()

    def serve() -> None:
        begun.wait(5)
        listen()

    with ThreadPoolExecutor(1) as pool, GUARD.watching():
        served = pool.submit(serve)
        begun.set()
        served.result(5)
    listen()


def test_a_test_that_asks_for_outside_is_not_quick(request: pytest.FixtureRequest) -> None:
    assert not inside(request.node)
    assert not quick(request.node)
    assert request.node.get_closest_marker("quick") is None
