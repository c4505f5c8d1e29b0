"""The hosts that a text names, and what kind of place each is."""

import ipaddress
import re
import unicodedata
from collections.abc import Iterator
from enum import Enum, StrEnum
from functools import lru_cache
from heapq import merge

from attrs import frozen

from haldir_scanner._presence import Presence


class HostKind(StrEnum):
    """What a host is to those who send data to it or take instructions from it."""

    APP = "app"  # an application that anybody can put up for nothing
    DECEPTIVE = "deceptive"  # a known name stands before the @, the true host after it
    DISGUISED_IP = "disguised_ip"  # an address written as one number, in hex or in octal
    DYNAMIC_DNS = "dynamic_dns"
    IP_LITERAL = "ip_literal"
    LOCAL = "local"  # this machine or a private network
    MESSENGER = "messenger"  # a bot or a webhook of a chat service
    METADATA = "metadata"  # of a cloud machine: it gives out credentials
    MIXED_SCRIPT = "mixed_script"
    ONION = "onion"
    PASTE = "paste"
    PLAIN = "plain"
    PUNYCODE = "punycode"
    RAW_FILE = "raw_file"  # a file that anybody can put up, or one whose content can change
    REQUEST_BIN = "request_bin"  # shows what is sent to it to whoever made it
    SHORTENER = "shortener"
    TUNNEL = "tunnel"  # leads to somebody's own machine


# The rule that a host of a kind breaks; kinds that are ordinary by themselves have none.
HOST_RULES: dict[HostKind, str] = {
    HostKind.DECEPTIVE: "host_deceptive",
    HostKind.DISGUISED_IP: "host_disguised_ip",
    HostKind.DYNAMIC_DNS: "host_dynamic_dns",
    HostKind.IP_LITERAL: "host_ip_literal",
    HostKind.MESSENGER: "host_messenger",
    HostKind.METADATA: "host_cloud_metadata",
    HostKind.MIXED_SCRIPT: "host_mixed_script",
    HostKind.ONION: "host_onion",
    HostKind.PASTE: "host_paste",
    HostKind.PUNYCODE: "host_punycode",
    HostKind.RAW_FILE: "host_raw_file",
    HostKind.REQUEST_BIN: "host_request_bin",
    HostKind.SHORTENER: "url_shortener",
    HostKind.TUNNEL: "host_tunnel",
}


@frozen
class Host:
    """A host in a text: lower case, without user, port and final dot; bytes ``begin`` to ``end`` name it."""

    kind: HostKind
    host: str
    begin: int
    end: int


