"""A vulnerability service on loopback, for our sources and for real clients: OSV, and the bulk advisories of npm.

What it answers to a query is written by hand in ``data/truth.json`` and computed by no code of ours.  Started as a
program it prints its address, and serves until its input ends.
"""

import asyncio
import contextlib
import json
import re
import sys
import threading
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml
from aiohttp import web

DATA = Path(__file__).with_name("data")
PAGE = 1
"""How many records an answer to one query of a batch holds: so few that every client has to ask for more."""


def load_records() -> dict[str, dict[str, Any]]:
    """Return the records of the tests by their ids, all times with Z."""
    texts = {path: path.read_text(encoding="utf-8") for path in sorted((DATA / "advisories").iterdir())}
    found = [json.loads(text) if path.suffix == ".json" else _from_yaml(text) for path, text in texts.items()]
    return {record["id"]: record for record in found}


def load_truth() -> dict[tuple[str, str, str], list[str]]:
    """Return the ids of the records about each version, by ecosystem, name and version."""
    rows = json.loads((DATA / "truth.json").read_text(encoding="utf-8"))
    return {(ecosystem, _name(ecosystem, name), version): ids for ecosystem, name, version, ids in rows}


def application() -> web.Application:
    """Return the whole service."""
    service = _Service()
    made = web.Application(client_max_size=64 * 1024 * 1024)
    made.add_routes(
        [
            web.post("/v1/query", service.query),
            web.post("/v1/querybatch", service.batch),
            web.get("/v1/vulns/{id}", service.record),
            web.post("/-/npm/v1/security/advisories/bulk", service.bulk),
            web.get("/{name:.+}", service.packument),
        ]
    )
    return made


@contextlib.contextmanager
def serve(served: web.Application) -> Iterator[str]:
    """Serve an application on a free port of loopback, in a thread of its own; yield its address."""
    loop = asyncio.new_event_loop()
    started: list[str] = []
    ready = threading.Event()

    async def start() -> web.AppRunner:
        runner = web.AppRunner(served, access_log=None, shutdown_timeout=0.1)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        started.append(f"http://127.0.0.1:{runner.addresses[0][1]}")
        return runner

    def work() -> None:
        asyncio.set_event_loop(loop)
        runner = loop.run_until_complete(start())
        ready.set()
        loop.run_forever()
        loop.run_until_complete(runner.cleanup())
        loop.close()

    thread = threading.Thread(target=work)
    thread.start()
    try:
        assert ready.wait(10), "the server did not start"
        yield started[0]
    finally:
        loop.call_soon_threadsafe(loop.stop)
        thread.join(10)


class _Service:
    def __init__(self) -> None:
        self._records = load_records()
        self._truth = load_truth()
        self._names = {(ecosystem, name) for ecosystem, name, _ in self._truth}

    async def query(self, request: web.Request) -> web.Response:
        records = [self._records[one] for one in self._ids(await request.json())]
        return web.json_response({"vulns": records} if records else {})

    async def batch(self, request: web.Request) -> web.Response:
        queries = (await request.json())["queries"]
        if len(queries) > 1000:
            return web.json_response({"code": 3, "message": "Too many queries."}, status=400)
        return web.json_response({"results": [self._page(query) for query in queries]})

    async def record(self, request: web.Request) -> web.Response:
        record = self._records.get(request.match_info["id"])
        if record is None:
            return web.json_response({"code": 5, "message": "Bug not found."}, status=404)
        return web.json_response(record)

    async def bulk(self, request: web.Request) -> web.Response:
        answer: dict[str, list[dict[str, Any]]] = {}
        for name, versions in (await request.json()).items():
            asked = [{"package": {"ecosystem": "npm", "name": name}, "version": version} for version in versions]
            ids = sorted({one for query in asked for one in self._ids(query)})
            if ids:
                answer[name] = [_advisory(self._records[one], name) for one in ids]
        return web.json_response(answer)

    async def packument(self, request: web.Request) -> web.Response:
        """What npm audit asks about a package that has an advisory."""
        name = request.match_info["name"]
        versions = [version for ecosystem, known, version in self._truth if (ecosystem, known) == ("npm", name)]
        if not versions:
            return web.json_response({"error": "not found"}, status=404)
        described = {version: {"name": name, "version": version, "dist": {}} for version in versions}
        return web.json_response({"name": name, "dist-tags": {"latest": versions[-1]}, "versions": described})

    def _page(self, query: dict[str, Any]) -> dict[str, Any]:
        ids = self._ids(query)
        begin = int(query.get("page_token", "0"))
        page: dict[str, Any] = {}
        if ids[begin : begin + PAGE]:
            shown = ids[begin : begin + PAGE]
            page["vulns"] = [{"id": one, "modified": self._records[one]["modified"]} for one in shown]
        if ids[begin + PAGE :]:
            page["next_page_token"] = str(begin + PAGE)
        return page

    def _ids(self, query: dict[str, Any]) -> list[str]:
        ecosystem, name = query["package"]["ecosystem"], query["package"]["name"]
        name, version = _name(ecosystem, name), query["version"]
        if (ecosystem, name) not in self._names:
            return []
        found = self._truth.get((ecosystem, name, version)) or self._truth.get((ecosystem, name, f"v{version}"))
        known = [found] if found is not None else [self._truth[ecosystem, name, version]]  # else the table lacks a row
        return known[0]


def _name(ecosystem: str, name: str) -> str:
    if ecosystem == "PyPI":
        return re.sub(r"[-_.]+", "-", name).lower()
    return name.replace("_", "-") if ecosystem == "crates.io" else name


def _advisory(record: dict[str, Any], name: str) -> dict[str, Any]:
    """Return a record as npm tells it."""
    entries = [entry for entry in record["affected"] if entry["package"] == {"ecosystem": "npm", "name": name}]
    ranges = [_range(one["events"]) for entry in entries for one in entry["ranges"]]
    vectors = [one["score"] for one in record.get("severity", []) if one["type"] == "CVSS_V3"]
    return {
        "id": 1_000_000 + zlib.crc32(record["id"].encode()) % 1_000_000,
        "url": f"https://advisories.example/{record['id']}",
        "title": record["summary"],
        "severity": record.get("database_specific", {}).get("severity", "critical").lower(),
        "vulnerable_versions": " || ".join(ranges),
        "cwe": ["CWE-506"] if record["id"].startswith("MAL-") else ["CWE-20"],
        "cvss": {"score": 0, "vectorString": vectors[0] if vectors else None},
    }


def _range(events: list[dict[str, str]]) -> str:
    signs = {"introduced": ">=", "fixed": "<", "last_affected": "<="}
    bounds = [
        signs[kind] + ("0.0.0-0" if version == "0" else version) for one in events for kind, version in one.items()
    ]
    return " ".join(bounds)


def _from_yaml(text: str) -> dict[str, Any]:
    record: dict[str, Any] = yaml.load(text, Loader=yaml.BaseLoader)  # noqa: S506 - it makes texts only
    for member in ("modified", "published"):
        record[member] = record[member].replace("+00:00", "Z")
    return record


if __name__ == "__main__":
    with serve(application()) as address:
        print(address, flush=True)  # noqa: T201 - how whoever started it learns the address
        sys.stdin.read()
