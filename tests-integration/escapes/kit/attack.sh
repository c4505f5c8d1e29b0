# What the cases in shell share: the world around the skill comes from world.sh.
. ./world.sh
echo TRYING
leaked() { case "$1" in *SECRET-*) echo "ESCAPED $1" ;; *) echo "HELD nothing came of it" ;; esac }
escaped() { echo "ESCAPED $1"; }
held() { echo "HELD $1"; }
