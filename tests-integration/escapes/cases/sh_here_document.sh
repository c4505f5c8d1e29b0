# A here-document holds what a redirection reads.
. ./attack.sh
leaked "$(cat <<END
$(cat <"$secret")
END
)"
