# A file outside is emptied by a redirection.
. ./attack.sh
if : >"$victim"; then escaped written; else held refused; fi
