"""Fragments of regexes that several tables use."""

# The home folder as shells and programs write it, up to the slash.
HOME = r"(?:~|\$\{?HOME\}?|%USERPROFILE%|\$env:(?:HOME|USERPROFILE)|/(?:home|Users)/[\w.$<>{}-]+|/root)[/\\]"
# The same, as a call or a variable in a program, up to the quoted rest of the path.
HOME_CALL = (
    r"(?:expanduser\([^)\n]{0,40}\)|Path\.home\(\)|homedir\(\)|(?:environ|env)\W{1,3}(?:get\W{1,2})?HOME\b)[^\n]{0,40}?"
)
# An interpreter that runs what it is piped.
INTERPRETER = (
    r"(?:sudo\s+(?:-\S+\s+)*|env\s+|command\s+|exec\s+|nohup\s+)*(?:/\S*/)?"
    r"(?:(?:ba|z|da|k|fi|a)?sh|python[\d.]*|node|perl|ruby|php|deno|bun|pwsh|osascript)(?:\s|$|[\"'\x60;)&|])"
)
# The beginning of a command.
COMMAND = r"(?:^|[;&|({\x60]|\$\(|\b(?:then|do|else)\s)[ \t]*(?:[$>%#][ \t]+)?"
# Between two words of a sentence: blanks, a line break, the marks of quotes, lists, comments and emphasis.
_GAP = r"[\s>#*/_~|\"'\x60-]{1,12}"


def spaced(regex: str) -> str:
    """The regex with each space standing for whatever may be between two words; a mere space is a hex escape."""
    return regex.replace(" ", _GAP)
