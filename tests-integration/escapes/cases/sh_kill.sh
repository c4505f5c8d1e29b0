# A process outside is killed by the shell itself.
. ./attack.sh
[ "$bystander" -gt 1 ] && kill "$bystander" && escaped sent || held refused
