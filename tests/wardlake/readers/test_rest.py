"""REST with JSON, from a real server that misbehaves: every row exactly once, or an error and no batch."""

import itertools
import json
import logging
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from clinic import DAY, FACILITY, NEXT_DAY
from hypothesis import HealthCheck, given
from hypothesis import settings as trial
from hypothesis import strategies as st
from web import Asked, Fault, Told, Web, cut_short, reset, status, web_server

from wardlake.bronze import batches, current_batches, current_query, extract_table, rows_query
from wardlake.errors import PassingError, PermanentError, WardlakeError
from wardlake.lake import Lake
from wardlake.settings import PROJECT_ROOT, Settings
from wardlake.sources import Source, read_source
from wardlake.warehouse import connect
from wardlake.window import Window

COUNTER = itertools.count(1)
KEY = "k3y-of/the@server"
ENCODED = KEY.replace("/", "%2F").replace("@", "%40")
RETRY = {"attempts": 3, "first_wait_s": 0.001, "longest_wait_s": 0.01}
INCREMENTAL = {"mode": "incremental", "cursor": {"column": "changed", "look_back": "PT0S"}}
PAGED: dict[str, dict[str, Any]] = {
    "page": {"by": "page", "parameter": "page", "size_parameter": "size", "size": 3},
    "page from 0": {"by": "page", "parameter": "page", "first": 0, "size_parameter": "size", "size": 3},
    "offset": {"by": "offset", "parameter": "offset", "size_parameter": "size", "size": 3},
    "cursor": {"by": "cursor", "parameter": "cursor", "next": "$.meta.next", "size_parameter": "size", "size": 3},
    "link": {"by": "link", "size_parameter": "size", "size": 3},
    "link in the answer": {"by": "link", "next": "$.meta.link", "size_parameter": "size", "size": 3},
}


def rest_source(
    request: dict[str, Any] | None = None, connection: dict[str, Any] | None = None, **table: Any
) -> Source:
    """A REST source with one table `shift`."""
    return Source.model_validate(
        {
            "name": "rota",
            "description": "Duty rota.",
            "owner": "data team",
            "facility": FACILITY,
            "connection": {"kind": "rest", "conn_id": "rota_api", "retry": RETRY, **(connection or {})},
            "provides": ["staff_shifts"],
            "tables": {
                "shift": {
                    "description": "Shifts.",
                    "request": {"path": "v1/shifts", "rows": "$.data", **(request or {})},
                    "keys": ["id"],
                    "columns": {
                        "id": {"type": "VARCHAR", "pii": "none"},
                        "Hours Worked": {"type": "VARCHAR", "pii": "none"},
                        "ward": {"type": "VARCHAR", "pii": "none", "path": "$.ward.code"},
                        "changed": {"type": "VARCHAR", "pii": "none"},
                    },
                    **table,
                }
            },
        }
    )


def shifts(count: int) -> list[dict[str, Any]]:
    return [
        {"id": number, "Hours Worked": 7.5, "ward": {"code": "W1"}, "changed": f"2026-01-0{1 + number % 3}T00:00:00Z"}
        for number in range(count)
    ]


def rota(web: Web, rows: list[dict[str, Any]], first: int = 1) -> Callable[[Asked], Told]:
    """A server that knows all ways of paging, and the parameters `since` and `until`."""

    def answer(asked: Asked) -> Told:
        since, until = asked.one("since"), asked.one("until", "9999")
        found = [row for row in rows if since <= row["changed"] < until]
        size = int(asked.one("size", "1000"))
        if "page" in asked.query:
            start = (int(asked.one("page")) - first) * size
        else:
            start = int(asked.one("offset", "0")) or int(asked.one("cursor", "c0")[1:])
        end = start + size
        headers, meta = {}, {}
        if end < len(found):
            url = f"{asked.path}?size={size}&offset={end}&since={since}&until={until}"
            headers, meta = {"Link": f'<{url}>; rel="next"'}, {"next": f"c{end}", "link": web.address + url}
        is_linked = not {"page", "offset", "cursor"} & asked.query.keys() or "offset" in asked.query
        body = {"data": found[start:end], "meta": meta, "count": len(found)}
        return Told(json.dumps(body), headers=headers if is_linked else {})

    return answer


