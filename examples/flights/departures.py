"""One row for each scheduled departure: identity, times, features and what became of it."""

from __future__ import annotations

import zipfile
from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as csv

from examples.flights.columns import CATEGORICAL, LABEL, LEAK, NUMERIC, WEATHER

LATE_MINUTES = 15
HOUR = np.timedelta64(3600, "s")
HOME = "America/New_York"
# airports.csv lacks the four Caribbean destinations; all keep Atlantic time all year.
CARIBBEAN = dict.fromkeys(("BQN", "PSE", "SJU", "STT"), "America/Puerto_Rico")
WEEKDAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]


def departures(folder: Path) -> pa.Table:
    """Read the CSV files in `folder`; return all rows sorted by (day, time, correlationid).

    Columns: correlationid, day (local New York date), time (scheduled, UTC), the 18 features,
    dep_delay (minutes; null where cancelled), label, label_time (10:00 in New York on the next
    day).
    """
    flights = _flights(folder / "flights.csv.zip")
    days, labelled = _calendar(flights)
    hours = flights["time_hour"].to_numpy()
    origins = flights["origin"].combine_chunks().dictionary_encode()
    columns = {
        "correlationid": _identity(flights),
        "day": days,
        "time": pa.array(hours + flights["minute"].to_numpy() * np.timedelta64(60, "s"))
        .cast(pa.timestamp("us"))
        .cast(pa.timestamp("us", "UTC")),
        "carrier": flights["carrier"],
        "origin": flights["origin"],
        "destination": flights["dest"],
        "day_of_week": _weekday(days),
        "scheduled_minute": _minutes(flights["sched_dep_time"].to_numpy()),
        "distance": flights["distance"],
        "scheduled_duration": _duration(flights, days, folder / "airports.csv"),
        **_planes(flights["tailnum"], folder / "planes.csv"),
        "hourly_departures": _same_hour(origins, hours),
        **_weather(origins, hours, folder / "weather.csv"),
        LEAK: flights["dep_delay"].cast(pa.float64()),
        LABEL: pc.greater(flights["arr_delay"], LATE_MINUTES).cast(pa.int8()),
        "label_time": labelled,
    }
    for name in NUMERIC:
        columns[name] = _nullable(columns[name])
    table = pa.table({name: columns[name] for name in _order()})
    return table.sort_by([(key, "ascending") for key in ("day", "time", "correlationid")])


def _order() -> tuple[str, ...]:
    outcome = (LEAK, LABEL, "label_time")
    return ("correlationid", "day", "time", *CATEGORICAL, *NUMERIC, *outcome)


def _read(source: Path | pa.NativeFile) -> pa.Table:
    options = csv.ConvertOptions(null_values=["NA", ""], strings_can_be_null=True)
    return csv.read_csv(source, convert_options=options)


def _flights(path: Path) -> pa.Table:
    with zipfile.ZipFile(path) as archive:
        return _read(pa.BufferReader(archive.read("flights.csv")))


def _minutes(clock: Ints) -> Ints:
    """Minutes after midnight of a clock written as hhmm."""
    return clock // 100 * 60 + clock % 100


def _calendar(flights: pa.Table) -> tuple[pa.Array, pa.Array]:
    """Local date of each row as ISO text, and the instant its label is known."""
    code = pc.add(
        pc.multiply(flights["year"], 10000),
        pc.add(pc.multiply(flights["month"], 100), flights["day"]),
    )
    coded = code.combine_chunks().dictionary_encode()
    dates = [datetime.strptime(str(value), "%Y%m%d") for value in coded.dictionary.to_pylist()]
    texts = pa.array([value.date().isoformat() for value in dates])
    known = [_ten_next_morning(value) for value in dates]
    return texts.take(coded.indices), pa.array(known, pa.timestamp("us", "UTC")).take(coded.indices)


def _ten_next_morning(day: datetime) -> datetime:
    # Built from the ordinal, not by adding 24 hours: two nights of the year are not that long.
    next_day = datetime.fromordinal(day.toordinal() + 1)
    return next_day.replace(hour=10, tzinfo=ZoneInfo(HOME))


