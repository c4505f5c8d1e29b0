# The shell ignores what should end it.
. ./attack.sh
trap '' TERM INT HUP
while :; do :; done
