#!/bin/sh
# Check the commit message in the file named as first argument.
set -eu

file=${1:?usage: lint.sh FILE}
problems=0

report() {
    printf '%s:%s: %s\n' "$file" "$1" "$2"
    problems=1
}

subject=$(sed -n 1p "$file")
second=$(sed -n 2p "$file")

if [ -z "$subject" ]; then
    report 1 "the subject is empty"
fi
if [ "${#subject}" -gt 72 ]; then
    report 1 "the subject has ${#subject} characters, 72 are allowed"
fi
case $subject in
    *.) report 1 "the subject ends with a full stop" ;;
esac
case $subject in
    Added* | Fixed* | Changed* | Removed* | Updated*) report 1 "write the subject as an order: Add, Fix, Change" ;;
esac
if [ -n "$second" ]; then
    report 2 "the second line is not empty"
fi

exit "$problems"
