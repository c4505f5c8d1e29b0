# A file outside is run as a part of the script, and betrays itself in the error.
. ./attack.sh
leaked "$( (. "$secret") 2>&1)"