# Names of hosts, each with all hosts below it; a path after it narrows it to addresses that begin so.
_HOSTS: dict[HostKind, str] = {
    HostKind.SHORTENER: "bit.ly tinyurl.com t.co is.gd v.gd ow.ly goo.gl buff.ly cutt.ly rebrand.ly shorturl.at rb.gy"
    " t.ly tiny.cc bl.ink s.id shrtco.de clck.ru qrco.de soo.gd x.gd urlz.fr dub.sh short.io lnkd.in bit.do adf.ly",
    HostKind.PASTE: "pastebin.com paste.ee hastebin.com dpaste.com dpaste.org ghostbin.com privatebin.net rentry.co"
    " rentry.org glot.io controlc.com justpaste.it paste.rs ix.io sprunge.us termbin.com p.ip.fi bpa.st 0bin.net"
    " pastes.dev paste.debian.net paste.ubuntu.com pasteio.com textbin.net snippet.host paste.sh write.as telegra.ph"
    " pad.riseup.net cl1p.net",
    HostKind.TUNNEL: "ngrok.io ngrok.app ngrok.dev ngrok-free.app ngrok-free.dev trycloudflare.com serveo.net"
    " localhost.run lhr.life lhr.rocks loca.lt localtunnel.me bore.pub pinggy.link pinggy.io pagekite.me"
    " telebit.io zrok.io devtunnels.ms tunnelmole.net cloudpub.ru playit.gg packetriot.net localxpose.io loclx.io"
    " expose.dev ts.net portmap.io portmap.host",
    HostKind.REQUEST_BIN: "webhook.site requestbin.com requestbin.net requestbin.io pipedream.net m.pipedream.net"
    " hookbin.com beeceptor.com requestcatcher.com interact.sh oast.pro oast.live oast.site oast.online"
    " oast.fun oast.me"
    " burpcollaborator.net oastify.com canarytokens.com canarytokens.org dnslog.cn ceye.io requestrepo.com postb.in"
    " ptsv2.com ptsv3.com mockbin.org mockbin.io webhook.cool webhookrelay.com hookdeck.com smee.io typedwebhook.tools"
    " ipv6.webhook.site bin.webhook.site httpdump.app dnsbin.zhack.ca requestinspector.com log4shell.huntress.com",
    HostKind.RAW_FILE: "raw.githubusercontent.com gist.githubusercontent.com raw.github.com pastebin.com/raw"
    " rawgit.com cdn.rawgit.com raw.githack.com rawcdn.githack.com cdn.discordapp.com/attachments"
    " media.discordapp.net/attachments transfer.sh file.io gofile.io catbox.moe files.catbox.moe litter.catbox.moe"
    " anonfiles.com bashupload.com 0x0.st tmpfiles.org temp.sh oshi.at pixeldrain.com filebin.net mega.nz mega.co.nz"
    " sendspace.com mediafire.com wetransfer.com we.tl dl.dropboxusercontent.com ufile.io uguu.se keep.sh"
    " store1.gofile.io x0.at envs.sh qu.ax siasky.net ipfs.io cloudflare-ipfs.com dweb.link glitch.me/raw",
    HostKind.MESSENGER: "api.telegram.org/bot discord.com/api/webhooks discordapp.com/api/webhooks"
    " ptb.discord.com/api/webhooks canary.discord.com/api/webhooks hooks.slack.com outlook.office.com/webhook"
    " webhook.office.com qyapi.weixin.qq.com/cgi-bin/webhook oapi.dingtalk.com/robot open.feishu.cn/open-apis/bot"
    " api.pushover.net ntfy.sh maker.ifttt.com hooks.zapier.com hook.us1.make.com hook.eu1.make.com"
    " chat.googleapis.com/v1/spaces",
    HostKind.DYNAMIC_DNS: "duckdns.org no-ip.com no-ip.org no-ip.biz noip.me ddns.net hopto.org zapto.org sytes.net"
    " serveftp.com myftp.org myvnc.com redirectme.net servebeer.com dynu.net dynu.com freemyip.com afraid.org mooo.com"
    " chickenkiller.com dynv6.net kozow.com gleeze.com dyndns.org homeip.net dnsalias.com changeip.com"
    " nip.io sslip.io xip.io",
    HostKind.APP: "vercel.app netlify.app herokuapp.com onrender.com glitch.me repl.co replit.app"
    " replit.dev railway.app"
    " fly.dev pages.dev workers.dev web.app firebaseapp.com surge.sh github.io gitlab.io deno.dev val.run"
    " azurewebsites.net cloudfunctions.net a.run.app lambda-url.us-east-1.on.aws supabase.co pythonanywhere.com"
    " 000webhostapp.com infinityfreeapp.com lovable.app bolt.host"
    " modal.run hf.space streamlit.app koyeb.app cyclic.app",
    HostKind.METADATA: "metadata.google.internal metadata.goog instance-data.ec2.internal",
    HostKind.ONION: "onion onion.to onion.ws onion.ly tor2web.org",
}


def _table() -> dict[str, list[tuple[str, HostKind]]]:
    """For each host of ``_HOSTS``, the paths that narrow it and what kind each makes it."""
    table: dict[str, list[tuple[str, HostKind]]] = {}
    for kind, names in _HOSTS.items():
        for name in names.split():
            host, _, path = name.partition("/")
            table.setdefault(host, []).append((path, kind))
    return table


_KINDS = _table()
_UNIQUE_LOCAL = ipaddress.IPv6Network("fc00::/7")  # RFC 4193
_METADATA_ADDRESSES = frozenset({"169.254.169.254", "169.254.170.2", "100.100.100.200", "fd00:ec2::254"})


