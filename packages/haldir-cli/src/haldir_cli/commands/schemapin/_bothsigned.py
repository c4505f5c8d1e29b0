"""Skill folders for ``haldir schemapin verify``: where Haldir signed one too, its envelope is verified first."""

from pathlib import Path
from typing import TYPE_CHECKING

import typer
from attrs import frozen

if TYPE_CHECKING:
    from haldir_core import Verification as Verdict
    from haldir_core.canonical import JsonObject
    from haldir_core.schemapin import FolderVault, HaldirEnvelope, SkillFolder

VAULT_OPTIONS = "--key, --trust-store, --revocation, --revocation-key"


@frozen(kw_only=True)
class HaldirTrust:
    """What the options of ``haldir verify`` say about the Haldir envelope of a folder."""

    keys: tuple[Path, ...] = ()
    trust_store: Path | None = None
    revocation: Path | None = None
    revocation_keys: tuple[Path, ...] = ()

    @property
    def is_named(self) -> bool:
        """Whether the caller named something, and so expects that there is an envelope."""
        return bool(self.keys or self.trust_store or self.revocation or self.revocation_keys)


@frozen
class SkillRead:
    """A skill folder as it was read, and whether its ``.vault`` counts; ``verdict`` is Haldir's, where there is one."""

    folder: "SkillFolder"
    vault: "FolderVault"
    verdict: "Verdict | None" = None

    def shown(self) -> "JsonObject":
        """Return what a result shows of the Haldir envelope."""
        if self.verdict is None:
            return {}
        shown = self.verdict.to_json()
        return {"haldir": {name: shown[name] for name in ("valid", "trustLevel", "signers", "warnings")}}


def read_skill_folder(path: Path, trust: HaldirTrust) -> SkillRead:
    """Read a skill folder; the ``.vault`` of one that Haldir signed after SchemaPin is left out of the reading.

    Raises:
        EnvelopeError: if there is a ``.vault``, and its envelope is not valid or covers another content; or if the
            caller named what signs envelopes, and there is none.
        typer.BadParameter: if there is a ``.vault``, and nothing is trusted by which it could be verified.
        UnreadableError: if the folder or a file in it cannot be read.
    """
    from haldir_core.schemapin import EnvelopeError, FolderVault, read_folder, read_folder_with_contents
    from haldir_core.vaultfiles import VAULT

    vault = path / VAULT
    if not vault.is_symlink() and not vault.exists():
        if trust.is_named:
            raise EnvelopeError("the folder has no Haldir envelope (.vault), and options name who must have signed one")
        return SkillRead(read_folder(path), FolderVault.CONTENT)  # in which a .vault that appears now counts
    envelope = _envelope(path, trust)
    folder = read_folder_with_contents(path)
    return SkillRead(folder, envelope.vault_of(folder), envelope.verdict)


def _envelope(path: Path, trust: HaldirTrust) -> "HaldirEnvelope":
    """Return the verdict on the Haldir envelope of a folder, as ``haldir verify --context runtime`` gives it."""
    from haldir_cli.clock import now
    from haldir_cli.remembered import gather_evidence, remember
    from haldir_cli.trusted import build_keyring
    from haldir_core import Context, read_skill
    from haldir_core import verify as verify_snapshot
    from haldir_core.schemapin import HaldirEnvelope

    try:
        ring = build_keyring(trust.keys, trust.revocation_keys, trust.trust_store)
    except typer.BadParameter as error:
        raise typer.BadParameter(
            f"{path} has a .vault, which can be left out of what SchemaPin signed only after its Haldir envelope was"
            f" verified: {error.message}"
        ) from error
    snapshot = read_skill(path)
    evidence = gather_evidence(ring, trust.revocation)
    verdict = verify_snapshot(snapshot, ring, evidence, context=Context.RUNTIME, now=now())
    if verdict.revocation_list is not None:
        remember(verdict.revocation_list)
    return HaldirEnvelope(snapshot, verdict)