def _identity(flights: pa.Table) -> pa.Array:
    """yyyymmdd-origin-carrier+flight-n; n counts repeats in scheduled order, nearly always 0."""
    text = {name: flights[name].cast(pa.string()) for name in ("year", "month", "day", "flight")}
    pad = {name: pc.utf8_lpad(text[name], 2, padding="0") for name in ("month", "day")}
    date = pc.binary_join_element_wise(text["year"], pad["month"], pad["day"], "")
    plane = pc.binary_join_element_wise(flights["carrier"], text["flight"], "")
    stem = pc.binary_join_element_wise(date, flights["origin"], plane, "-").combine_chunks()
    keys = stem.dictionary_encode().indices.to_numpy().astype(np.int64)
    order = np.lexsort((np.arange(len(keys)), flights["sched_dep_time"].to_numpy(), keys))
    ranked = keys[order]
    first = np.searchsorted(ranked, ranked)
    repeat = np.empty(len(keys), np.int64)
    repeat[order] = np.arange(len(keys)) - first
    return pc.binary_join_element_wise(stem, pa.array(repeat).cast(pa.string()), "-")


def _weekday(days: pa.Array) -> pa.Array:
    return pa.array(WEEKDAYS).take(pc.day_of_week(days.cast(pa.date32())))


def _duration(flights: pa.Table, days: pa.Array, airports: Path) -> Ints:
    """Scheduled minutes from gate to gate: difference of two clocks, each in its own zone."""
    clock = _minutes(flights["sched_arr_time"].to_numpy()) - _minutes(
        flights["sched_dep_time"].to_numpy()
    )
    known = _read(airports)
    zones = dict(zip(known["faa"].to_pylist(), known["tzone"].to_pylist(), strict=True)) | CARIBBEAN
    to, on = flights["dest"].combine_chunks().dictionary_encode(), days.dictionary_encode()
    where = to.indices.to_numpy()
    noons = [datetime.fromisoformat(day).replace(hour=12) for day in on.dictionary.to_pylist()]
    places = [zones[name] for name in to.dictionary.to_pylist()]
    ahead = {place: [_minutes_ahead(noon, place) for noon in noons] for place in set(places)}
    shift = np.array([ahead[place] for place in places])
    return np.asarray((clock - shift[where, on.indices.to_numpy()]) % 1440)


def _minutes_ahead(noon: datetime, zone: str) -> int:
    """How far clocks in `zone` are ahead of New York's on that day."""
    there, here = (noon.replace(tzinfo=ZoneInfo(name)).utcoffset() for name in (zone, HOME))
    assert there is not None
    assert here is not None
    return int((there - here).total_seconds() // 60)


def _planes(tails: pa.ChunkedArray, path: Path) -> dict[str, pa.Array]:
    planes = _read(path)
    row = pc.index_in(tails.combine_chunks(), planes["tailnum"].combine_chunks())
    # A null tail number must stay unknown even if the list of planes had a null in it.
    age = pc.subtract(2013, planes["year"].combine_chunks()).take(row)
    return {"plane_age": age, "seats": planes["seats"].combine_chunks().take(row)}


def _same_hour(origins: pa.DictionaryArray, hours: npt.NDArray[np.datetime64]) -> Ints:
    key = _slot(origins.indices.to_numpy(), hours)
    _, place, count = np.unique(key, return_inverse=True, return_counts=True)
    return np.asarray(count[place], np.int64)


def _slot(place: npt.NDArray[np.integer], hours: npt.NDArray[np.datetime64]) -> Ints:
    return np.asarray(place.astype(np.int64) * 1_000_000 + hours.astype("M8[h]").astype(np.int64))


def _weather(
    origins: pa.DictionaryArray, hours: npt.NDArray[np.datetime64], path: Path
) -> dict[str, Floats]:
    """Observations of the hour before the departure's; precip3 adds the two hours before that."""
    seen = _read(path)
    place = pc.index_in(seen["origin"].combine_chunks(), origins.dictionary).to_numpy()
    key = _slot(place, seen["time_hour"].to_numpy())
    order = np.argsort(key)

    def look(name: str, back: int) -> Floats:
        wanted = _slot(origins.indices.to_numpy(), hours - back * HOUR)
        at = np.minimum(np.searchsorted(key[order], wanted), len(key) - 1)
        values = seen[name].to_numpy().astype(np.float64)[order]
        return np.where(key[order][at] == wanted, values[at], np.nan)

    columns = {name: look(name, 1) for name in WEATHER if name != "precip3"}
    rain = np.stack([columns["precip"], look("precip", 2), look("precip", 3)])
    columns["precip3"] = np.where(np.isnan(rain).all(axis=0), np.nan, np.nansum(rain, axis=0))
    return columns


def _nullable(values: pa.Array | pa.ChunkedArray | npt.NDArray[np.generic]) -> pa.Array:
    if isinstance(values, np.ndarray):
        return pa.array(values.astype(np.float64), from_pandas=True)
    return values.cast(pa.float64())