class _Bare(Enum):
    """Hosts without a scheme (RE2 syntax): dotted addresses, ``name:port`` and names of the tables."""

    ADDRESS = rb"\b[0-9]{1,3}\.[0-9]{1,3}\.[0-9]{1,3}\.[0-9]{1,3}\b"
    PORT = rb"[a-z0-9]\.[a-z]{2,24}:[0-9]{2,5}\b"
    KNOWN = rb"\b(?:" + b"|".join(re.escape(name.encode()) for name in _KINDS if len(name) > 5) + rb")[/:\"']"


_PRESENCE = Presence(_Bare, any_case=True)
_AUTHORITY = re.compile(rb"(?:\\?/){2}([^\s/\\?#\"'<>`|,;{}()]{1,255})((?:\\?/[^\s\"'<>`|{}()]{0,160})?)")
# Before a bare address that is one, and no version: a quote, a bracket, a command or a word for a machine.
_BEFORE_ADDRESS = re.compile(
    rb"(?i)(?:[\"'`(@=\[]|\b(?:nc|ncat|telnet|ssh|scp|ping|curl|wget|connects?|host|ip|server|address|to|at|from)"
    rb"[\s:]{1,3}|/(?:tcp|udp)/)\Z"
)
# RFC 3986 3.1, but for . and -
_SCHEME_BYTES = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+"
_NAME_BYTES = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789.-"
_REST = re.compile(rb"([A-Za-z0-9.-]{1,253})(:[0-9]{1,5})?(/[^\s\"'<>`|{}()]{0,160})?")
_ESCAPED = re.compile(r"%([0-9a-fA-F]{2})")
_NUMBER = re.compile(r"(?:0[xX][0-9a-fA-F]{1,8}|[0-9]{1,11})\Z")
_OCTET = r"(?:0|[1-9][0-9]?|1[0-9][0-9]|2[0-4][0-9]|25[0-5])"
_DOTTED = re.compile(rf"{_OCTET}(?:\.{_OCTET}){{3}}")
_PLAIN_HOST = re.compile(r"[a-z0-9_-]+(?:\.[a-z0-9_-]+)*\Z")
_LONGEST_SCHEME_BYTES = 16
_LONGEST_NAME_BYTES = 253
# Schemes whose "host" is none.
_NO_HOST = (b"file", b"data", b"urn", b"about", b"chrome", b"vscode", b"res", b"jar", b"app")
# Endings that a name has to have to be taken for a host where it need not be one: before a port or an @.
_ENDINGS = (
    *(
        ".com",
        ".net",
        ".org",
        ".io",
        ".dev",
        ".app",
        ".ai",
        ".co",
        ".me",
        ".xyz",
        ".info",
        ".biz",
        ".ru",
        ".cn",
        ".top",
    ),
    *(".site", ".online", ".club", ".live", ".fun", ".icu", ".shop", ".pro", ".cc", ".tv", ".us", ".uk", ".de", ".fr"),
    *(".eu", ".nl", ".ch", ".in", ".jp", ".kr", ".br", ".au", ".ca", ".it", ".es", ".se", ".no", ".fi", ".cz", ".at"),
    *(".be", ".onion", ".cloud", ".link", ".tech", ".space", ".store", ".website", ".host", ".gov", ".edu", ".example"),
)
_LOCAL_ENDINGS = (".localhost", ".local", ".internal", ".test", ".invalid", ".lan")  # RFC 6761, RFC 6762
_DOTS = str.maketrans({"\u3002": ".", "\uff0e": ".", "\uff61": "."})


def hosts(data: bytes) -> Iterator[Host]:
    """The hosts of all web addresses in ``data``, and those that stand alone: in order of their first byte."""
    covered = 0
    for host in merge(_addresses(data), _bare(data), key=lambda host: (host.begin, -host.end)):
        if host.begin >= covered:
            covered = host.end
            yield host


def address(name: str) -> str | None:
    """The usual written form of an address, however a program accepts it (inet_aton); None if it is no address."""
    if _DOTTED.fullmatch(name) is not None:
        return name
    if ":" in name:
        try:
            wide = ipaddress.IPv6Address(name.partition("%")[0])
        except ValueError:
            return None
        return str(wide.ipv4_mapped or wide)
    parts = name.split(".")
    if len(parts) > 4 or not all(map(_NUMBER.match, parts)):
        return None
    *octets, rest = map(_value, parts)
    if any(octet > 255 for octet in octets) or rest >= 256 ** (4 - len(octets)):
        return None
    number = rest + sum(octet << (24 - 8 * place) for place, octet in enumerate(octets))
    return str(ipaddress.IPv4Address(number))


