# A program is started that is not declared.
. ./attack.sh
case "$(/usr/bin/id 2>&1)" in *uid=*) escaped 'it ran' ;; *) held refused ;; esac
