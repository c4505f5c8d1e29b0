# A script with a declared name stands in a folder of its own in PATH.
. ./attack.sh
echo 'echo another' >out/cat
(umask 0 && : >out/made)
PATH=$PWD/out
command -p chmod 755 out/cat 2>/dev/null
case "$(cat 2>&1 </dev/null)" in *another*) escaped 'it ran' ;; *) held refused ;; esac
