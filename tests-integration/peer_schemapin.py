"""What the tests ask the published package schemapin: run with its own Python, one JSON request on stdin."""

import json
import sys
from pathlib import Path

from schemapin.core import SchemaPinCore  # type: ignore[import-not-found] # installed apart
from schemapin.crypto import KeyManager, SignatureManager  # type: ignore[import-not-found] # installed apart
from schemapin.skill import SkillSigner  # type: ignore[import-not-found] # installed apart
from schemapin.verification import KeyPinStore, verify_schema_offline  # type: ignore[import-not-found] # installed apart


def main() -> None:
    """Answer one request."""
    request = json.load(sys.stdin)
    answer = globals()[f"answer_{request.pop('ask')}"](**request)
    json.dump(answer, sys.stdout)


def answer_sign_schemas(key: str, schemas: list[object]) -> list[str]:
    """Return the signature of each schema."""
    private = KeyManager.load_private_key_pem(key)
    return [
        SignatureManager.sign_schema_hash(SchemaPinCore.canonicalize_and_hash(schema), private) for schema in schemas
    ]


def answer_verify_schemas(discovery: dict[str, object], signed: list[tuple[object, str]]) -> list[object]:
    """Return the result for each schema and signature."""
    return [
        verify_schema_offline(schema, signature, "tools.example", "tool", discovery, None, KeyPinStore()).to_dict()
        for schema, signature in signed
    ]


def answer_sign_skill(key: str, skill: str) -> dict[str, object]:
    """Sign a folder and return what was written into it."""
    SkillSigner.sign_skill(skill, key, "tools.example")
    document: dict[str, object] = json.loads((Path(skill) / ".schemapin.sig").read_bytes())
    return document


def answer_verify_skill(discovery: dict[str, object], skill: str) -> object:
    """Return the result for a folder."""
    return SkillSigner.verify_skill_offline(skill, discovery).to_dict()


if __name__ == "__main__":
    main()
