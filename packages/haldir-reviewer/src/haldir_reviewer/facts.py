"""What a model may report about a skill: a closed list of kinds."""

from enum import StrEnum

from attrs import frozen


class FactKind(StrEnum):
    """One kind of fact.  The adverse ones have no place in an honest skill, whatever its purpose."""

    EXPLAINS = "explains"
    INSTRUCTS_AGENT = "instructs_agent"
    READS_FILES = "reads_files"
    WRITES_FILES = "writes_files"
    RUNS_PROGRAM = "runs_program"
    USES_NETWORK = "uses_network"
    READS_ENVIRONMENT = "reads_environment"
    USES_CREDENTIAL = "uses_credential"
    INSTALLS_SOFTWARE = "installs_software"
    USES_AGENT_CAPABILITY = "uses_agent_capability"
    HIDES_FROM_USER = "hides_from_user"
    OVERRIDES_INSTRUCTIONS = "overrides_instructions"
    ADDRESSES_REVIEWER = "addresses_reviewer"
    TAKES_SECRETS = "takes_secrets"
    SENDS_DATA_OUT = "sends_data_out"
    RUNS_REMOTE_CODE = "runs_remote_code"
    CONCEALS_CODE = "conceals_code"
    PERSISTS = "persists"
    TAMPERS_WITH_AGENT = "tampers_with_agent"
    WEAKENS_PROTECTION = "weakens_protection"
    DESTROYS_DATA = "destroys_data"


@frozen
class Meaning:
    """What a kind means to a model, and how bad it is: ``severity`` is None for what honest skills do too."""

    text: str
    severity: str | None = None


MEANINGS = {
    FactKind.EXPLAINS: Meaning("explains, documents or is data; the kind for a part to which no other applies"),
    FactKind.INSTRUCTS_AGENT: Meaning("tells the agent how to do the task"),
    FactKind.READS_FILES: Meaning("reads files or folders, or has them read"),
    FactKind.WRITES_FILES: Meaning("writes, moves or deletes files that the task is about"),
    FactKind.RUNS_PROGRAM: Meaning("starts a program or a shell command, or has it started"),
    FactKind.USES_NETWORK: Meaning("connects to a host that the task is about"),
    FactKind.READS_ENVIRONMENT: Meaning("reads an environment variable or a setting of the system"),
    FactKind.USES_CREDENTIAL: Meaning("uses a key or password that the user gave for the service of the task"),
    FactKind.INSTALLS_SOFTWARE: Meaning("installs packages from a package registry"),
    FactKind.USES_AGENT_CAPABILITY: Meaning("uses memory, other agents or settings of the agent as the task needs"),
    FactKind.HIDES_FROM_USER: Meaning("keeps something from the user, or is hidden from a reader", "high"),
    FactKind.OVERRIDES_INSTRUCTIONS: Meaning("sets other instructions of the agent aside", "high"),
    FactKind.ADDRESSES_REVIEWER: Meaning("speaks to whoever examines the skill, asks for or claims approval", "high"),
    FactKind.TAKES_SECRETS: Meaning("reads keys, passwords or private data that the task does not need", "critical"),
    FactKind.SENDS_DATA_OUT: Meaning("sends files, secrets or conversations where the task does not need", "critical"),
    FactKind.RUNS_REMOTE_CODE: Meaning("fetches code from the network and runs it", "high"),
    FactKind.CONCEALS_CODE: Meaning("hides code or text by encoding, splitting or padding it", "high"),
    FactKind.PERSISTS: Meaning("makes itself run again: start-up files, schedules, keys of accounts", "high"),
    FactKind.TAMPERS_WITH_AGENT: Meaning("changes memory, settings or instructions of the agent for later", "high"),
    FactKind.WEAKENS_PROTECTION: Meaning("switches off checks, confirmations, confinement or logs", "high"),
    FactKind.DESTROYS_DATA: Meaning("destroys data that the task is not about", "critical"),
}

ADVERSE = frozenset(kind for kind, meaning in MEANINGS.items() if meaning.severity is not None)


@frozen
class Fact:
    """One fact whose quotation occurs in the bytes of ``path``; ``line`` counts from 1, 0 in a binary file."""

    kind: FactKind
    path: str
    line: int
    quote: str

    @property
    def adverse(self) -> bool:
        """Whether it has no place in an honest skill."""
        return self.kind in ADVERSE
