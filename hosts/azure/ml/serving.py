"""Traffic of online endpoints: lease, read, compare, write, read back."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

from engine.errors import Refused, Unavailable
from hosts.azure.features import MIRROR_LIMIT
from hosts.azure.ml.arm_errors import translated
from hosts.azure.ml.deployments import UNDER_WAY, WAIT, Deployments, state_of
from hosts.azure.ml.settling import Settling, early
from hosts.azure.ml.split import Foreign, Move, Record, Request, Split, decide, following
from hosts.azure.ml.workspace import Workspace
from hosts.azure.storage.lease import Held, Lease
from retrain.ports import Traffic

AGAIN = timedelta(minutes=1)
SOUND = "succeeded"


@dataclass(frozen=True)
class Rules:
    """The rules for the traffic of one model.

    `mirror` is the percent of the live traffic copied to a shadow, `foreign` the treatment of a
    split that somebody else set.
    """

    mirror: int = MIRROR_LIMIT
    foreign: Foreign = Foreign.hold

    def __post_init__(self) -> None:
        if not 1 <= self.mirror <= MIRROR_LIMIT:
            raise Refused(f"mirror {self.mirror}: an endpoint mirrors 1 to {MIRROR_LIMIT} percent")


class AzureServing:
    """Implements `retrain.ports.Serving` on managed online endpoints.

    An endpoint is written as a whole and the last writer wins. A writer therefore holds a lease in
    our store, reads the endpoint first, and reads it back afterwards. The intended split is kept in
    the endpoint's tags, written together with the split: a repeat after a lost answer finds it.

    Parameters
    ----------
    endpoint_of : the endpoint of a model.
    rules_of : the rules for a model's traffic.
    wait : how long to wait for a write before Unavailable is raised.
    """

    resource = "onlineEndpoints"

    def __init__(
        self,
        workspace: Workspace,
        lease: Lease,
        endpoint_of: Callable[[str], str],
        deployments: Deployments,
        rules_of: Callable[[str], Rules] = lambda _: Rules(),
        *,
        wait: timedelta = WAIT,
    ) -> None:
        self._workspace = workspace
        self._lease = lease
        self._endpoint_of = endpoint_of
        self._deployments = deployments
        self._rules_of = rules_of
        self._wait = wait
        self._settling = Settling(lease.clock)

    def set_traffic(
        self, model: str, traffic: Traffic, key: str, replaces: tuple[str, ...] = ()
    ) -> None:
        """Set `traffic`, unless somebody else set a split and the rules keep it.

        The newest key may be repeated; a split that is already set is not written again. A
        superseded key is a late repeat and changes nothing; so is one in `replaces` from now on.
        A retreat is written whatever state the deployment and the endpoint are in.

        Raises
        ------
        Unavailable
            Another worker changes the split, a deployment or the endpoint is being changed, a read
            does not show the last write yet, or the service does not answer: a repeat of the key
            continues.
        Refused
            The rules keep somebody else's split, a deployment failed or was deleted, or the
            endpoint does not support the split.
        """
        with self._lease.held(model) as lease:
            record = Record.read(self._read(model).tags)
            if record is not None and record.superseded(key):
                return
            wanted = self._wanted(model, traffic, record)
            request = Request(wanted, key, replaces, traffic.retreat)
            # Making a deployment takes a while, so that the endpoint is read again.
            self._move(model, self._read(model), request, lease)

    def traffic(self, model: str) -> Traffic | None:
        """Return the current split; None where no deployment gets live traffic.

        Unavailable where a read does not show the last write yet.
        """
        endpoint = self._read(model)
        held, record = self._split(endpoint), Record.read(endpoint.tags)
        if (unseen := self._settling.unseen(model, held, record)) is not None:
            raise early(self._where(model), held, unseen)
        if not held.weights:
            return None
        found = self._deployments.versions(model)
        versions = {name: version for name, (version, _) in found.items()}
        weights: Counter[str] = Counter()
        for name, share in held.weights.items():
            weights[versions.get(name, name)] += share
        mirrored = tuple(versions.get(name, name) for name in held.mirror)
        names = {name: version for name, version in versions.items() if name != version}
        met = record.foreign if record is not None else ""
        states = {name: found[name][1] if name in found else "missing" for name in held.weights}
        unready = ", ".join(
            f"deployment {name} is {state}" for name, state in states.items() if state != SOUND
        )
        return Traffic(dict(weights), mirrored, names, met, unready)

    def _move(self, model: str, endpoint: Any, request: Request, lease: Held) -> None:
        where, wanted, key = self._where(model), request.split, request.key
        record, held = Record.read(endpoint.tags), self._split(endpoint)
        policy, state = self._rules_of(model).foreign, state_of(endpoint)
        if (unseen := self._settling.unseen(model, held, record)) is not None:
            if not request.retreat and state not in UNDER_WAY:
                raise early(where, held, unseen)
            record, held = unseen, unseen.split
        move = decide(held, record, wanted, key, policy)
        # A retreat is tried all the same: the service knows best whether it can be written.
        if state in UNDER_WAY and not (request.retreat and move is Move.write):
            raise Unavailable(f"{where} is {state}", AGAIN)
        if move is Move.keep and state != "failed":
            return
        if move is Move.hold:
            raise Refused(
                f"{where} has {held}, set outside Driftwarden; {wanted} was "
                f"requested, and serving.foreign is {policy}: "
                "set it by hand, or change serving.foreign"
            )
        after = following(record, held, wanted, key, move, policy).replacing(request.replaces)
        lease.renew()
        after = replace(after, at=lease.clock.now())
        self._write(model, endpoint, after)
        self._check(model, after)

    def _write(self, model: str, endpoint: Any, after: Record) -> None:
        endpoint.tags = after.tags(endpoint.tags)
        self._put(endpoint, after.split)
        what = f"{model}: traffic of endpoint {self._endpoint_of(model)}"
        with translated(what, f"{self.resource}/write"):
            poller = self._operations().begin_create_or_update(endpoint)
            # An operation still in progress is found by its state.
            poller.wait(self._wait.total_seconds())
        self._settling.written(model, after)

    def _check(self, model: str, after: Record) -> None:
        endpoint, where = self._read(model), self._where(model)
        if (state := state_of(endpoint)) != "succeeded":
            raise Unavailable(f"{where} is {state} after its traffic was set", AGAIN)
        held = self._split(endpoint)
        if held != after.split or Record.read(endpoint.tags) != after:
            raise early(where, held, after)

    def _wanted(self, model: str, traffic: Traffic, record: Record | None) -> Split:
        """Return the split by deployments; every version has a deployment afterwards."""
        if len(traffic.shadow) > 1:
            raise Refused(
                f"{model}: {', '.join(traffic.shadow)} cannot all be shadows: "
                "an endpoint mirrors to one deployment"
            )
        known = record.split if record is not None else Split()
        gone = {*known.weights, *known.mirror}
        mirror = self._rules_of(model).mirror
        weights = {v: share for v, share in traffic.weights.items() if share}
        name = {
            version: (
                self._deployments.there(model, version)
                if traffic.retreat
                else self._deployments.ready(model, version, gone)
            )
            for version in (*weights, *traffic.shadow)
        }
        return Split.of(
            {name[version]: share for version, share in weights.items()},
            {name[version]: mirror for version in traffic.shadow},
        )

    def _where(self, model: str) -> str:
        return f"{model}: endpoint {self._endpoint_of(model)}"

    def _read(self, model: str) -> Any:
        name = self._endpoint_of(model)
        with translated(f"{model}: endpoint {name}", f"{self.resource}/read"):
            return self._operations().get(name)

    # The differences between online and batch endpoints.

    def _operations(self) -> Any:
        return self._workspace.client.online_endpoints

    def _split(self, endpoint: Any) -> Split:
        return Split.of(endpoint.traffic, endpoint.mirror_traffic)

    def _put(self, endpoint: Any, split: Split) -> None:
        if split.mirror and getattr(endpoint, "compute", None):
            raise Refused(f"{endpoint.name}: an endpoint on Kubernetes mirrors no traffic")
        endpoint.traffic = dict(split.weights)
        endpoint.mirror_traffic = dict(split.mirror)
