"""The text of every query sent to Log Analytics: names and values appear in it as literals only.

The tables and their columns are described in docs/log-analytics.md. A feature's name is a key of
the dynamic column `Features`, so it is compared with string literals and never an identifier.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta

from engine.errors import Refused
from fleet.counting import LogSource
from fleet.work.read.reading import CAPACITY, MODEL_ERRORS
from monitoring.drift.binning import Bins, CategoricalBins, NumericBins
from monitoring.drift.ruler import Ruler
from monitoring.drift.spelling import spellings
from monitoring.intake.collector import KEYS
from monitoring.intake.own import MARKS

TRAFFIC = "AmlOnlineEndpointTrafficLog"
#: The most characters of levels in one query. No length limit is published; above this, a feature's
#: levels are counted by name and looked up in the ruler afterwards.
DICTIONARY = 262_144
#: Rows that arrive later than this are late data, and not waited for.
LATEST = timedelta(hours=6)

#: Values of `feature` and `bin` that mark special rows of a result.
ROWS = -1
BY_LEVEL = -1

_TABLE = re.compile(r"[A-Za-z][A-Za-z0-9_]{0,62}")
_SHORT = {'"': '\\"', "\\": "\\\\", "\n": "\\n", "\r": "\\r", "\t": "\\t"}
_ESCAPED = ("Cc", "Cs", "Zl", "Zp")
_NUMBERS = '"int", "long", "real", "double", "decimal"'
_NUMERIC, _LISTED, _TALLIED = range(3)
_MODEL_ERRORS = f"code in {MODEL_ERRORS} or code >= 500"


def text(value: str) -> str:
    """Quote any text as a string literal.

    Escapes as in "The string data type" (Kusto documentation); characters that would end the line,
    or that JSON cannot carry, are written as their code.
    """
    return f'"{"".join(_spelled(character) for character in value)}"'


def _spelled(character: str) -> str:
    if character in _SHORT:
        return _SHORT[character]
    if unicodedata.category(character) in _ESCAPED and ord(character) <= 0xFFFF:
        return f"\\u{ord(character):04x}"
    return character


def moment(value: datetime) -> str:
    """Write a datetime literal, exact to the microsecond."""
    return f"datetime({value.astimezone(UTC).replace(tzinfo=None).isoformat('T', 'microseconds')}Z)"


def table(name: str) -> str:
    """Quote a table's name; Refused where Log Analytics does not allow it."""
    if not _TABLE.fullmatch(name):
        raise Refused(
            f"log table {name!r}: letters, digits and _ only, a letter first, at most 63 characters"
        )
    return f"['{name}']"


def bag_key(feature: str) -> str:
    """Return the key of `Features` that holds a feature (see intake.collector.decode)."""
    inner = feature.removeprefix("data.")
    return inner if inner in KEYS else feature


def count_query(source: LogSource, ruler: Ruler, start: datetime, end: datetime) -> str:
    """Write the query that counts every feature of `ruler` over the rows in [start, end).

    Its rows are (feature, bin, level, n): the feature's place in the ruler; the bin, by the ruler's
    edges and levels; and the number of values in it. Where `bin` is -1, `level`
    names the level itself. The row with feature -1 holds the number of rows.
    """
    listed = _listed(ruler)
    widest = max(
        (len(b.edges) for b in ruler.features.values() if isinstance(b, NumericBins)), default=0
    )
    edges = [f"e{place}" for place in range(widest)]
    columns = "".join(f", {edge}:real" for edge in edges)
    rising = "".join(f" + iff(number > {edge}, 1, 0)" for edge in edges)
    return f"""let features = datatable(
name:string, feature:long, counted:long, rest:long{columns})[
{_lines(_feature_lines(ruler, listed, widest))}];
let levels = datatable(feature:long, level:string, place:long)[
{_lines(_level_lines(ruler, listed))}];
let logged = {_logged(source, start, end)}
| project Features;
union (logged | summarize n = count() | project feature = -1, bin = 0, level = "", n),
(logged
| mv-expand kind=array pair = Features
| project name = tostring(pair[0]), value = pair[1]
| lookup kind=inner features on name
| extend type = gettype(value)
| where type in ({_NUMBERS}) or (counted != {_NUMERIC} and type in ("string", "bool"))
| extend number = iff(counted == {_NUMERIC}, toreal(value), real(null)), level = case(
counted == {_NUMERIC}, "",
type == "bool", iff(tobool(value), "true", "false"),
tostring(value))
| where counted != {_NUMERIC} or isfinite(number)
| lookup kind=leftouter levels on feature, level
| extend bin = case(
counted == {_NUMERIC}, 0{rising},
counted == {_LISTED}, coalesce(place, rest),
{BY_LEVEL})
| summarize n = count() by feature, bin, level = iff(counted == {_TALLIED}, level, "")
| project feature, bin, level, n)"""


