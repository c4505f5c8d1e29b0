"""The permissions of the page: what the skill declares, beside what it did and tried."""

from collections.abc import Iterable, Mapping

from attrs import frozen

from haldir_core import Permissions
from haldir_core.canonical import JsonValue
from haldir_pipeline._outputs.markup import Markup, element, foreign
from haldir_pipeline.outcomes import LayerName, Outcome, State
from haldir_pipeline.result import Vetting

MAX_ITEMS = 40
_ROWS: tuple[tuple[str, frozenset[str]], ...] = (
    ("Reads files", frozenset({"read"})),
    ("Writes files", frozenset({"write"})),
    ("Network", frozenset({"connect", "name", "listen", "socket", "unix"})),
    ("Starts programs", frozenset({"exec"})),
    ("Asks its agent for", frozenset({"agent"})),
)


@frozen
class _Deed:
    what: str
    target: str
    is_violation: bool
    count: int


def permissions(vetting: Vetting) -> Markup:
    """Return the table of permissions."""
    outcome = next(one for one in vetting.outcomes if one.layer is LayerName.SANDBOX)
    has_run = outcome.state in {State.PASS, State.FLAG, State.REJECT, State.INCONCLUSIVE}
    deeds = list(_deeds(outcome)) if has_run else []
    declared = _declared(vetting.subject.permissions)
    rows = [
        _row(title, declared[title], [deed for deed in deeds if deed.what in kinds], has_run=has_run)
        for title, kinds in _ROWS
    ]
    head = [
        element("th", name, scope="col") for name in ("", "Declared", "Used when observed", "Tried without declaring")
    ]
    level = outcome.facts.get("level")
    note = (
        f"Observed at isolation level {level}. What every interpreter does, such as reading its library, is left out."
        if has_run
        else "It was not run, so that nothing is known about what it uses."
    )
    return element(
        "section",
        element("h2", "Permissions"),
        element("p", note),
        element(
            "div",
            element("table", element("thead", element("tr", head)), element("tbody", rows), class_="permissions"),
            class_="scroll",
        ),
    )


def _row(title: str, declared: list[str], deeds: list[_Deed], *, has_run: bool) -> Markup:
    used = [deed for deed in deeds if not deed.is_violation]
    tried = [deed for deed in deeds if deed.is_violation]
    return element(
        "tr",
        element("th", title, scope="row"),
        element("td", _items(declared, "nothing")),
        element("td", _items([_words(deed) for deed in used], "nothing" if has_run else "not run")),
        element(
            "td",
            _items([_words(deed) for deed in tried], "nothing" if has_run else "not run"),
            class_="tried" if tried else None,
        ),
    )


def _words(deed: _Deed) -> str:
    return deed.target if deed.count == 1 else f"{deed.target} ({deed.count} times)"


def _items(texts: list[str], nothing: str) -> Markup:
    if not texts:
        return element("span", nothing, class_="nothing")
    shown = [element("li", foreign(text, "code")) for text in texts[:MAX_ITEMS]]
    if len(texts) > MAX_ITEMS:
        shown.append(element("li", f"and {len(texts) - MAX_ITEMS} more"))
    return element("ul", shown)


def _declared(declared: Permissions) -> Mapping[str, list[str]]:
    network = declared.network
    hosts = [] if network in {"none", ()} else [network] if isinstance(network, str) else list(network)
    agent = declared.agent_capabilities
    names = ("memory_read", "memory_write", "spawn_agents", "modify_system_prompt")
    lists = (
        list(declared.filesystem.read),
        list(declared.filesystem.write),
        hosts,
        list(declared.exec),
        [name for name in names if getattr(agent, name)],
    )
    return dict(zip((title for title, _ in _ROWS), lists, strict=True))


def _deeds(outcome: Outcome) -> Iterable[_Deed]:
    listed = outcome.facts.get("behaviour")
    for value in listed if isinstance(listed, list | tuple) else ():
        if isinstance(value, dict):
            yield _Deed(
                _text(value, "what"), _text(value, "target"), _text(value, "class") == "violation", _count(value)
            )


def _text(value: Mapping[str, JsonValue], name: str) -> str:
    return str(value.get(name, ""))


def _count(value: Mapping[str, JsonValue]) -> int:
    count = value.get("count", 1)
    return count if isinstance(count, int) else 1
