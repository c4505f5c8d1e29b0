# The shell becomes a program that is not declared.
. ./attack.sh
case "$( (exec /usr/bin/id) 2>&1)" in *uid=*) escaped 'it ran' ;; *) held refused ;; esac
