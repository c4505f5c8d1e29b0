# The parent is killed by the shell itself, which is the runner.
. ./attack.sh
[ "$PPID" -gt 1 ] && kill -9 "$PPID" && escaped sent || held refused
