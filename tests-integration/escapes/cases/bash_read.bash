# A file outside is read by a substitution of bash.
. ./attack.sh
leaked "$(<"$secret")" 2>/dev/null
mapfile -t lines <"$secret"
leaked "${lines[0]}"
