# A datagram is sent by a redirection of bash.
. ./attack.sh
exec 7<>"/dev/udp/127.0.0.1/$udp4" || held refused
echo x >&7
read -r -t 0.5 -u 7 line
leaked "$line"
