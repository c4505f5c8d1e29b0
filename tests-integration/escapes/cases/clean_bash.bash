# It uses what bash brings itself, for nothing forbidden.
mapfile -t lines <data/good.txt
trap 'echo ended' EXIT
(exit 3) || wait
printf '%s %s\n' "${lines[0]}" DONE