@pytest.fixture(scope="module")
def module_web() -> Iterator[Web]:
    with web_server() as running:
        yield running


def address(web: Web) -> str:
    return web.address.replace("://", f"://:{ENCODED}@") + "/api"


def extract(settings: Settings, web: Web, source: Source, window: Window = DAY) -> list[tuple[Any, ...]]:
    """Extract the shifts; the rows that the table has then."""
    extract_table(settings, source, "shift", window, address(web))
    return current_rows(settings, source)


def current_rows(settings: Settings, source: Source) -> list[tuple[Any, ...]]:
    manifests = current_batches(settings, Lake(settings), source, "shift")
    rows = current_query(settings, source.tables["shift"], manifests)
    with connect(settings) as engine:
        return engine.execute(f'SELECT id, "Hours Worked", ward, changed FROM ({rows}) ORDER BY id::INT').fetchall()


def refusal(settings: Settings, web: Web, source: Source | None = None) -> str:
    """The text of the permanent error, after which there is no batch."""
    with pytest.raises(PermanentError, match=r"^rota\.shift, batch ") as raised:
        extract_table(settings, source or rest_source(), "shift", DAY, address(web))
    assert batches(settings, Lake(settings), "rota", "shift") == []
    return str(raised.value)


def passing(settings: Settings, web: Web, source: Source | None = None) -> str:
    """The text of the passing error, after which there is no batch."""
    with pytest.raises(PassingError, match=r"^rota\.shift, batch ") as raised:
        extract_table(settings, source or rest_source(), "shift", DAY, address(web))
    assert batches(settings, Lake(settings), "rota", "shift") == []
    return str(raised.value)


@pytest.mark.parametrize("total", [None, "$.count"])
@pytest.mark.parametrize("way", PAGED)
@pytest.mark.parametrize("count", [0, 2, 3, 7])
def test_all_pages_are_read(
    module_settings: Settings, module_web: Web, way: str, total: str | None, count: int
) -> None:
    module_web.answer = rota(module_web, shifts(count), first=PAGED[way].get("first", 1))
    source = another(rest_source({"pages": PAGED[way], "total": total}))
    rows = extract(module_settings, module_web, source)
    assert rows == [(str(row["id"]), "7.5", "W1", row["changed"]) for row in shifts(count)]


def another(source: Source) -> Source:
    """The same source under a name of its own, so that it has no batches yet."""
    return source.model_copy(update={"name": f"rota{next(COUNTER)}"})


def test_pages_end_as_soon_as_it_is_known(settings: Settings, web: Web) -> None:
    web.answer = rota(web, shifts(7))
    asked = {}
    for name, more in {"empty page": {}, "total": {"total": "$.count"}, "short page": {}}.items():
        web.asked.clear()
        pages = PAGED["page"] | ({"short_is_last": True} if name == "short page" else {})
        assert len(extract(settings, web, another(rest_source({"pages": pages, **more})))) == 7
        asked[name] = len(web.asked)
    assert asked == {"empty page": 4, "total": 3, "short page": 3}


def test_an_offset_counts_the_rows_that_came(settings: Settings, web: Web) -> None:
    """A server may hand out smaller pages than it was asked for."""
    limited = rota(web, shifts(7))
    web.answer = lambda asked: limited(Asked(asked.path, asked.query | {"size": ["2"]}, asked.headers))
    assert len(extract(settings, web, rest_source({"pages": PAGED["offset"]}))) == 7