def ascii_host(name: str) -> str:
    """A host in lower case and without final dot, letters outside ASCII as in the domain name system (RFC 3492)."""
    name = unicodedata.normalize("NFKC", name.translate(_DOTS)).lower().strip(".")
    return name if name.isascii() else ".".join(map(_ascii_label, name.split(".")))


def _ascii_label(label: str) -> str:
    return label if label.isascii() else "xn--" + label.encode("punycode").decode()


def _addresses(data: bytes) -> Iterator[Host]:
    """The hosts after a scheme; JSON may have its slashes escaped."""
    for mark in merge(_marks(data, b"://"), _marks(data, b":\\/\\/")):
        before = data[max(0, mark - _LONGEST_SCHEME_BYTES) : mark]
        scheme = before[len(before.rstrip(_SCHEME_BYTES)) :]
        authority = _AUTHORITY.match(data, mark + 1) if scheme else None
        if authority is None or scheme.lower().startswith(_NO_HOST):
            continue
        begin = mark - len(scheme)
        host = _host(
            authority[1].decode("utf-8", "replace"), authority[2].decode("utf-8", "replace"), begin, authority.end()
        )
        if host is not None:
            yield host


def _marks(data: bytes, mark: bytes) -> Iterator[int]:
    place = data.find(mark)
    while place >= 0:
        yield place
        place = data.find(mark, place + len(mark))


def _host(authority: str, path: str, begin: int, end: int) -> Host | None:
    """The host of an authority: what is after the last @, without port."""
    name, kind = _named(authority)
    if kind is HostKind.PLAIN:
        kind = _listed(name, path.replace("\\/", "/"))
    return None if kind is None else Host(kind, name, begin, end)


@lru_cache(maxsize=1 << 12)
def _named(authority: str) -> tuple[str, HostKind | None]:
    """The host of an authority, and its kind as far as the name alone says it; None if it is no host."""
    user, _, name = authority.replace("[.]", ".").replace("[:]", ":").rpartition("@")
    name = _ESCAPED.sub(_unescaped, name)
    name = name[1:].partition("]")[0] if name.startswith("[") else name.partition(":")[0]
    name = unicodedata.normalize("NFKC", name.translate(_DOTS)).lower().strip(".*")
    if not name or name[0] in "$%{<" or not any(map(str.isalnum, name)):
        return name, None
    return name, HostKind.DECEPTIVE if _is_deceptive(user) else _kind(name)


def _unescaped(code: re.Match[str]) -> str:
    return chr(int(code[1], 16))


def _is_deceptive(user: str) -> bool:
    """Whether what stands before the @ looks like a host."""
    name = _ESCAPED.sub(_unescaped, user).partition(":")[0].lower()
    return _PLAIN_HOST.match(name) is not None and name.endswith(_ENDINGS)


def _kind(name: str) -> HostKind | None:
    """The kind of a host as far as its name alone says it; None if it is no host."""
    address = _address_kind(name)
    if address is not None:
        return address
    if not name.isascii():
        return HostKind.MIXED_SCRIPT if any(map(_is_mixed, name.split("."))) else HostKind.PUNYCODE
    if _PLAIN_HOST.match(name) is None:
        return None
    if name not in _KINDS and ("." not in name or name.endswith(_LOCAL_ENDINGS)):
        return HostKind.LOCAL
    return HostKind.PUNYCODE if name.startswith("xn--") or ".xn--" in name else HostKind.PLAIN


@lru_cache(maxsize=1 << 12)
def _listed(name: str, path: str) -> HostKind:
    labels = name.split(".")
    for place in range(len(labels)):
        entries = _KINDS.get(".".join(labels[place:]), ())
        # The longer a path that fits, the more it says.
        fitting = [(len(prefix), kind) for prefix, kind in entries if path[1:].startswith(prefix)]
        if fitting:
            return max(fitting)[1]
    return HostKind.PLAIN


