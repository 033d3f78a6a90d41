"""Log Analytics' query API on loopback: the KQL of a request is run on rows that a test puts in.

Rules from Microsoft Learn, "Azure Monitor Log Analytics API": "Request format", "Response format",
"API errors" and "Timeouts"; limits from "Query limits" (Kusto documentation: 500,000 records and
64 MB, then a partial failure); the shape of a partial answer from the SDK's `_patch.py`
(`query_workspace`).

The engine is duckdb-kql. It lacks three things, which are put right before it sees a query:
`ingestion_time()` becomes the hidden column it stands for; `now()` and `ago()` become this
service's own clock; and characters that DuckDB cannot have in a JSON path are spelled by others,
in the query's string literals, in the rows and back again in the answer.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import duckdb
import duckdb_kql
import pyarrow as pa

from tests.doubles.loopback import BadRequest, Loopback, Request, Response
from tests.doubles.tls import Authority
from tests.doubles.tokens import LoopbackCredential

#: Columns by table: the feature table of docs/log-analytics.md, and Azure ML's traffic log
#: ("Azure Monitor Logs reference, AmlOnlineEndpointTrafficLog"; those that are read here).
TABLES = {
    "Features_CL": {
        "TimeGenerated": "datetime", "CorrelationId": "string", "RowIndex": "int",
        "Endpoint": "string", "Deployment": "string", "Features": "dynamic",
    },
    "AmlOnlineEndpointTrafficLog": {
        "TimeGenerated": "datetime", "EndpointName": "string", "DeploymentName": "string",
        "ResponseCode": "int", "ModelStatusCode": "int", "TotalDurationMs": "int",
        "XRequestId": "string", "XMSClientRequestId": "string",
    },
}  # fmt: skip
SQL = {
    "datetime": "TIMESTAMP", "string": "VARCHAR", "int": "INTEGER", "long": "BIGINT",
    "real": "DOUBLE", "dynamic": "JSON", "bool": "BOOLEAN",
}  # fmt: skip
KQL = {sql: kql for kql, sql in SQL.items()}
INGESTED = "IngestionTime_"

_LITERAL = re.compile(r"\"(?:[^\"\\\n]|\\.)*\"|'(?:[^'\\\n]|\\.)*'")
_ESCAPE = re.compile(r"\\(u[0-9a-fA-F]{4}|.)")
_PLAIN = {"n": "\n", "r": "\r", "t": "\t"}
_AWKWARD = re.compile(r"[^\w .+\-]", re.ASCII)
_EMPTY = "\ue0ff"
_STAND_IN = re.compile("[\ue000-\ue07f\ue0ff]")


class LogAnalytics:
    """One workspace; use `service` as a context.

    Parameters
    ----------
    clock : what `now()` answers; rows arrive at it unless they say otherwise.
    most_rows, most_bytes : above either an answer is cut off and says so.
    """

    def __init__(
        self,
        authority: Authority,
        credential: LoopbackCredential,
        workspace: str,
        clock: datetime,
        most_rows: int = 500_000,
        most_bytes: int = 64_000_000,
    ) -> None:
        self.credential, self.workspace, self.clock = credential, workspace, clock
        self.most_rows, self.most_bytes = most_rows, most_bytes
        self.queries: list[str] = []
        self.service = Loopback(authority)
        self.service.route("POST", "/v1/workspaces/(?P<workspace>[^/]+)/query", self._query)
        self._engine = duckdb_kql.connect()
        for name, columns in TABLES.items():
            typed = ", ".join(f"{column} {SQL[kind]}" for column, kind in columns.items())
            self._engine.execute(f"CREATE TABLE stored_{name} ({typed}, {INGESTED} TIMESTAMP)")

    def add(
        self, table: str, rows: Iterable[Mapping[str, Any]], arrived: datetime | None = None
    ) -> None:
        """Store rows; a column that a row lacks is null."""
        kinds = TABLES[table]
        stored = [[_stored(row.get(name), kind) for name, kind in kinds.items()] for row in rows]
        columns = {name: [row[place] for row in stored] for place, name in enumerate(kinds)}
        types = {"datetime": pa.timestamp("us"), "int": pa.int32()}
        batch = pa.table(
            {n: pa.array(v, types.get(kinds[n], pa.string())) for n, v in columns.items()}
        )
        moment = (arrived or self.clock).astimezone(UTC).replace(tzinfo=None)
        with self.service.lock:
            self._engine.register("batch", batch)
            self._engine.execute(f"INSERT INTO stored_{table} SELECT *, ? FROM batch", [moment])
            self._engine.unregister("batch")

    def _query(self, request: Request) -> Response:
        self._authorise(request)
        if request.names["workspace"] != self.workspace:
            raise BadRequest("WorkspaceNotFoundError", "The workspace could not be found", 404)
        if not request.headers.get("content-type", "").startswith("application/json"):
            raise BadRequest("UnsupportedMediaTypeError", "JSON is expected", 415)
        body = request.json()
        if not isinstance(body, dict) or not isinstance(body.get("query"), str):
            raise _bad_argument("QueryValidationError", "The query is missing")
        self.queries.append(body["query"])
        self._views(_timespan(body.get("timespan")))
        return self._answer(self._run(body["query"]))

    def _authorise(self, request: Request) -> None:
        given = request.headers.get("authorization")
        if given is None:
            said = "Authentication failed. The 'Authorization' header is missing."
            raise BadRequest("AuthenticationFailed", said, 401)
        if given != self.credential.bearer:
            raise BadRequest("InvalidTokenError", "The provided token has expired", 401)

    def _views(self, span: tuple[datetime, datetime] | None) -> None:
        for name in TABLES:
            where = ""
            if span is not None:
                low, high = (each.replace(tzinfo=None).isoformat() for each in span)
                where = f"WHERE TimeGenerated BETWEEN TIMESTAMP '{low}' AND TIMESTAMP '{high}'"
            self._engine.execute(f"CREATE OR REPLACE VIEW {name} AS FROM stored_{name} {where}")

    def _run(self, query: str) -> duckdb.DuckDBPyRelation:
        for name in re.findall(r"\['(\w+)'\]", query):
            if name not in TABLES:
                said = f"Failed to resolve table or column expression named '{name}'"
                raise _semantic(said)
        try:
            return duckdb_kql.kql(self._engine, self._rewritten(query))
        except duckdb_kql.KqlSyntaxError:
            raise _bad_argument("SyntaxError", "Syntax Error") from None
        except (
            duckdb.CatalogException,
            duckdb.BinderException,
            duckdb_kql.KqlSchemaError,
        ) as error:
            raise _semantic(str(error).splitlines()[0]) from None

    def _rewritten(self, query: str) -> str:
        clock = f"datetime({self.clock.astimezone(UTC).replace(tzinfo=None).isoformat()}Z)"
        parts, last = [], 0
        for match in _LITERAL.finditer(query):
            parts += [self._timed(query[last : match.start()], clock), _respelled(match.group())]
            last = match.end()
        return "".join([*parts, self._timed(query[last:], clock)])

    def _timed(self, code: str, clock: str) -> str:
        code = code.replace("ingestion_time()", f"['{INGESTED}']").replace("now()", clock)
        return re.sub(r"\bago\((\w+)\)", rf"({clock} - \1)", code)

    def _answer(self, found: duckdb.DuckDBPyRelation) -> Response:
        kinds = [KQL.get(str(kind), "dynamic") for kind in found.types]
        columns = [{"name": n, "type": k} for n, k in zip(found.columns, kinds, strict=True)]
        rows: list[list[Any]] = []
        size, cut = 0, ""
        for row in found.fetchall():
            sent = [_sent(value, kind) for value, kind in zip(row, kinds, strict=True)]
            size += len(json.dumps(sent))
            if size > self.most_bytes:
                cut = f"data size limit {self.most_bytes} (E_QUERY_RESULT_SET_TOO_LARGE)"
            elif len(rows) == self.most_rows:
                cut = f"record count limit {self.most_rows} (E_QUERY_RESULT_SET_TOO_LARGE)"
            if cut:
                break
            rows.append(sent)
        body: dict[str, Any] = {
            "tables": [{"name": "PrimaryResult", "columns": columns, "rows": rows}]
        }
        if cut:
            body["error"] = partial(f"Query result set has exceeded the internal {cut}")
        return Response(200, body)


def partial(reason: str) -> dict[str, Any]:
    """Return the error that a partial answer carries ("Troubleshooting", azure-monitor-query)."""
    inner = {"code": "-2133196797", "message": reason, "severity": 2, "severityName": "Error"}
    said = "There were some errors when processing your query."
    return {"code": "PartialError", "message": said, "details": [{"innererror": inner}],
            "innererror": inner}  # fmt: skip


def _bad_argument(code: str, message: str, inner: Mapping[str, Any] | None = None) -> BadRequest:
    refusal = BadRequest("BadArgumentError", "The request had some invalid properties")
    detail: dict[str, Any] = {"code": code, "message": message}
    if inner:
        detail["innererror"] = dict(inner)
    refusal.answer.body["error"]["innererror"] = detail
    return refusal


def _semantic(message: str) -> BadRequest:
    inner = {"code": "SEM0100", "message": message}
    return _bad_argument("SemanticError", "A semantic error occurred.", inner)


def _timespan(value: str | None) -> tuple[datetime, datetime] | None:
    if value is None:
        return None
    try:
        low, high = (datetime.fromisoformat(end) for end in value.split("/"))
    except ValueError:
        raise _bad_argument("InvalidTimespan", f"{value!r} is no interval") from None
    return low, high


def _respelled(literal: str) -> str:
    inner = _ESCAPE.sub(_unescaped, literal[1:-1])
    return f'"{_spelled(inner)}"'


def _unescaped(match: re.Match[str]) -> str:
    code = match.group(1)
    return chr(int(code[1:], 16)) if len(code) == 5 else _PLAIN.get(code, code)


def _spelled(value: str) -> str:
    if not value:
        return _EMPTY
    return _AWKWARD.sub(_stand_in, value)


def _stand_in(match: re.Match[str]) -> str:
    code = ord(match.group())
    return chr(0xE000 + code) if code < 0x80 else match.group()


def _read(value: str) -> str:
    return _STAND_IN.sub(
        lambda m: "" if m.group() == _EMPTY else chr(ord(m.group()) - 0xE000), value
    )


def _stored(value: Any, kind: str) -> Any:
    if value is None:
        # A Kusto string is never null.
        return _spelled("") if kind == "string" else None
    if kind == "dynamic":
        return json.dumps(_everywhere(value, _spelled), ensure_ascii=False, allow_nan=False)
    if kind == "datetime":
        return value.astimezone(UTC).replace(tzinfo=None)
    return _spelled(value) if kind == "string" else value


def _sent(value: Any, kind: str) -> Any:
    if value is None:
        # A Kusto string is never null.
        return "" if kind == "string" else None
    if kind == "dynamic":
        found = json.loads(value) if isinstance(value, str) else value
        return json.dumps(_everywhere(found, _read), ensure_ascii=False)
    if isinstance(value, datetime):
        return value.isoformat(timespec="microseconds") + "Z"
    if isinstance(value, timedelta):
        return str(value)
    return _read(value) if isinstance(value, str) else value


def _everywhere(value: Any, spell: Any) -> Any:
    if isinstance(value, str):
        return spell(value)
    if isinstance(value, dict):
        return {spell(name): _everywhere(inner, spell) for name, inner in value.items()}
    return [_everywhere(inner, spell) for inner in value] if isinstance(value, list) else value