@pytest.mark.parametrize(
    ("body", "rows", "ids"),
    [
        ('{"data": [{"id": 1.10}, {"id": 12345678901234567890123}]}', "$.data", ["1.10", "12345678901234567890123"]),
        ('{"data": {"id": "x"}}', "$.data", ["x"]),
        ('{"data": null}', "$.data", []),
        ('{"data": []}', "$.data", []),
        ('[{"id": 1}, {"id": 2}]', "$", ["1", "2"]),
        ('\ufeff [{"id": 1}]', "$", ["1"]),
        ('{"wards": [{"x": [{"id": 1}]}, {"x": []}, {"x": [{"id": 2}]}]}', "$.wards[*].x[*]", ["1", "2"]),
        ('{"a b": [[{"id": 1}], [{"id": 2}, {"id": 3}]]}', '$["a b"][-1]', ["2", "3"]),
    ],
)
def test_rows_are_found_where_the_path_leads(
    settings: Settings, web: Web, body: str, rows: str, ids: list[str]
) -> None:
    web.answer = lambda _: Told(body)
    source = rest_source({"rows": rows})
    manifest = extract_table(settings, source, "shift", DAY, address(web)).manifest
    with connect(settings) as engine:
        query = rows_query(settings, source.tables["shift"], [manifest])
        assert engine.execute(f"SELECT id FROM ({query}) ORDER BY _row_id").fetchall() == [(id_,) for id_ in ids]


@pytest.mark.parametrize("body", ['{"id": 1}\n{"id": 2}\n', '\ufeff{"id": 1}\r\n\r\n{"id": 2}'])
def test_lines_are_rows(settings: Settings, web: Web, body: str) -> None:
    web.answer = lambda _: Told(body, content_type="application/x-ndjson; charset=utf-8")
    assert [row[0] for row in extract(settings, web, rest_source({"rows": "$"}))] == ["1", "2"]


def test_no_content_is_no_rows(settings: Settings, web: Web) -> None:
    web.answer = lambda _: Told(status=204)
    assert extract(settings, web, rest_source()) == []


@pytest.mark.parametrize("way", ["page", "link"])
def test_the_key_goes_where_the_server_wants_it(settings: Settings, web: Web, way: str) -> None:
    web.answer = rota(web, shifts(4))
    request = {"pages": PAGED[way], "parameters": {"ward": ["W1", "W2"]}}
    for key, seen in [
        ({"place": "header", "name": "X-Api-Key"}, lambda asked: asked.headers["X-Api-Key"]),
        (
            {"place": "header", "name": "Authorization", "prefix": "Key "},
            lambda asked: asked.headers["Authorization"][4:],
        ),
        ({"place": "query", "name": "api_key"}, lambda asked: asked.one("api_key")),
        (None, lambda asked: asked.headers["Authorization"].removeprefix("Bearer ")),
    ]:
        web.asked.clear()
        assert len(extract(settings, web, another(rest_source(request, {"api_key": key})))) == 4
        assert {seen(asked) for asked in web.asked} == {KEY}
        assert web.asked[0].query["ward"] == ["W1", "W2"]


def test_a_key_that_is_missing_is_told(settings: Settings, web: Web) -> None:
    source = rest_source(connection={"api_key": {"place": "header", "name": "X-Api-Key"}})
    with pytest.raises(PermanentError, match="connection 'rota_api' has no password, which is the key"):
        extract_table(settings, source, "shift", DAY, web.address)
    assert web.asked == []


