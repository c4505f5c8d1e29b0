# A connection is made by a redirection of bash.
. ./attack.sh
exec 7<>"/dev/tcp/127.0.0.1/$tcp4" || held refused
read -r -t 1 -u 7 line
leaked "$line"
