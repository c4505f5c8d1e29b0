"""A process outside is made the first to die when memory is short."""

from attack import WORLD, elsewhere, escaped, tries

with tries(), open(f"/proc/{elsewhere(WORLD.bystander)}/oom_score_adj", "w", encoding="utf-8") as score:
    score.write("1000")
    score.flush()
    escaped("changed")