def test_the_key_is_in_no_log_error_or_manifest(settings: Settings, web: Web, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    source = rest_source({"pages": PAGED["link"]}, {"api_key": {"place": "query", "name": "api_key"}})
    web.answer, web.faults = rota(web, shifts(4)), [status(503), reset]
    shown = extract_table(settings, source, "shift", DAY, address(web)).manifest.model_dump_json()
    for faults in ([status(401)], [status(503)] * 3, [status(302)]):
        web.faults = list(faults)
        with pytest.raises(WardlakeError) as raised:
            extract_table(settings, source, "shift", NEXT_DAY, address(web))
        shown += repr(raised.value)
    assert {asked.one("api_key") for asked in web.asked} == {KEY}
    assert not any(text in shown + caplog.text for text in (KEY, ENCODED, "k3y-of", "api_key"))


def test_windows_take_their_start_and_not_their_end(settings: Settings, web: Web) -> None:
    web.answer = rota(web, shifts(6))
    source = rest_source({"parameters": {"since": "{since}", "until": "{until}"}}, **INCREMENTAL)
    assert [row[0] for row in extract(settings, web, source)] == ["0", "3"]
    assert web.asked[-1].query == {"until": ["2026-01-02T00:00:00Z"]}
    second = extract_table(settings, source, "shift", NEXT_DAY, address(web)).manifest
    assert web.asked[-1].query == {"since": ["2026-01-02T00:00:00Z"], "until": ["2026-01-03T00:00:00Z"]}
    assert second.lake_rows == 2
    assert [row[0] for row in current_rows(settings, source)] == ["0", "1", "3", "4"]


def test_appended_windows_add_up(settings: Settings, web: Web) -> None:
    web.answer = rota(web, shifts(6))
    source = rest_source({"parameters": {"since": "{since}", "until": "{until}"}}, mode="append")
    assert [row[0] for row in extract(settings, web, source)] == ["0", "3"]
    assert [row[0] for row in extract(settings, web, source, NEXT_DAY)] == ["0", "1", "3", "4"]


def test_a_snapshot_takes_the_place_of_the_one_before(settings: Settings, web: Web) -> None:
    web.answer = rota(web, shifts(6))
    extract(settings, web, rest_source())
    web.answer = rota(web, shifts(2))
    assert len(extract(settings, web, rest_source(), NEXT_DAY)) == 2


@pytest.mark.parametrize(
    ("request_", "body", "reason"),
    [
        ({}, '{"error": "Secret"}', "there is no list and no object at $.data. Correct 'rows'"),
        ({"rows": "$"}, '{"error": "Secret"}', "row 1 holds none of the columns"),
        ({}, '{"data": "Secret"}', "there is no list and no object at $.data"),
        ({"total": "$.count"}, '{"data": []}', "sent nothing at '$.count'"),
        ({"total": "$.count"}, '{"data": [], "count": "Secret"}', "sent no number at '$.count'"),
        ({}, "Secret", "is no JSON"),
        ({}, '{"data": [{"id": 1}, {"id": 2, "ward": "Secret"}]}', "row 2: a plain value stands where a path goes on"),
        ({}, '{"data": [{"id": 1, "ward": [{"code": "Secret"}]}]}', "row 1: a list stands where a path goes on"),
        ({}, '{"data": [{"id": 1}], "data": []}', "an answer has an object in which a key stands twice"),
        ({}, '{"data": [{"id": "Secret\\u0000"}]}', "record 1 has the character NUL in column 'id'"),
    ],
)
def test_an_answer_that_is_something_else_is_named(
    settings: Settings, web: Web, request_: dict[str, Any], body: str, reason: str
) -> None:
    web.answer = lambda _: Told(body)
    told = refusal(settings, web, rest_source(request_))
    assert reason in told
    assert "Secret" not in told


def test_pages_that_nobody_asked_for_are_not_lost(settings: Settings, web: Web) -> None:
    web.answer = lambda _: Told('{"data": []}', headers={"Link": "</api/v1/shifts?page=2>; rel=next"})
    assert "links to a next page, which nobody asked for. Say 'pages: {by: link}'" in refusal(settings, web)


@pytest.mark.parametrize("way", ["page", "offset"])
def test_a_server_that_does_not_turn_the_page_is_found_out(settings: Settings, web: Web, way: str) -> None:
    web.answer = lambda _: Told(json.dumps({"data": shifts(3)}))
    assert "sends the same page again and again: it does not know the parameter" in refusal(
        settings, web, rest_source({"pages": PAGED[way]})
    )


def test_a_cursor_that_comes_again_is_found_out(settings: Settings, web: Web) -> None:
    web.answer = lambda _: Told(json.dumps({"data": shifts(3), "meta": {"next": "c3"}}))
    told = refusal(settings, web, rest_source({"pages": PAGED["cursor"]}))
    assert "links to a page that was read already, after 2 pages" in told


def test_a_link_to_another_server_is_not_followed(settings: Settings, web: Web) -> None:
    web.answer = lambda _: Told('{"data": []}', headers={"Link": "<http://elsewhere.example/x>; rel=next"})
    told = refusal(settings, web, rest_source({"pages": PAGED["link"]}))
    assert "on another server (http://elsewhere.example)" in told


def test_a_total_that_is_not_reached_is_data_that_moved(settings: Settings, web: Web) -> None:
    web.answer = lambda _: Told(json.dumps({"data": shifts(3), "count": 4}))
    assert "counts 4 rows, 3 arrived: the data moved" in passing(settings, web, rest_source({"total": "$.count"}))
    complete = rota(web, shifts(7))
    web.answer = lambda asked: Told(
        str(complete(asked).body).replace('"count": 7', f'"count": {6 + int(asked.one("page"))}')
    )
    told = passing(settings, web, rest_source({"total": "$.count", "pages": PAGED["page"]}))
    assert "counts 7 then 8 then 9 then 10 rows, 7 arrived" in told


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"request": {"path": "x", "parameters": {"a": "{since}"}}}, "needs mode: incremental or append"),
        ({"mode": "append"}, "mode: append needs a parameter with {since}"),
        (INCREMENTAL, "mode: incremental needs a parameter with {since}"),
        ({"request": {"path": "x", "rows": "$..a"}}, "is no path of the form"),
        ({"request": {"path": "x", "pages": {"by": "page"}}}, "pages by page need 'parameter'"),
        ({"request": {"path": "x", "pages": {"by": "link", "short_is_last": True}}}, "'short_is_last' belongs to"),
        ({"columns": {"id": {"type": "VARCHAR", "pii": "none", "path": "id"}}}, "is no path of the form"),
        ({"columns": {"id": {"type": "BIGINT", "pii": "none"}}}, "kept as text, type VARCHAR"),
    ],
)
def test_a_source_that_cannot_work_is_refused(change: dict[str, Any], reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        rest_source(**change) if "request" not in change else rest_source(change["request"])


def test_the_example_is_read_to_the_end(settings: Settings, web: Web) -> None:
    source = read_source(PROJECT_ROOT / "docs" / "sources" / "examples" / "rest_api.yaml")
    row = {"id": 7, "changed_at": "2026-01-01", "employee": {"number": "N1"}, "planned": {"start": "08:00"}}
    pages = {"1": [row], "2": [row | {"id": 8}]}
    web.answer = lambda asked: Told(json.dumps({"data": pages.get(asked.one("page"), []), "meta": {"total": 2}}))
    manifest = extract_table(settings, source, "shift", DAY, address(web)).manifest
    with connect(settings) as engine:
        rows = rows_query(settings, source.tables["shift"], [manifest])
        found = engine.execute(f'SELECT id, changed_at, nurse, start, "end" FROM ({rows}) ORDER BY id').fetchall()
    assert found == [(id_, "2026-01-01", "N1", "08:00", None) for id_ in ("7", "8")]
    assert [asked.query for asked in web.asked] == [
        {"changed_before": ["2026-01-02T00:00:00Z"], "site": ["north", "south"], "page": [page], "per_page": ["100"]}
        for page in ("1", "2")
    ]


FAULTS: list[Fault | None] = [None, status(503), status(429), reset, cut_short, status(404), status(403)]


@given(
    rows=st.integers(0, 12),
    faults=st.lists(st.sampled_from(FAULTS), max_size=10),
    way=st.sampled_from([*PAGED]),
    total=st.sampled_from([None, "$.count"]),
)
@trial(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_whatever_fails_there_is_an_error_or_the_rows_are_exact_and_so_they_are_after_a_retry(
    module_settings: Settings, module_web: Web, rows: int, faults: list[Fault | None], way: str, total: str | None
) -> None:
    module_web.answer = rota(module_web, shifts(rows), first=PAGED[way].get("first", 1))
    module_web.faults = list(faults)
    source = another(rest_source({"pages": PAGED[way], "total": total}))
    try:
        found = extract(module_settings, module_web, source)
    except WardlakeError:
        assert any(faults)
        module_web.faults.clear()
        found = extract(module_settings, module_web, source)
    assert [row[0] for row in found] == [str(number) for number in range(rows)]
