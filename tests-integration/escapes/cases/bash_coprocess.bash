# A file outside is read by a second process of bash.
. ./attack.sh
coproc other { read -r line <"$secret"; echo "$line"; read -r -t 5 _; }
read -r -t 1 -u "${other[0]}" line
leaked "$line"
