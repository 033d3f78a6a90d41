"""The words and options of every command that changes something."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from commands import on_fleet
from commands.options import (
    MODEL,
    PARTITION,
    add_author,
    add_name,
    add_target,
    fleet_command,
)
from monitoring.change import Change

if TYPE_CHECKING:
    from commands.options import Commands

#: The forms that `operate.instant` reads.
TIMES = "2026-01-31T18:00Z, a date (until its end, UTC), or 4h from now"
SOME_MODEL = ("MODEL", "name of a model in fleet.yaml, or leave it out and give --all")
ALERT = ("ALERT", "id of the alert as `driftwarden alerts` prints it, e.g. churn:drift-3")
SILENCE = ("ID", "id that `driftwarden silence` printed")
ROLLOUT = ("ROLLOUT", "name of the rollout in the journal, e.g. churn-rollout-2")

#: Every command that changes something: its word, its target with a help text, and its help.
CHANGES = (
    ("ack", ALERT, "acknowledge an alert: no more reminders"),
    ("silence", SOME_MODEL, "mute the alerts of a model, kind, feature or segment for a while"),
    ("unsilence", SILENCE, "lift a silence"),
    ("freeze", SOME_MODEL, "pause retraining and promotion until a time"),
    ("unfreeze", SOME_MODEL, "lift the freezes of a model, or of all models"),
    ("retrain", MODEL, "start a retraining"),
    (
        "approve",
        ROLLOUT,
        "approve a rollout for live traffic, where the policy asks for approval",
    ),
    ("rollback", MODEL, "end a rollout; the champion answers all traffic"),
    ("resume", PARTITION, "resume a partition that a defect halted, once the cause is fixed"),
    ("note", SOME_MODEL, "report a change around a model: alerts and the timeline name it"),
    ("reference", MODEL, "compare windows with other days from now on; it needs --reason"),
)


def add_changes(commands: Commands) -> None:
    """Declare these commands and their options."""
    for name, target, text in CHANGES:
        parser = fleet_command(commands, name, on_fleet.change, text)
        several = target is SOME_MODEL
        add_target(parser, target, nargs="?" if several else None)
        if name == "note":
            _add_note(parser)
        else:
            add_author(parser)
        parser.add_argument(
            "--no-wait",
            action="store_true",
            help="print the command's id and do not wait for its outcome",
        )
        if several:
            parser.add_argument("--all", action="store_true", dest="every", help="all models")
        if name == "silence":
            _add_silence(parser)
        if name == "freeze":
            parser.add_argument("--until", required=True, metavar="TIME", help=f"end: {TIMES}")
        if name == "reference":
            _add_reference(parser)


def _add_note(parser: argparse.ArgumentParser) -> None:
    kinds = [str(one) for one in Change]
    parser.add_argument("reason", metavar="TEXT", help="what changed, in one line")
    add_name(parser)
    parser.add_argument(
        "--kind",
        choices=kinds,
        default=str(Change.NOTE),
        metavar="KIND",
        help=f"{', '.join(kinds[:-1])} or {kinds[-1]} (default: %(default)s)",
    )
    parser.add_argument(
        "--at", metavar="TIME", help="when it was: 2026-01-31T18:00Z, a date, or 4h from now"
    )
    parser.add_argument("--until", metavar="TIME", help=f"end of what lasts: {TIMES}")


def _add_silence(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--feature",
        metavar="FEATURE",
        help="mute the alerts of this feature only (default: all alerts of the model)",
    )
    parser.add_argument(
        "--kind",
        metavar="KIND",
        help="mute the alerts of this kind only, as `driftwarden alerts` prints it, e.g. drift",
    )
    parser.add_argument(
        "--segment",
        metavar="COLUMN=LEVEL",
        help="mute the alerts of features in this segment only, e.g. country=DE",
    )
    parser.add_argument(
        "--for",
        dest="until",
        required=True,
        metavar="DURATION",
        help="how long, as 30m, 4h or 2d",
    )


def _add_reference(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--data", metavar="PATH", help="a table with the features, day, time and label"
    )
    parser.add_argument(
        "--from", dest="first", metavar="DAY", help="first day of the new reference, as 2026-01-31"
    )
    parser.add_argument("--to", dest="last", metavar="DAY", help="last day of the new reference")
