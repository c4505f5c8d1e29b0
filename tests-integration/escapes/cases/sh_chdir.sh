# The working folder moves out, and a bare name is read.
. ./attack.sh
cd "$outside" && read -r line <id_secret
leaked "$line"
