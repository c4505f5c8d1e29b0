# A file outside is read by the shell itself.
. ./attack.sh
{ read -r line <"$secret"; } 2>/dev/null
leaked "$line"
