# It uses the programs of the system that it declares.
mkdir out/a && cp data/good.txt out/a/copy
sed s/good/better/ out/a/copy | sort | cat
ls -l out/a | wc -l
cat <<END >out/a/here
text
END
rm -r out/a
echo 'Operation not permitted' >&2
echo DONE
