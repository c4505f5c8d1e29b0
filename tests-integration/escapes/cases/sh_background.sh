# A job in the background outlives the script.
. ./attack.sh
(trap '' TERM HUP && while :; do :; done) &
held 'unless it lives on'
