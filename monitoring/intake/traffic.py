"""Traffic log lines: which deployment answered which request, how, and how fast."""

from __future__ import annotations

import pyarrow as pa

from monitoring.intake.lines import Decoded, objects

SCHEMA = pa.schema(
    {
        "time": pa.timestamp("us", "UTC"),
        "deployment": pa.string(),
        "correlationid": pa.string(),
        "status": pa.int32(),
        "duration_ms": pa.float64(),
    }
)
