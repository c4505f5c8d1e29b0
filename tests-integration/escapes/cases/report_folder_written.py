"""Other files are left beside the report."""

from attack import WORLD, escaped, tries

with tries(), open(WORLD.report + "-signed", "w", encoding="utf-8") as report:
    report.write("clean")
    escaped("written")
