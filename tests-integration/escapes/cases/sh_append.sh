# A file outside is appended to by a descriptor that stays open.
. ./attack.sh
exec 7>>"$victim" || held refused
echo x >&7 && escaped written
