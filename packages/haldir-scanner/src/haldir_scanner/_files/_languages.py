"""The programming languages of a text, told by lines that are written in no other language and in no prose."""

import re

_HEAD, _TAIL = 16_384, 4_096  # bytes looked at
_MAX_LINES = 400

# One line of a program each, without the white space before it.  Every repeat is bounded or ends the pattern.
_SIGNS: dict[str, str] = {
    "batch": r"@?echo (?:off|on)\b|setlocal\b|(?:rem|REM) \S|@?(?:set|SET) \w{1,40}=|%~dp0|goto :?\w{1,40}\s*$",
    "dockerfile": r"FROM [\w./:@-]{1,200}(?: AS \w{1,40})?\s*$|(?:ENTRYPOINT|CMD) \[",
    "go": r"package \w{1,40}\s*$|func (?:\(\w{1,40} \*?\w{1,40}\) )?\w{1,40}\(|import \($",
    "html": r"<!doctype html|<!DOCTYPE|<(?:html|head|script|body|svg)\b|<\?xml\b",
    "javascript": r"['\"]use strict['\"]|(?:const|let|var) [\w${[][^=\n]{0,120}="
    r"|(?:async )?function\s?\*?\s?\w{0,80}\s?\("
    r"|import [^\n]{1,200} from ['\"]|import ['\"][^'\"\n]{1,200}['\"]|export (?:default|const|function|class|async)\b"
    r"|module\.exports\b|exports\.\w|(?:await )?(?:require|import)\(|\(?(?:async )?\(\w{0,40}\) ?=>|eval\("
    r"|(?:interface|type) \w{1,80} ?[={]|document\.|process\.|console\.\w{1,20}\(",
    "other_code": r"#include [<\"]|(?:public|private|static|using|namespace) [\w. ]{1,120}[{;(]|fn \w{1,80}\("
    r"|(?:Dim|Set) \w{1,40}\b|Option Explicit|On Error Resume|CreateObject\(|WScript\.|tell application\b"
    r"|do shell script\b|local \w{1,40} ?= ?|os\.execute\(|library\(\w{1,40}\)|defmodule ",
    "perl": r"use (?:strict|warnings|v?5)\b|my [$@%]\w|package \w{1,40}(?:::\w{1,40}){0,4};",
    "php": r"<\?(?:php|=)|\$\w{1,40} ?= ?\$_(?:GET|POST|REQUEST|SERVER)\b",
    "powershell": r"(?:param|PARAM|Param) ?\(|\[CmdletBinding|\$\w{1,40} ?= ?(?:New-Object|Get-|Invoke-|\[)"
    r"|(?:Write|Invoke|Set|Get|New|Start|Remove|Import|Add)-[A-Z]\w{2,30}\b|(?:iex|irm|iwr)\b"
    r"|\$ErrorActionPreference\b|powershell(?:\.exe)? ",
    "python": r"import [a-zA-Z_][\w.]{0,80}(?: as \w{1,40})?(?:, ?\w[\w.]{0,80}(?: as \w{1,40})?){0,20}\s*"
    r"(?:[#;].{0,200})?$"
    r"|from [.\w]{1,80} import [\w*(]|(?:async )?def \w{1,80}\(|class \w{1,80}(?:\([^)\n]{0,80}\))?:\s*$"
    r"|if __name__ ?==|(?:try|else|finally):\s*$|@\w[\w.]{0,80}\s*$|(?:exec|eval|__import__|print)\("
    r"|with [^\n]{1,200}:\s*$|raise \w",
    "ruby": r"require(?:_relative)? ['\"]|def \w{1,80}\s*$|module [A-Z]\w{0,80}\s*$"
    r"|class [A-Z]\w{0,80}(?: < \w{1,80})?$",
    "rust": r"(?:pub )?fn \w{1,80}\(|use \w{1,80}::|let mut |#!?\[\w{1,40}",
    "shell": r"set [-+][a-zA-Z]|(?:export|readonly|local|declare) \w{1,80}=|if (?:\[|test |!|command )"
    r"|(?:for|while|until) [^\n]{1,200}; ?do\b|(?:fi|done|esac|then|do)\s*;?\s*$|case [^\n]{1,120} in\s*$"
    r"|\w{1,80} ?\(\) ?\{|function \w{1,80} ?\{|[A-Z_]{2,40}=[\"'$`(]|(?:sudo|curl|wget|chmod|mkdir|apt-get|brew) "
    r"|(?:eval|source|exec|nohup|trap) [\"'$/.~]|(?:echo|printf|cat|base64) [^\n]{0,400}(?:[|>]|<<)"
    r"|(?:ba|z|k|da)?sh -[ci] "
    r"|\[\[ |(?:rm|cp|mv|ln|tar|cd) [-\"'$/~.]|(?:python3?|node|perl|ruby|osascript) -[ce] ",
}
_SIGN = re.compile("|".join(f"(?P<{language}>{signs})" for language, signs in _SIGNS.items()).encode())


def languages_in(text: bytes) -> frozenset[str]:
    """The languages, by the values of their file types, of which a line stands at the beginning or end of a text."""
    window = text if len(text) <= _HEAD + _TAIL else text[:_HEAD] + b"\n" + text[-_TAIL:]
    lines = window.split(b"\n")
    if len(lines) > _MAX_LINES:
        lines = lines[: 3 * _MAX_LINES // 4] + lines[-_MAX_LINES // 4 :]
    return frozenset(found for line in lines if (found := language_of_line(line)) is not None)


def language_of_line(line: bytes) -> str | None:
    """The language of a single line; None if it may be prose."""
    match = _SIGN.match(line.strip())
    return None if match is None else match.lastgroup
