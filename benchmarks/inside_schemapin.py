"""Verify a schema many times and a skill once in this process; print the seconds of the clock on the wall.

With ``make`` as first argument it makes the key, the discovery document and both signatures instead.
"""

import json
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

from haldir_core.canonical import JsonObject, JsonValue
from haldir_core.schemapin import (
    Claims,
    Discovery,
    Evidence,
    Form,
    MemoryPins,
    PrivateKey,
    SignedSchema,
    Tool,
    Verification,
    parse_strict,
    read_folder,
    sign_schema,
    sign_skill,
    verify_schema,
    verify_skill,
    write_signature_file,
)

TOOL = Tool.of("tools.example", "bench")
SCHEMAS = 50
BATCHES = 20


def main(work: Path, skill: Path) -> None:
    """Measure and print: a schema from its bytes, a schema that is parsed, the skill."""
    data = (work / "schema.json").read_bytes()
    signature = (work / "signature").read_text(encoding="ascii")
    discovery = Discovery.from_bytes((work / "discovery.json").read_bytes())
    now = datetime.now(UTC)

    def verify(signed: SignedSchema) -> Verification:
        return verify_schema(signed, TOOL, Evidence(discovery=discovery, pins=MemoryPins()), now=now)

    parsed = SignedSchema(schema=parse_strict(data, "schema"), signature=signature)
    print(
        _each(lambda: verify(SignedSchema(schema=parse_strict(data, "schema"), signature=signature))),
        _each(lambda: verify(parsed)),
        _seconds(lambda: verify_skill(read_folder(skill), TOOL, Evidence(discovery=discovery), now=now), 1),
    )


def make(work: Path, skill: Path) -> None:
    """Write what both sides verify."""
    key = PrivateKey.generate()
    schema = _schema()
    document = {"schema_version": "1.4", "public_key_pem": key.public_key.to_pem().decode(), "revoked_keys": []}
    (work / "discovery.json").write_text(json.dumps(document), encoding="utf-8")
    (work / "schema.json").write_text(json.dumps(schema, indent=2), encoding="utf-8")
    (work / "signature").write_text(sign_schema(schema, key), encoding="ascii")
    claims = Claims(tool=TOOL, form=Form.LEGACY)
    write_signature_file(skill, sign_skill(read_folder(skill), claims, key, now=datetime.now(UTC)))


def _schema() -> JsonObject:
    """Return a schema of the size that tools have: 2.3 kB of canonical bytes."""
    properties: dict[str, JsonValue] = {
        f"argument_{number}": {
            "type": "string",
            "description": f"What argument {number} of this tool is good for",
            "enum": ["a", "b"],
        }
        for number in range(20)
    }
    return {
        "name": "bench",
        "inputSchema": {"type": "object", "properties": properties, "required": sorted(properties)},
    }


def _each(work: Callable[[], Verification]) -> float:
    """Return the seconds of one call in the fastest batch; the first loads what is loaded on first use."""
    return min(_seconds(work, SCHEMAS) for _ in range(BATCHES)) / SCHEMAS


def _seconds(work: Callable[[], Verification], times: int) -> float:
    started = time.perf_counter()
    results = [work() for _ in range(times)]
    seconds = time.perf_counter() - started
    if not all(result.valid for result in results):
        sys.exit(f"not valid: {results[0].error_message}")
    return seconds


if __name__ == "__main__":
    if sys.argv[1] == "make":
        make(Path(sys.argv[2]), Path(sys.argv[3]))
    else:
        main(Path(sys.argv[1]), Path(sys.argv[2]))