def _address_kind(name: str) -> HostKind | None:
    """The kind of an address in any way in which programs accept one (inet_aton); None if it is none."""
    if ":" in name:
        return _address(name.partition("%")[0])
    parts = name.split(".")
    if len(parts) > 4 or not all(map(_NUMBER.match, parts)):
        return None
    if len(parts) == 4 and all(part.isdigit() and (part == "0" or part[0] != "0") for part in parts):
        return _of_octets(name, *map(int, parts))
    if len(parts) == 1 and len(name) < 8 and name.isdigit():
        return None
    values = list(map(_value, parts))
    is_address = all(value < 256 for value in values[:-1]) and values[-1] < 256 ** (5 - len(parts))
    return HostKind.DISGUISED_IP if is_address else None


def _of_octets(name: str, first: int, second: int, third: int, fourth: int) -> HostKind | None:
    """The kind of a dotted address.  Source: IANA IPv4 Special-Purpose Address Registry."""
    if max(first, second, third, fourth) > 255:
        return None
    if name in _METADATA_ADDRESSES:
        return HostKind.METADATA
    is_local = (
        first in (0, 10, 127)
        or first >= 224
        or (first, second) in ((192, 168), (169, 254))
        or (first == 172 and 16 <= second < 32)
        or (first == 100 and 64 <= second < 128)
    )
    return HostKind.LOCAL if is_local else HostKind.IP_LITERAL


def _value(part: str) -> int:
    if part[:2] in ("0x", "0X"):
        return int(part, 16)
    is_octal = part[0] == "0" and not part.strip("01234567")
    return int(part, 8) if is_octal and len(part) > 1 else int(part)


def _address(text: str) -> HostKind | None:
    """The kind of an IPv6 address."""
    try:
        address = ipaddress.IPv6Address(text)
    except ValueError:
        return None
    if address.ipv4_mapped is not None:
        return _address_kind(str(address.ipv4_mapped))
    if str(address) in _METADATA_ADDRESSES:
        return HostKind.METADATA
    is_local = address.is_loopback or address.is_link_local or address.is_unspecified or address in _UNIQUE_LOCAL
    return HostKind.LOCAL if is_local else HostKind.IP_LITERAL


def _is_mixed(label: str) -> bool:
    """Whether a label has letters of Latin and of Cyrillic or Greek."""
    scripts = {unicodedata.name(letter, "").partition(" ")[0] for letter in label if letter.isalpha()}
    return "LATIN" in scripts and not scripts.isdisjoint({"CYRILLIC", "GREEK", "ARMENIAN", "CHEROKEE"})


def _bare(data: bytes) -> Iterator[Host]:
    """The hosts that no scheme stands before."""
    present = _PRESENCE.of(data)
    return merge(*(_bare_of(member, data) for member in _Bare if member in present), key=lambda host: host.begin)


def _bare_of(member: _Bare, data: bytes) -> Iterator[Host]:
    place = _PRESENCE.find(member, data, 0)
    while place >= 0:
        before = data[max(0, place - _LONGEST_NAME_BYTES) : place]
        begin = place - len(before) + len(before.rstrip(_NAME_BYTES))
        rest = _REST.match(data, begin)
        end = place + 1
        if rest is not None and rest.end() > end:
            end = rest.end()
            host = _host(rest[1].decode(), (rest[3] or b"").decode("utf-8", "replace"), begin, end)
            if host is not None and _stands_alone(host, data, has_port=rest[2] is not None):
                yield host
        place = _PRESENCE.find(member, data, end)


def _stands_alone(host: Host, data: bytes, *, has_port: bool) -> bool:
    """Whether a name without a scheme is meant as a host."""
    before = data[max(0, host.begin - 12) : host.begin]
    if host.kind in (HostKind.IP_LITERAL, HostKind.LOCAL, HostKind.METADATA):
        return host.host[-1].isdigit() and (
            (has_port and before[-1:] != b"/") or _BEFORE_ADDRESS.search(before) is not None
        )
    if host.kind is HostKind.DISGUISED_IP or before[-1:] in (b"/", b"@", b"_", b"="):
        return False
    return host.kind is not HostKind.PLAIN or (has_port and host.host.endswith(_ENDINGS))