def rows_query(source: LogSource, start: datetime, end: datetime, columns: Sequence[str]) -> str:
    """Write the query for the rows in [start, end): id, index, time and an array of `columns`."""
    picked = ", ".join(f"Features[{text(bag_key(name))}]" for name in columns)
    values = f"pack_array({picked})" if picked else "dynamic([])"
    return f"""{_logged(source, start, end)}
| project CorrelationId, RowIndex, TimeGenerated, Values = {values}"""


def arrival_query(source: LogSource) -> str:
    """Write the query for the table's newest arrival, its usual lag in seconds, and the time."""
    hours = f"{LATEST // timedelta(hours=1)}h"
    return f"""{table(source.table)}
| extend arrived = ingestion_time()
| where arrived > ago(1d)
| extend lag = arrived - TimeGenerated
| summarize newest = max(arrived), lag = max(iff(lag <= {hours}, lag / 1s, real(null)))
| extend asked = now()"""


def traffic_query(
    source: LogSource, limits: Sequence[float], start: datetime, end: datetime
) -> str:
    """Write the query that counts requests, errors and answers over each of `limits` (ms).

    By deployment and hour, own requests left out; 429 means missing capacity and is not counted.
    Columns: "Azure Monitor Logs reference, AmlOnlineEndpointTrafficLog"; the codes are int there
    and strings in Microsoft's sample queries, so that they are cast.
    """
    over = "".join(
        f", over{place} = countif(took > {_real(limit)})" for place, limit in enumerate(limits)
    )
    return f"""{_span(TRAFFIC, start, end)}
| where EndpointName =~ {text(source.endpoint)}{_only("DeploymentName", source)}
| where {_by_others("XMSClientRequestId", "XRequestId")}
| extend code = toint(ResponseCode), took = toreal(TotalDurationMs)
| where isnotnull(code) and isnotnull(took) and code != {CAPACITY}
| summarize requests = count(), errors = countif({_MODEL_ERRORS}){over}
by deployment = DeploymentName, hour = bin(TimeGenerated, 1h)"""


def _logged(source: LogSource, start: datetime, end: datetime) -> str:
    return f"""{_span(source.table, start, end)}
| where Endpoint =~ {text(source.endpoint)}{_only("Deployment", source)}
| where {_by_others("CorrelationId")}"""


def _by_others(*ids: str) -> str:
    """Return the condition that leaves own requests out; a string of Kusto is never null."""
    return " and ".join(f"{column} !startswith {text(mark)}" for column in ids for mark in MARKS)


def _span(name: str, start: datetime, end: datetime) -> str:
    return f"""{table(name)}
| where TimeGenerated >= {moment(start)} and TimeGenerated < {moment(end)}"""


def _only(column: str, source: LogSource) -> str:
    return f" and {column} =~ {text(source.deployment)}" if source.deployment else ""


def _listed(ruler: Ruler) -> set[str]:
    """Return the features whose levels the query names: not redacted ones, within the length limit.

    Numbers and booleans have several spellings, and rare levels are grouped by a hash: these are
    placed by their bins.
    """
    room = DICTIONARY
    listed = set()
    for name, bins in ruler.features.items():
        if isinstance(bins, CategoricalBins) and not bins.salt and _by_name(bins):
            room -= (size := sum(len(text(level)) + 12 for level in bins.levels))
            if room >= 0:
                listed.add(name)
            else:
                room += size
    return listed


def _by_name(bins: CategoricalBins) -> bool:
    return bins.groups == 1 and all(list(spellings(level)) == [level] for level in bins.levels)


def _feature_lines(ruler: Ruler, listed: set[str], widest: int) -> Iterator[str]:
    for place, (name, bins) in enumerate(ruler.features.items()):
        edges = bins.edges if isinstance(bins, NumericBins) else ()
        # No value is greater than a padded edge, so that it adds no bin.
        padded = [*map(_real, edges), *["real(+inf)"] * (widest - len(edges))]
        cells = [
            text(bag_key(name)),
            str(place),
            str(_kind(name, bins, listed)),
            str(bins.size - 1),
        ]
        yield ", ".join([*cells, *padded])


def _kind(name: str, bins: Bins, listed: set[str]) -> int:
    if isinstance(bins, NumericBins):
        return _NUMERIC
    return _LISTED if name in listed else _TALLIED


def _level_lines(ruler: Ruler, listed: set[str]) -> Iterator[str]:
    for place, (name, bins) in enumerate(ruler.features.items()):
        if name in listed and isinstance(bins, CategoricalBins):
            for index, level in enumerate(bins.levels):
                yield f"{place}, {text(level)}, {index}"


def _lines(rows: Iterator[str]) -> str:
    return ",\n".join(rows)


def _real(value: float) -> str:
    return f"real({float(value)!r})"
