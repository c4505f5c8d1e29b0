"""YAML as lock files use it: mappings, lists and strings, nothing else."""

from haldir_auditor._syntax.errors import UnreadableError

_MAX_DEPTH = 100  # a lock file has 5; beyond some thousand levels the C library overflows its stack


class Scalar(str):
    """A scalar with the line where it is written; always a string, so that version 1.10 stays 1.10."""

    __slots__ = ("line",)

    line: int


def read_yaml(text: str) -> list[object]:
    """Return the documents of the text: dict, list and ``Scalar``, keys without line being plain strings.

    Aliases are refused: package managers do not write them, and a few lines of them expand to gigabytes.

    Raises:
        UnreadableError: if it is not YAML, or YAML with more than is read.
    """
    import yaml  # noqa: PLC0415 - importing it costs more than reading most skills

    try:
        return _documents(text)
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 0
        raise UnreadableError(f"not YAML: {error.problem or 'it cannot be read'}", line=line) from error
    except yaml.YAMLError as error:
        raise UnreadableError("not YAML: it holds characters that YAML forbids") from error


def _documents(text: str) -> list[object]:
    from yaml import CBaseLoader  # noqa: PLC0415 - as above

    loader = CBaseLoader(text)
    builder = _Builder()
    while (event := loader.get_event()) is not None:
        builder.take(event)
    return builder.documents


class _Builder:
    """Builds values from events, without recursion."""

    def __init__(self) -> None:
        self.documents: list[object] = []
        self._open: list[dict[str, object] | list[object]] = []
        self._keys: list[Scalar | None] = []

    def take(self, event: object) -> None:
        name = type(event).__name__
        if name == "ScalarEvent":
            self._scalar(event)
        elif name in {"MappingStartEvent", "SequenceStartEvent"}:
            self._start({} if name == "MappingStartEvent" else [], event)
        elif name in {"MappingEndEvent", "SequenceEndEvent"}:
            self._open.pop()
            self._keys.pop()
        elif name == "AliasEvent":
            raise UnreadableError("not read: it uses YAML aliases", line=_line(event))

    def _scalar(self, event: object) -> None:
        value = Scalar(getattr(event, "value"))  # noqa: B009 - the events of the C parser have no types
        value.line = _line(event)
        if self._open and isinstance(self._open[-1], dict) and self._keys[-1] is None:
            if value in self._open[-1]:
                raise UnreadableError(f"the key {value[:60]!r} stands twice in one mapping", line=value.line)
            self._keys[-1] = value
        else:
            self._place(value, event)

    def _start(self, container: dict[str, object] | list[object], event: object) -> None:
        self._place(container, event)
        if len(self._open) >= _MAX_DEPTH:
            raise UnreadableError(f"not read: nested more than {_MAX_DEPTH} levels", line=_line(event))
        self._open.append(container)
        self._keys.append(None)

    def _place(self, value: object, event: object) -> None:
        if not self._open:
            self.documents.append(value)
            return
        parent = self._open[-1]
        if isinstance(parent, list):
            parent.append(value)
            return
        key = self._keys[-1]
        if key is None:
            raise UnreadableError("not read: a key that is no plain string", line=_line(event))
        parent[key] = value
        self._keys[-1] = None


def _line(event: object) -> int:
    return int(event.start_mark.line) + 1  # type: ignore[attr-defined]
