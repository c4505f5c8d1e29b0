"""The table of the cases."""

import tomllib
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
MANIFEST = HERE / "manifest.toml"
CASES = HERE / "cases"


@dataclass(frozen=True)
class Case:
    """One row of the manifest."""

    name: str
    kind: str
    why: str
    suffix: str = ".py"
    expect: str = "held"
    code: int = 0
    only: str = ""
    needs: tuple[str, ...] = ()
    limits: dict[str, float] = field(default_factory=dict)
    declared: dict[str, Any] = field(default_factory=dict)

    @property
    def path(self) -> Path:
        """The file of the case."""
        return CASES / (self.name + self.suffix)


def cases() -> dict[str, Case]:
    """Return every case by its name."""
    rows = tomllib.loads(MANIFEST.read_text(encoding="utf-8"))
    return {name: _case(name, dict(row)) for name, row in rows.items()}


def _case(name: str, row: dict[str, Any]) -> Case:
    declared = {
        "filesystem": {"read": row.pop("read", []), "write": row.pop("write", [])},
        "network": row.pop("network", "none"),
        "exec": row.pop("exec", []),
        "agent_capabilities": row.pop("agent", {}),
    }
    kind, needs = row.pop("class"), tuple(row.pop("needs", ()))
    return Case(name=name, kind=kind, needs=needs, declared=declared, **row)
