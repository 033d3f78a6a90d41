"""The Functions app as an argument of the commands, which must not import its module."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import azure.functions as func

    from hosts.host import Host


@dataclass(frozen=True)
class App:
    """The app's functions, and `use`, which sets the host that they work on."""

    functions: func.FunctionApp
    use: Callable[[Host], None]
