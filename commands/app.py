"""The Functions app as the commands are handed it: they stand below the module that has it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import azure.functions as func

    from hosts import Host


@dataclass(frozen=True)
class App:
    """The app's functions, and the function that makes them work on a host."""

    functions: func.FunctionApp
    use: Callable[[Host], None]
