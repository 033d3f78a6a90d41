"""The policy of reports: what draws them where the app does not."""

from __future__ import annotations

from pydantic import Field

from engine.policy import Policy


class Reports(Policy):
    """Where reports of windows are drawn."""

    compute: str = Field(
        "",
        pattern=r"^([A-Za-z][A-Za-z0-9-]{0,31})?$",
        description="In Azure: the compute cluster of the workspace whose jobs draw the reports, "
        "under the cluster's managed identity; without one no report is drawn. On one machine "
        "`driftwarden[reports]` draws them.",
    )
