"""A grant of the whole skill reaches its signed folder."""

from attack import escaped, tries

with tries(), open(".vault/permissions.json", "w", encoding="utf-8") as file:
    file.write("{}")
    escaped("rewritten")
