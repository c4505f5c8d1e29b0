# The names in a folder outside are listed by the shell itself.
. ./attack.sh
for name in "$outside"/*; do
  case "$name" in */id_secret) escaped listed && exit ;; esac
done
held 'nothing came of it'
