"""Marks by which programs separate messages, and words that only this review uses."""

import re
from collections.abc import Iterator

from haldir_reviewer.facts import ADVERSE
from haldir_reviewer.questions import QUESTION_IDS

# Source: the chat templates of ChatML, Llama 2 and 3, Mistral, Gemma, Phi, DeepSeek, Command R, Alpaca
_TOKENS = (
    r"<\|(?:im_start|im_end|im_sep|system|user|assistant|end|endoftext|begin_of_text|start_header_id|end_header_id|eot_id"
    r"|START_OF_TURN_TOKEN|END_OF_TURN_TOKEN)\|>"
    r"|\[/?INST\]|<</?SYS>>|<(?:start|end)_of_turn>|<\uff5c(?:User|Assistant|begin\u2581of\u2581sentence|end\u2581of\u2581sentence)\uff5c>"
    r"|</s>\s*<s>|\n\n(?:Human|Assistant): .{0,200}\n\n(?:Human|Assistant):"
)
_FRAMES = (
    r"(?i:[-=#*<\[({~]{2}[ ]{0,3}(?:END|BEGIN|START|STOP)[ _-](?:OF[ _-])?(?:THE[ _-])?"
    r"(?:UNTRUSTED|SKILL|MATERIAL|SUBMISSION|REVIEWED|DATA TO|FILES? TO|SYSTEM|REVIEW|AUDIT|EVALUATION|USER INPUT|CASE)"
    r"[ _-]?(?:DATA|CONTENT|MATERIAL|PROMPT|FILES?|INSTRUCTIONS?|MESSAGE|REVIEW|INPUT)?)"
)
_CLOSERS = (
    r"(?i:</(?:untrusted|material|skill[_-]?(?:content|files?|data|under[_-]review)|review[_-]?(?:content|material|data)"
    r"|submission|system[_-]?prompt|untrusted[_-]?\w{1,20}|data[_-]?to[_-]?review)>)"
)
_OURS = r"(?m:^[ \t]*(?:Mark: ?[0-9a-f]{8,32}\b|[0-9a-f]{16} (?:file|case|fact|\d+) ))"
_ANSWERS = r"\"facts\"\s{0,3}:\s{0,3}\[\s{0,3}\]|\"scores\"\s{0,3}:\s{0,3}\{[^{}]{0,60}\"quality\""
_OUR_WORDS = (
    r"\b(?:"
    + "|".join(
        name for name in (*sorted(kind.value for kind in ADVERSE), *QUESTION_IDS, "instructs_agent") if "_" in name
    )
    + r")\b"
)
_ANY = re.compile(f"{_TOKENS}|{_FRAMES}|{_CLOSERS}|{_OURS}|{_ANSWERS}|{_OUR_WORDS}")


def forged(text: str) -> Iterator[tuple[int, str]]:
    """Yield offset and text of every such mark."""
    for match in _ANY.finditer(text):
        yield match.start(), match[0]
