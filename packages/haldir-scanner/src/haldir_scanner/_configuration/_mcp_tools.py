"""What an MCP server tells a model about its tools."""

import re
import unicodedata
from collections.abc import Iterator

from attrs import field, frozen

from haldir_scanner._configuration._json import Document, Value
from haldir_scanner._text import Place, Seen


@frozen
class ToolText:
    """A text that a model reads as the description of a tool, without the escapes of JSON: searched as region TOOL."""

    text: str = field(repr=False)
    place: Place


_SHORTEST_TEXT = 12
_LONGEST_DESCRIPTION = 6_000
_MOST_TEXTS = 5_000

# Parameters by which an agent is made to hand over what it knows.  Source: Invariant Labs, "Tool poisoning attacks".
_SMUGGLING = frozenset(
    """
    side_note sidenote system_prompt systemprompt conversation_history chat_history message_history full_conversation
    entire_conversation previous_messages all_messages summary_of_chat chat_summary conversation_summary
    summary_of_environment_details chain_of_thought model_name_and_version tools_list list_of_tools available_tools
    env_vars environment_variables ssh_key private_key_content credentials_json session_transcript
    """.split()  # noqa: SIM905 - a list of literals is harder to read
)
_BROAD = frozenset(
    {"annotations", "context", "conversation", "extra", "feedback", "history", "metadata", "notes", "summary"}
)
_ASKS_FOR_ALL = re.compile(
    r"\b(?:(?:entire|full|whole|complete|previous|all(?: of)?(?: the)?) (?:chat|conversation|context|messages?|history)"
    r"|system prompt|contents? of [^.]{0,40}(?:file|\.ssh|\.env|config)|api keys?|credentials?|passwords?|id_rsa)\b",
    re.IGNORECASE,
)
# Tools that agents bring themselves.
_BUILT_IN = frozenset(
    """
    bash edit glob grep ls multiedit notebookedit read task todowrite webfetch websearch write
    apply_patch codebase_search computer edit_file execute_command run_terminal_cmd shell str_replace_based_edit_tool
    text_editor web_fetch web_search
    """.split()  # noqa: SIM905 - as above
)
# The first word says what a tool does; further on, "updates" and "posts" are things as well.
_DESTROYS = ("delete", "destroy", "drop", "erase", "format", "kill", "overwrite", "purge", "remove", "truncate", "wipe")
_CHANGES = (
    *_DESTROYS,
    *("append", "create", "deploy", "edit", "insert", "install", "move", "publish", "purchase", "rename", "send"),
    *("transfer", "update", "upload", "write"),
)
_FIRST_WORD = re.compile(r"\W{0,20}(?:this (?:tool|function) )?([A-Za-z][a-z]{2,20})", re.IGNORECASE)
_FIRST_OF_NAME = re.compile(r"[A-Za-z]?[a-z]{2,20}")
_PADDING = re.compile(r"(?:[ \t\xa0\u3000]{80}|\n{12})\s*+\S")
_ESCAPE_SEQUENCE = re.compile(r"\x1b[\[\]()]")
# Format characters that writing needs: joiners, as in emoji and in Persian.
_NEEDED = frozenset("\u200c\u200d\u00ad\ufeff")


def tool(document: Document, value: Value) -> Iterator[Seen | ToolText]:
    """What is wrong with one tool, and its texts."""
    name, description = value.get("name"), value.get("description")
    if not name.text.isascii():
        yield Seen("mcp_tool_name_disguised", document.place(name))
    if name.text.lower() in _BUILT_IN:
        yield Seen("mcp_tool_shadows_builtin", document.place(name))
    yield from _parameters(document, value)
    yield from _annotations(document, value)
    if len(description.text) > _LONGEST_DESCRIPTION:
        yield Seen("mcp_description_long", document.place(description))
    yield from _texts(document, value)


def _texts(document: Document, value: Value) -> Iterator[Seen | ToolText]:
    """Every text of a tool: models are shown the whole schema, not only descriptions."""
    for number, part in enumerate(value.walk()):
        if number > _MOST_TEXTS:
            return
        text = part.text
        if len(text) < _SHORTEST_TEXT:
            continue
        place = document.place(part)
        if _ESCAPE_SEQUENCE.search(text) or any(map(_is_invisible, set(text))):
            yield Seen("mcp_description_invisible", place)
        if _PADDING.search(text.strip()):
            yield Seen("mcp_description_padded", place)
        yield ToolText(text, place)


def _is_invisible(character: str) -> bool:
    return character not in _NEEDED and unicodedata.category(character) in {"Cf", "Co", "Cn"}


def _parameters(document: Document, value: Value) -> Iterator[Seen]:
    for schema in ("inputSchema", "input_schema", "parameters"):
        for name, parameter in value.get(schema, "properties").members:
            asked = parameter.get("description").text
            is_broad = name.lower() in _BROAD and _ASKS_FOR_ALL.search(asked)
            if name.lower() in _SMUGGLING or is_broad:
                yield Seen("mcp_parameter_smuggles", Place(*_where(document, parameter), name))


def _where(document: Document, value: Value) -> tuple[int, int]:
    place = document.place(value)
    return place.line, place.column


def _annotations(document: Document, value: Value) -> Iterator[Seen]:
    """Hints that say that a tool does no harm, beside a text that says what it does."""
    annotations = value.get("annotations")
    verbs = {
        word[word.lastindex or 0].lower()
        for word in (_FIRST_OF_NAME.match(value.get("name").text), _FIRST_WORD.match(value.get("description").text))
        if word is not None
    }
    for is_claimed, denied in (
        (annotations.is_true("readOnlyHint"), _CHANGES),
        (annotations.get("destructiveHint").content is False, _DESTROYS),
    ):
        if is_claimed and any(verb in {word, f"{word}s"} for word in denied for verb in verbs):
            yield Seen("mcp_annotation_lies", document.place(annotations))
            return
