"""Checks 1 to 7: what the folder holds, before anything in it is believed."""

from haldir_core._checks.case import Case, Failures, HardLinks
from haldir_core.canonical import parse_object
from haldir_core.codes import Context, ErrorCode
from haldir_core.errors import MalformedError, Problem
from haldir_core.vaultfiles import REQUIRED_NAMES, RESERVED_NAMES, VAULT


def vault_is_there(case: Case) -> Failures:
    """Check 1."""
    if case.question.snapshot.vault is None:
        yield Problem(ErrorCode.NO_ENVELOPE, ".vault/ directory not found: the skill is not signed")


def vault_is_complete(case: Case) -> Failures:
    """Check 2.  A ``.vault`` that is a link, or was not read to its end, is left to checks 3 to 6."""
    snapshot = case.question.snapshot
    if any(problem.path == VAULT or problem.code is ErrorCode.LIMITS for problem in snapshot.problems):
        return
    missing = [name for name in REQUIRED_NAMES if name not in snapshot.vault_names]
    if missing:
        yield Problem(ErrorCode.INCOMPLETE, f"Missing required file: {missing[0]}")


def no_symbolic_links(case: Case) -> Failures:
    """Check 3; reports every link."""
    yield from _problems(case, ErrorCode.SYMLINK)


def no_hard_links(case: Case) -> Failures:
    """Check 4; reports every file that has another name."""
    question = case.question
    if question.hard_links is HardLinks.ALLOW_AT_RUNTIME and question.context is Context.RUNTIME:
        return
    yield from _problems(case, ErrorCode.HARDLINK)


def only_regular_files(case: Case) -> Failures:
    """Check 5; reports FIFOs, sockets, devices, names that are not UTF-8, files that change while they are read."""
    yield from _problems(case, ErrorCode.UNSAFE_FILE)


def within_limits(case: Case) -> Failures:
    """Check 6."""
    yield from _problems(case, ErrorCode.LIMITS)


def only_known_names_in_vault(case: Case) -> Failures:
    """Check 7; reports every name in ``.vault`` that the format does not know, every folder, and reserved non-JSON."""
    snapshot = case.question.snapshot
    for path in snapshot.vault_extras:
        yield Problem(ErrorCode.EXTRA_FILES, f"{path} is not part of the format: nothing authenticates it", path)
    for name in RESERVED_NAMES:
        try:
            parse_object((snapshot.vault or {}).get(name, b"{}"), name)
        except MalformedError as error:
            message = f".vault/{name} is reserved for a JSON document, and is none: {error.reason}"
            yield Problem(ErrorCode.EXTRA_FILES, message, f".vault/{name}")


def _problems(case: Case, code: ErrorCode) -> Failures:
    yield from (problem for problem in case.question.snapshot.problems if problem.code is code)
