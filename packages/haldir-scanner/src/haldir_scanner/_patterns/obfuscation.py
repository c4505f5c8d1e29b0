"""Rules about code that is written so that it cannot be read."""

from functools import partial

from haldir_scanner._filetypes import ANY, CODE, FileType
from haldir_scanner._pattern import Category, Pattern
from haldir_scanner._severity import Severity

_rule = partial(
    Pattern,
    category=Category.OBFUSCATION,
    file_types=CODE,
    message="Code is written so that its reader does not see what it does.",
    remediation="Write it as readable text.",
)
_CREDENTIAL_WORD = r"(?:api[_-]?key|secret|token|passw(?:or)?d|credential|private[_-]?key|auth)"


PATTERNS = (
    _rule(
        id="base64_api_key",
        severity=Severity.HIGH,
        title="Encoded credential",
        regexes=(
            r"(?i)\b\w{0,40}"
            + _CREDENTIAL_WORD
            + r"\w{0,40}[\"']?\s*[:=]\s*(?:base64\.)?(?:b64decode|atob|Buffer\.from|base64_decode"
            r"|decode64)\(\s*[\"'\x60][A-Za-z0-9+/=_-]{12}",
        ),
        matches=(
            ("a.py", 'api_key = base64.b64decode("aGVsbG8gd29ybGQh")'),
            ("a.mjs", 'const token = atob("aGVsbG8gd29ybGQh");'),
        ),
        non_matches=(("a.py", "text = base64.b64decode(body)"),),
    ),
    _rule(
        id="string_concat_secret",
        severity=Severity.MEDIUM,
        title="Credential put together from pieces",
        regexes=(
            r"(?i)\b\w{0,40}"
            + _CREDENTIAL_WORD
            + r"\w{0,40}\s*=\s*[\"'][\w-]{2,40}[\"']\s*(?:\+|\.)\s*[\"'][\w-]{2,40}[\"']\s*(?:\+|\.)\s*[\"']",
        ),
        matches=(("a.js", 'const apiKey = "ab12" + "cd34" + "ef56";'),),
        non_matches=(("a.js", 'const title = "a" + "b" + "c";'),),
    ),
    _rule(
        id="hex_escape_secret",
        severity=Severity.MEDIUM,
        title="Text written in hex escapes",
        regexes=(r"(?:\\x[0-9a-fA-F]{2}){12}",),
        matches=(("a.py", 's = "' + "\\x61" * 12 + '"'),),
        non_matches=(("a.py", r's = "\x1b[0m"'),),
    ),
    _rule(
        id="char_code_obfuscation",
        severity=Severity.MEDIUM,
        title="Text written in character codes",
        regexes=(
            r"\bfromCh(?:ar|odePoint)\w*\(\s*(?:(?:0x[0-9a-fA-F]+|\d{2,3})\s*,\s*){5}",
            r"(?:\bchr\(\s*(?:0x[0-9a-fA-F]+|\d{2,3})\s*\)\s*[+.,]\s*){4}",
            r"\bmap\(\s*chr\s*,\s*\[|\[char\]\s*\d{2,3}\s*\+\s*\[char\]",
        ),
        matches=(
            ("a.js", "String.fromCharCode(104, 101, 108, 108, 111, 33)"),
            ("a.php", "<?php echo chr(104).chr(101).chr(108).chr(108).chr(111);"),
        ),
        non_matches=(("a.js", "String.fromCharCode(65 + index)"),),
    ),
    _rule(
        id="unicode_escape",
        severity=Severity.MEDIUM,
        title="Text written in Unicode escapes",
        regexes=(r"(?:\\u00[2-7][0-9a-fA-F]){6}|(?:\\u\{[2-7][0-9a-fA-F]\}){6}",),
        matches=(("a.js", 'const s = "' + "\\u0065" * 6 + '";'),),
        non_matches=(("a.js", r'const s = "\u00e9t\u00e9";'),),
    ),
    _rule(
        id="template_literal_concat",
        severity=Severity.LOW,
        title="Text put together in a template",
        file_types=frozenset({FileType.JAVASCRIPT}),
        regexes=(r"\x60(?:\$\{\s*[\"'][^\"'\n]{1,20}[\"']\s*\}){3}",),
        matches=(("a.js", "const s = `${'ev'}${'a'}${'l'}`;"),),
        non_matches=(("a.js", "const s = `${first} ${last}`;"),),
    ),
    _rule(
        id="rot13_caesar",
        severity=Severity.MEDIUM,
        title="Text shifted along the alphabet",
        regexes=(
            r"(?i)[\"']rot[-_]?13[\"']|\bstr_rot13\(",
            r"\btr\s+[\"']?\[?A-Za-z\]?[\"']?\s+[\"']?\[?N-ZA-Mn-za-m\]?",
            r"\bcharCodeAt\([^\n]{0,60}[+-]\s*13\b",
        ),
        matches=(("a.py", 'codecs.decode(text, "rot13")'), ("a.sh", "tr 'A-Za-z' 'N-ZA-Mn-za-m' < in")),
        non_matches=(("a.sh", "tr 'a-z' 'A-Z' < in"),),
    ),
    _rule(
        id="eval_exec_obfuscation",
        file_types=ANY,
        severity=Severity.CRITICAL,
        title="Encoded text executed",
        regexes=(
            (
                r"\b(?:eval|assert|exec|create_function|loadstring|load)\s*\(?\s*(?:@?\w{1,30}\s*\(\s*){0,3}"
                r"(?:base64_decode|gzinflate|gzuncompress|str_rot13|hex2bin|decode_base64"
                r"|Base64\.(?:strict_)?decode64|pack\s*\(?\s*[\"']H)"
            ),
            (
                r"\b(?:eval|exec)\s*\(\s*(?:atob|unescape|decodeURIComponent|String\.fromCharCode|codecs\.decode"
                r"|bytes\.fromhex|base64\.\w+decode|zlib\.decompress)\s*\("
            ),
            r"\b(?:eval|exec)\s*\(\s*[\"'](?:\\x[0-9a-fA-F]{2}|\\u[0-9a-fA-F]{4}){3}",
            r"\bpreg_replace\(\s*[\"'](.)[^\"'\n]*/e[\"']",
        ),
        matches=(
            ("a.php", "<?php eval(base64_decode($x));"),
            ("a.rb", "eval(Base64.decode64(x))"),
            ("a.pl", "eval(decode_base64($x));"),
        ),
        non_matches=(("a.php", "<?php $x = base64_decode($y);"), ("a.rb", "Base64.decode64(x)")),
    ),
    _rule(
        id="split_reverse_join",
        severity=Severity.LOW,
        title="Reversed text",
        regexes=(
            r"\.split\(\s*[\"'\x60]{2}\s*\)\s*\.reverse\(\)\s*\.join\(",
            r"\bstrrev\(\s*[\"']|[\"'][^\"'\n]{8,200}[\"']\[::-1\]",
            r"\becho\b[^\n|]{4,200}\|\s*rev\b",
        ),
        matches=(("a.js", 'const s = "lave".split("").reverse().join("");'),),
        non_matches=(("a.js", "rows.reverse().map(String)"),),
    ),
    _rule(
        id="unusual_source_encoding",
        file_types=frozenset({FileType.PYTHON}),
        severity=Severity.HIGH,
        title="Source in an encoding that hides it",
        message="The source declares an encoding in which its text says something else than it shows.",
        regexes=(
            (
                r"(?i)\A(?:[^\n]*\n)?[ \t\f]*#[^\n]{0,200}coding[:=][ \t]*"
                r"(?:utf[-_]?(?:7|16|32)|cp(?:037|273|424|500|875|1026|1140)|rot[-_]?13|uu|hex|base64|zlib|bz2"
                r"|punycode|idna|(?:raw[-_])?unicode[-_]escape|ebcdic)"
            ),
        ),
        matches=(
            ("a.py", "# -*- coding: utf-7 -*-\nprint(1)"),
            ("a.py", "#!/usr/bin/env python3\n# vim: set fileencoding=cp037 :\n"),
        ),
        non_matches=(
            ("a.py", "# -*- coding: utf-8 -*-\n"),
            ("a.py", "# coding=latin-1\n"),
            ("a.py", "import os\nprint(os.name)\n# coding: utf-7 is not read here\n"),
        ),
    ),
    _rule(
        id="envelope_content_used",
        file_types=ANY,
        severity=Severity.HIGH,
        title="A file of the signature folder is run or read",
        message="The skill uses a file of .vault/, which is neither signed nor scanned.",
        regexes=(
            (
                r"\b(?:sh|bash|zsh|dash|source|python[0-9.]{0,5}|node|perl|ruby|exec|eval|import|require|cat|read|open|run"
                r"|execute|follow|load)\b[^\n]{0,80}\.vault[/\\][\w.-]"
            ),
        ),
        matches=(
            ("SKILL.md", "Then run `sh .vault/cosign-bundle.json`."),
            ("a.sh", ". x; bash ./.vault/sigstore-bundle.json"),
        ),
        non_matches=(("SKILL.md", "Signed with Haldir: see the .vault/ folder."),),
    ),
)
