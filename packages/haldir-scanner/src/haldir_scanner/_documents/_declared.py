"""What a skill declares that it may do: in its front matter, and in the ``permissions.json`` of a signed skill."""

import json
import re
from collections.abc import Iterable, Iterator, Mapping

from attrs import frozen

from haldir_scanner._documents._front_matter import FrontMatter
from haldir_scanner._text import Place, Seen

_NOTHING = frozenset({"", "[]", "deny", "denied", "disabled", "false", "forbidden", "no", "none", "off", "offline"})
_HOST_KEYS = (
    *("allowed-domains", "allowed_domains", "allowed-hosts", "allowed_hosts", "allow", "domains", "hosts"),
    *("network-hosts", "network_hosts", "urls"),
)
_HOST = re.compile(r"(?:\*\.)?(?:[a-z0-9-]{1,63}\.){1,10}[a-z][a-z0-9-]{0,62}|localhost", re.IGNORECASE)
_URL_PREFIX = re.compile(r"\A(?:[a-z]{2,6}://)?(?:[^/@\s]{1,100}@)?", re.IGNORECASE)
_OFFLINE = re.compile(
    r"\b(?:no|without(?: any)?|zero) (?:network|internet)(?: (?:access|connection|calls?|requests?))?\b"
    r"|\b(?:works?|runs?|operates?) (?:fully |entirely |completely |100% )?offline\b|\boffline[- ]only\b"
    r"|\b(?:does not|doesn't|never) (?:need|require|use|access|touch|contact) (?:the |any )?(?:network|internet)\b",
    re.IGNORECASE,
)
_DOMAIN_OF_TOOL = re.compile(r"\bWebFetch\(domain:([^)\s]{1,255})\)")
_TOOL = re.compile(r"[A-Za-z_*][\w*:-]*+(?:\([^()]*+\))?+|\*")
_ANYTHING = re.compile(r"\*|(?i:all|any)|(?:Bash|Shell|Terminal)\(\s*:?\*(?::\*)?\s*\)")
_SHELLS = frozenset({"Bash", "Shell", "Terminal", "bash", "shell", "terminal"})


@frozen(kw_only=True)
class Declared:
    """What a skill says about its own reach.

    Attributes:
        hosts: the only hosts that it connects to; None if it does not say.
        no_network: whether it says that it connects to nothing.
        commands: the only programs that it starts; None if it does not say.
        tools: the tools of the agent that it asks for.
    """

    hosts: frozenset[str] | None = None
    no_network: bool = False
    commands: frozenset[str] | None = None
    tools: tuple[str, ...] = ()


def declared(front_matter: FrontMatter, permissions_json: bytes | None) -> Declared:
    """What the front matter says, and the permissions of a signed skill, which count more where they say something."""
    tools = tuple(_tools(front_matter.values.get("allowed-tools", front_matter.values.get("allowed_tools"))))
    values = front_matter.values
    sources: list[object] = [values]
    for holder in (values, values.get("metadata")):
        if isinstance(holder, Mapping):
            sources.extend(holder[name] for name in ("permissions", "capabilities") if name in holder)
            sources.append({name: holder[name] for name in ("network",) if name in holder})
    answers = [answer for source in sources for answer in _network(source)]
    answers.extend(frozenset({domain.lower()}) for domain in _DOMAIN_OF_TOOL.findall(" ".join(tools)))
    hosts: frozenset[str] = frozenset().union(*answers)
    says_offline = any(_OFFLINE.search(front_matter.text(name)) for name in ("compatibility", "description"))
    result = Declared(
        hosts=hosts if answers else None,
        no_network=not hosts and (bool(answers) or says_offline),
        tools=tools,
    )
    return result if permissions_json is None else _with_permissions(result, permissions_json)


def granted(front_matter: FrontMatter) -> Iterator[Seen]:
    """The findings about tools that the front matter asks for."""
    for name in ("allowed-tools", "allowed_tools"):
        tools = list(_tools(front_matter.values.get(name)))
        for rule, is_meant in (
            ("allowed_tools_excessive", [tool for tool in tools if _ANYTHING.fullmatch(tool)]),
            ("allowed_tools_shell", [tool for tool in tools if tool in _SHELLS]),
        ):
            if is_meant:
                yield Seen(rule, Place(front_matter.line(name), 0, f"{name}: {', '.join(is_meant)}"))


def _with_permissions(base: Declared, permissions_json: bytes) -> Declared:
    try:
        document = json.loads(permissions_json)
    except (ValueError, RecursionError):
        return base  # haldir-core refuses a malformed document; here it declares nothing
    holder = document.get("declared") if isinstance(document, dict) else None
    if not isinstance(holder, dict):
        return base
    # haldir-core, permissions: what a document does not declare is denied.
    network = holder.get("network", "none")
    answers = list(_network({"network": network}))
    commands = holder.get("exec", [])
    hosts: frozenset[str] = frozenset().union(*answers)
    return Declared(
        hosts=hosts if answers else base.hosts,
        no_network=bool(answers) and not hosts,
        commands=frozenset(entry for entry in commands if isinstance(entry, str))
        if isinstance(commands, list)
        else None,
        tools=base.tools,
    )


def _network(source: object) -> Iterator[frozenset[str]]:
    """Each set of hosts that a table of permissions names; an empty one if it names none on purpose."""
    if isinstance(source, str | bool) or source == []:
        if str(source).strip().lower() in _NOTHING:
            yield frozenset()
        return
    if not isinstance(source, Mapping):
        return
    for name in _HOST_KEYS:
        if isinstance(source.get(name), list | str):
            yield frozenset(_hosts(source[name]))
    network = source.get("network")
    names_hosts = isinstance(network, str) and _HOST.fullmatch(network.strip())
    if names_hosts or (isinstance(network, list) and network):
        yield frozenset(_hosts(network))
    elif network is not None:
        yield from _network(network)


def _hosts(value: object) -> Iterator[str]:
    entries: Iterable[object] = (
        re.split(r"[\s,]+", value) if isinstance(value, str) else value if isinstance(value, list) else ()
    )
    for entry in entries:
        if isinstance(entry, str):
            host = re.split(r"[/:?#]", _URL_PREFIX.sub("", entry.strip(), count=1))[0]
            if _HOST.fullmatch(host) or host == "*":
                yield host.lower()


def _tools(value: object) -> Iterator[str]:
    if isinstance(value, str):
        yield from _TOOL.findall(value)
    elif isinstance(value, list):
        yield from (entry.strip() for entry in value if isinstance(entry, str))
