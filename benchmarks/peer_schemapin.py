"""What inside_schemapin.py measures, with the published package in its own environment; prints the same."""

import json
import sys
import time
from collections.abc import Callable
from pathlib import Path

from schemapin.skill import SkillSigner  # type: ignore[import-not-found] # installed apart
from schemapin.verification import KeyPinStore, verify_schema_offline  # type: ignore[import-not-found] # installed apart

SCHEMAS = 50
BATCHES = 20

work, skill = Path(sys.argv[1]), Path(sys.argv[2])
data = (work / "schema.json").read_bytes()
signature = (work / "signature").read_text(encoding="ascii")
discovery = json.loads((work / "discovery.json").read_bytes())
parsed = json.loads(data)


def _verify(schema: object) -> bool:
    result = verify_schema_offline(schema, signature, "tools.example", "bench", discovery, None, KeyPinStore())
    return bool(result.valid)


def _each(verify: Callable[[], bool]) -> float:
    return min(_seconds(verify) for _ in range(BATCHES)) / SCHEMAS


def _seconds(verify: Callable[[], bool]) -> float:
    started = time.perf_counter()
    valid = [verify() for _ in range(SCHEMAS)]
    seconds = time.perf_counter() - started
    if not all(valid):
        sys.exit("not valid")
    return seconds


from_bytes = _each(lambda: _verify(json.loads(data)))
from_value = _each(lambda: _verify(parsed))
started = time.perf_counter()
if not SkillSigner.verify_skill_offline(skill, discovery).valid:
    sys.exit("the skill is not valid")
print(from_bytes, from_value, time.perf_counter() - started)
