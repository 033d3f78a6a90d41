"""The traffic files: the split of each model, and the keys that set it."""

from __future__ import annotations

from pathlib import Path

from pydantic import BaseModel, ConfigDict, ValidationError

from engine.errors import Broken
from hosts.local.files import exclusive, replace_file
from retrain.ports import Traffic
from retrain.registry import check_name

KEYS_KEPT = 200


class Split(BaseModel):
    """The content of a traffic file; `keys` are those that set it, the newest last."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    weights: dict[str, int] = {}
    shadow: tuple[str, ...] = ()
    keys: tuple[str, ...] = ()


class Splits:
    """The traffic files of one folder; a lock file beside each lets one process write at a time."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def set_traffic(
        self, model: str, traffic: Traffic, key: str, replaces: tuple[str, ...] = ()
    ) -> None:
        """Set the split.

        The newest key may be repeated: the file is restored where somebody changed it. A superseded
        key is a late repeat and changes nothing; so is one in `replaces` from now on. A retreat
        is written over a damaged file, too.
        """
        weights = {version: weight for version, weight in traffic.weights.items() if weight}
        with exclusive(self._folder / f".{check_name(model)}.lock"):
            before = self._before(model, traffic)
            if key in before.keys[:-1]:
                return
            late = tuple(one for one in replaces if one not in before.keys)
            keys = before.keys if before.keys[-1:] == (key,) else (*before.keys, *late, key)
            after = Split(weights=weights, shadow=traffic.shadow, keys=keys[-KEYS_KEPT:])
            if after != before:
                content = after.model_dump_json(indent=1).encode()
                replace_file(self._path(model), content, durable=True)
        if self._split(model) != after:
            raise Broken(f"{model}: the traffic file differs from what was just written")

    def traffic(self, model: str) -> Traffic | None:
        """Return the current split; None where no version gets live traffic."""
        split = self._split(model)
        if not any(split.weights.values()):
            return None
        return Traffic(split.weights, split.shadow)

    def _path(self, model: str) -> Path:
        return self._folder / f"{check_name(model)}.json"

    def _before(self, model: str, traffic: Traffic) -> Split:
        try:
            return self._split(model)
        except Broken:
            if traffic.retreat:
                return Split()
            raise

    def _split(self, model: str) -> Split:
        path = self._path(model)
        try:
            return Split.model_validate_json(path.read_bytes())
        except FileNotFoundError:
            return Split()
        except ValidationError as error:
            raise Broken(f"{path.name}: not a traffic file, restore or remove it") from error
