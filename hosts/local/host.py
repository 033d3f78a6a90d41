"""The whole domain on one machine: SQLite, files, a local trainer and router."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path

from engine.clock import Clock
from engine.errors import Refused
from engine.loop import Loop
from engine.store import instant
from fleet.alarm import Alarm
from fleet.document.config import Config
from fleet.document.policies import ModelPolicy
from fleet.domain import FleetDomain
from fleet.links import Linking
from fleet.polling import Poller
from fleet.ports import World
from fleet.read import Json
from fleet.service import Service
from fleet.skipped import Skipped
from fleet.traced import doorbell
from hosts.clock import backing_off
from hosts.linked import LinkedPager, link_keys
from hosts.local import journal_key
from hosts.local.anchors import ANCHORS_FILE, AnchorFile
from hosts.local.disk import Disk
from hosts.local.features import lacks
from hosts.local.files import Blobs, Logs
from hosts.local.functions.messages import Message, poison_name
from hosts.local.functions.queues import Queues
from hosts.local.models.registry import ModelFolders
from hosts.local.models.router import BUCKETS, Duration, Endpoint, Router
from hosts.local.models.scorer import TIME_LIMIT, Scorers
from hosts.local.models.scoring import LocalScoring
from hosts.local.models.trainer import MAX_ATTEMPTS, LocalTrainer
from hosts.local.publisher import FilePublisher
from hosts.local.receivers import OPENERS, QUIET, surroundings
from hosts.local.sqlite import SqliteStore
from hosts.receivers.paging import open_pager
from hosts.reports.here import ReportsHere
from hosts.tables.beside import TablesBeside
from retrain.ports import TrainingJob

DUE_QUEUE = "driftwarden-due"
EVENTS_QUEUE = "events"
REFUSED_QUEUE = "driftwarden-refused"
STORE_FILE = "driftwarden.sqlite"
BACK_OFF = 0.01


class LocalTrainerOnBlobs(LocalTrainer):
    """A trainer whose inputs are named by blob; the command gets the paths of files."""

    blobs: Blobs

    def submit(self, job: TrainingJob) -> None:
        """See `retrain.ports.Trainer`."""
        paths = {name: str(self.blobs.path(blob)) for name, blob in job.inputs.items()}
        super().submit(replace(job, inputs=paths))


@dataclass(frozen=True)
class Durations:
    """How long things are declared to take in a replay.

    A training of `training` runs to its end at once; `request` gives the milliseconds of a request.
    """

    training: timedelta
    request: Duration


class LocalHost:
    """Opens every port of one machine below one folder.

    Parameters
    ----------
    config : the document.
    beside : the folder that the document's relative paths start from.
    clock : tells `now`, once a service verb.
    durable : whether commits wait for the disk.
    durations : for a replay; measured where absent.
    quiet : whether pages to the terminal go to a file.
    scoring_limit : seconds after which a model that does not answer is killed.
    """

    def __init__(
        self,
        config: Config,
        beside: Path,
        clock: Clock,
        *,
        durable: bool = True,
        durations: Durations | None = None,
        quiet: bool = False,
        scoring_limit: float = TIME_LIMIT,
    ) -> None:
        _check(config)
        self.config = config
        self.clock = clock
        self.root = root = beside / config.document.store.partition(":")[2]
        self._disk = disk = Disk(root)
        self.store = SqliteStore(root / STORE_FILE, durable=durable, disk=disk)
        self.queues = Queues(root / STORE_FILE, durable=durable, disk=disk)
        self.models = ModelFolders(root / "models")
        self.logs = root / "logs"
        self.scorers = Scorers(time_limit=scoring_limit)
        self.blobs = Blobs(root / "blobs", durable=durable, disk=disk)
        self.trainer = self._trainer(durations)
        self.router = self._router(durations.request if durations is not None else None)
        skipped = Skipped()
        seal = journal_key.seal(root, os.environ)
        signing = link_keys(os.environ, seal)
        linking = Linking(config.document.base_url or "", signing)
        world = self._world(beside, quiet, skipped)
        world = replace(world, pager=LinkedPager(world.pager, linking))
        domain = FleetDomain(config.fleet, world)
        loop = Loop(self.store, domain, self.ring, backing_off(BACK_OFF), seal)
        alarm = Alarm(self.ring_at)
        poller = Poller(world.logs)
        self.service = Service(
            config.fleet,
            loop,
            clock,
            self.blobs,
            self.refuse,
            alarm=alarm,
            poller=poller,
            skipped=skipped,
            link_keys=signing,
        )

    def ring(self, partition: str) -> None:
        """Put a partition on the due queue."""
        self.queues.put(DUE_QUEUE, doorbell(partition, self.service.telemetry), self.clock.now())

    def ring_at(self, partition: str, at: datetime) -> None:
        """Put a partition on the due queue, to be taken at a moment."""
        message = doorbell(partition, self.service.telemetry)
        self.queues.put(DUE_QUEUE, message, self.clock.now(), at)

    def refuse(self, message: str) -> None:
        """Keep rejected input in the queue for operators."""
        self.queues.put(REFUSED_QUEUE, message, self.clock.now())

    def health(self) -> Json:
        """See `hosts.host.Host`; raises DiskFault while the store cannot be written."""
        self._disk.check()
        return self.service.health()

    def follow(self) -> None:
        """See `hosts.host.Host`: on one machine fleet.yaml is read when the host is opened."""

    def measure(self) -> None:
        """See `hosts.host.Host`: here gauges are read at /api/metrics, when somebody asks.

        A fault of the disk is told once it is over: before, nothing can be stored.
        """
        if fault := self._disk.past():
            said = f"the store could not be written, and can be again: {fault}"
            self.service.notice("disk", said, instant(self.clock.now()))

    def poison_doorbells(self) -> Iterator[tuple[bytes, str]]:
        """See `hosts.host.Host`."""
        return ((message.body, message.reason) for message in self._each(poison_name(DUE_QUEUE)))

    def poison_events(self) -> Iterator[bytes]:
        """See `hosts.host.Host`."""
        return (message.body for message in self._each(poison_name(EVENTS_QUEUE)))

    def _each(self, queue: str) -> Iterator[Message]:
        """Yield messages one by one; each is deleted when it was used, and stays otherwise."""
        while found := self.queues.get(queue, self.clock.now(), 1):
            yield found[0]
            self.queues.delete(found[0])

    def close(self) -> None:
        """Stop the processes and close the files."""
        self.trainer.close()
        self.scorers.close()
        self.queues.close()
        self.store.close()

    def _trainer(self, durations: Durations | None) -> LocalTrainerOnBlobs:
        made = LocalTrainerOnBlobs(
            self.root / "jobs",
            self.models,
            self.clock,
            synchronous=durations is not None,
            duration=(lambda _: durations.training) if durations is not None else None,
            # A replay may be killed any number of times and still gives the same result.
            attempts=sys.maxsize if durations is not None else MAX_ATTEMPTS,
        )
        made.blobs = self.blobs
        return made

    def _router(self, duration: Duration | None) -> Router:
        endpoints = {
            name: _endpoint(watched.policy) for name, watched in self.config.fleet.models.items()
        }
        return Router(
            self.models, self.logs, self.root / "traffic", self.scorers, endpoints, duration
        )

    def _world(self, beside: Path, quiet: bool, skipped: Skipped) -> World:
        return World(
            blobs=self.blobs,
            logs=Logs(self.logs, skipped),
            tables=TablesBeside(beside, private=self.root),
            scoring=LocalScoring(self.models, self.scorers),
            trainer=self.trainer,
            serving=self.router,
            registry=self.models,
            pager=open_pager(
                self.config.document.receivers,
                QUIET if quiet else OPENERS,
                surroundings(self.config, beside),
            ),
            publisher=FilePublisher(self.root / "events.jsonl"),
            anchors=AnchorFile(self.root / ANCHORS_FILE),
            reports=ReportsHere(),
            store=self.store,
        )


def _endpoint(policy: ModelPolicy) -> Endpoint:
    serving = policy.serving
    baselines = (serving.baseline,) if serving.baseline is not None else ()
    return Endpoint(baselines, BUCKETS if serving.mirror is None else serving.mirror, policy.logs)


def _check(config: Config) -> None:
    """Refuse features that only Azure has."""
    for path, reason in lacks(config.fleet.models):
        raise Refused(f"{'.'.join(map(str, path))}: {reason}")
