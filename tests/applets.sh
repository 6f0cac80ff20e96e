# SPDX-License-Identifier: MIT
#
# Everyday work in a shell: some eighty applets of busybox, each doing what it is for, with the pipes, here-documents,
# traps and jobs that scripts are made of. What it prints must not depend on the machine: no times, pids or sizes of the
# system. tests/busybox.py runs it with the same busybox on this machine's Linux and on Verso, and compares every line.
#
# usage: busybox sh applets.sh BUSYBOX FOLDER    FOLDER is empty, and is left full

busybox=$1 top=$2
export PATH=$top/bin TZ=UTC LC_ALL=C HOME=$top
mkdir "$top/bin" "$top/work"
for name in $($busybox --list); do ln -s "$busybox" "$top/bin/$name"; done
cd "$top/work" || exit 1
umask 022

part() { echo "== $*"; }

part files and folders
mkdir -p a/b/c d; rmdir d; echo "dir $?"
printf 'one\ntwo\nthree\n' >a/first; cp a/first a/b/second; mv a/b/second a/b/c/moved
ln -s ../first a/b/link; ln a/first a/hard; ls -1R a; readlink a/b/link; readlink -f a/b/link | sed "s,$top,TOP,"
stat -c '%n %s %a %F %h' a/first a/b/link; stat -c '%a %F' a/b; stat -Lc '%s %F' a/b/link
chmod u+x,go-r a/first; stat -c %a a/first; chmod 4755 a/first; ls -l a/first | cut -c1-10
touch -d '2001-02-03 04:05:06' a/first; date -r a/first '+%F %T'; stat -c %Y a/hard
[ a/first -ef a/hard ] && echo same; [ a/b/c/moved -nt a/first ] && echo newer
mkfifo pipe; (echo through the fifo >pipe) & cat pipe; wait; test -p pipe && rm pipe
mktemp XXXXXX | wc -c; mktemp -d tmp.XXXXXX | cut -c1-4; rm -rf tmp.* ??????
basename /usr/lib/x.so .so; dirname /usr/lib/x.so; realpath a/../a/b | sed "s,$top,TOP,"; pwd | sed "s,$top,TOP,"
truncate -s 10000 sparse; fallocate -l 20000 full; stat -c '%n %s' sparse full; du -a a | wc -l; rm sparse full
cat no-such-file; ls no-such-file; rm no-such-file; cd no-such-folder; mkdir a; rmdir a; echo "status $?"

part text
seq 1 20 >n; head -n 3 n; tail -n 2 n; tail -n +19 n; wc n; tac n | head -n 1; rev n | tail -n 1; nl -ba n | sed -n 7p
sort -rn n | head -n 2; sort -k2,2 -t: -u <<END
b:2:x
a:1:y
c:2:z
END
printf 'x\nx\ny\nx\n' | uniq -c; printf 'b\na\nb\n' | sort | uniq -d; printf 'a b\tc\n' | tr -s ' \t' ':' | tr a-c A-C
echo root:x:0 | cut -d: -f1,3; echo abcdef | cut -c2-4; paste -d, n n | head -n 2
grep -c 1 n; grep -n '^1[0-5]$' n; grep -vE '1|2' n | tr '\n' ' '; echo; grep -rl three a | sort; grep -x 7 n; grep -q 99 n; echo $?
echo 'hello world' | sed -e 's/\(h.*o\) \(w.*\)/\2 \1/' -e y/lo/01/; sed -n '2,4p;$=' n; sed '3,18d;s/^/> /' n
sed -i '/^1.$/d' n; cat n | tr '\n' ' '; echo; printf 'a\nb\n' | sed 'N;s/\n/+/;G' | od -c
awk 'BEGIN { FS = ":" } { s += $2; a[$1]++ } END { for (k in a) n++; print s, n, NR, length("abc"), toupper("x"), substr("hello", 2, 3) }' <<END
x:1
y:2
x:39
END
awk 'function f(n) { return n < 2 ? n : f(n - 1) + f(n - 2) } BEGIN { print f(15); printf "%05.2f|%-5s|%x\n", 3.14159, "ab", 255 }'
echo 3 1 2 | xargs -n1 | sort | xargs; seq 5 | xargs -I{} echo 'item {}' | tail -n 1; find a -type f -print0 | xargs -0 -n1 basename | sort
echo 123456789012 | fold -w 5; printf 'a\tb\n' | expand -t 4; echo 'a    b' | unexpand -a -t 4 | od -An -tx1
printf 'l1\nl2\n' >l; printf 'l1\nl3\n' >m; diff l m; diff -u l m | tail -n 3; cmp l m; cmp l l && echo equal
diff -u l m >p; patch l p; cat l
for i in a b c; do echo $i >part.a$i; done; ls part.*; cat part.aa part.ac; shuf -i 1-9 | sort | tr -d '\n'; echo
strings -n 3 <<END
abc$(printf '\001')de$(printf '\002')fghi
END
printf '\000\001\377AZ' | od -An -tx1; printf 'hexdump!' | hexdump -C; printf 'xxd' | xxd -p; echo aGk= | base64 -d; echo; printf hi | base64
dos2unix </dev/null; printf 'a\r\n' | dos2unix | od -c | head -n 1; echo abc | tee t1 | cat - t1; yes | head -n 2; factor 360

printf 'x y\n' | sed 's/\([a-z]\) \([a-z]\)/\2 \1/' | tr x z; tr -d '[:digit:]' <<END; tr -c 'a-z\n' '.' <<END
a1b2
END
a1b2
END
printf '%s\n' Mar Jan Feb | sort -M; printf 'c 3\na 1\nb 2\n' >t2; sort -k2n t2 | head -n 1
sort -c n; echo "sorted $?"; sort -o t2 t2; head -n 1 t2; sort -s -k1,1 -r t2 | head -n 1; sort -z </dev/null | wc -c
egrep -o '[0-9]+' <<END; fgrep -i 'A.B' <<END; grep -A1 -B1 mid <<END; grep -w -e one -e two <<END
x12y345
END
a.b
axb
END
before
mid
after
END
one two
onetwo
END
awk -F, -v OFS=- '{ $2 = $2 + 1; print } END { printf "%d lines\n", NR }' <<END
a,1,x
b,2,y
END
awk '{ n[length($0)]++ } /b+/ { gsub(/b+/, "[&]"); print } END { for (i = 1; i < 6; i++) if (i in n) print i, n[i] }' <<END
abba
b
xyz
END
awk 'BEGIN { s = "k1=v1;k2=v2"; n = split(s, p, ";"); for (i = 1; i <= n; i++) { split(p[i], kv, "="); print kv[2] kv[1] }
	print match("foobar", /o+/), RSTART, RLENGTH, index("abc", "c"), sprintf("%c", 65), int(7.9), 2 ^ 10, 17 % 5 }'
sed -n '/start/,/end/{/start/!{/end/!p}}' <<END
start
between
end
after
END
sed ':a;s/^\([0-9]*[0-9]\)\([0-9]\{3\}\)/\1,\2/;ta' <<END
1234567
END
ascii | head -n 2; cal 1 2000 | wc -l; ipcalc -n 10.1.2.3/8; xargs -n2 echo pair <n | head -n 2; ts </dev/null; w -h 2>/dev/null | wc -l

part arithmetic and tests
expr 6 \* 7; expr length hello; expr hello : 'h\(.*\)o'; echo $((2**10 % 1000)) $((0x1f | 010)) $((7 / 2)) $((-7 % 3))
echo '2^64; scale=5; 22/7' | bc; echo '5 3 + p' | dc; printf '%d %o %x %c %s %5.1f %b\n' 42 8 255 A str 2.55 'a\tb'
test 3 -gt 2 -a abc != abd && echo true; [ -d a ] && [ ! -f a ] && [ -L a/b/link ] && [ -x a/first ] && [ -s l ] && echo kinds
[ "$(printf 'a b' | wc -w)" -eq 2 ] && echo words; case file.tar.gz in *.gz) echo gz ;; *) echo other ;; esac
x=path/to/file.txt; echo ${x##*/} ${x%.*} ${x#*/} ${#x} ${y:-unset} ${x:+set}; set -- 1 2 '3 4'; echo $# "$3"; shift; echo "$*"
date -u -d @86400 '+%Y-%m-%d %H:%M:%S %a %j'; date -u -d '2024-02-29 12:00' +%s; cal 2 2024 | tail -n +2 | head -n 3
uptime | grep -c load; date +%Y | grep -c '^20'; usleep 10; time -p true 2>&1 | cut -d' ' -f1

part archives and sums
tar cf x.tar a; tar tf x.tar | sort | head -n 3; mkdir out; tar xf x.tar -C out; diff -r a out/a && echo tree equal
tar czf x.tgz a; tar tzf x.tgz | wc -l; gzip -c n | gunzip | cmp - n && echo gzip; bzip2 -c n | bunzip2 -c | cmp - n && echo bzip2
seq 1 20000 >big; gzip -k big; zcat big.gz | md5sum; xz -dc /dev/null; (cd a && find . -type f | sort | cpio -o -H newc 2>/dev/null) | cpio -t 2>/dev/null | head -n 2
md5sum big; sha1sum big | cut -c1-40; sha256sum <big; sha512sum big | cut -c1-16; sha3sum n | cut -c1-32; crc32 big
md5sum big n >sums; md5sum -c sums; dd if=big of=cut bs=100 skip=3 count=5 2>/dev/null; wc -c <cut; dd if=/dev/zero bs=1M count=3 2>/dev/null | md5sum
dd if=big bs=7 count=3 conv=sync 2>&1 | tail -n 3 | head -n 2; head -c 100 /dev/urandom | wc -c; uudecode -o /dev/stdout <<END
begin 644 x
#:&D*
\`
end
END
find a -name 'f*' -o -name '*.d' | sort; find . -type l | sort | head -n 2; find a -newer a/first -type f | sort; find . -name 'part.*' -exec rm {} +
find a -type f -size -2 -perm -100 -exec echo found {} \; ; find a -depth -type d; find n big -mtime +1; find a -maxdepth 1 -mindepth 1 | wc -l
awk 'BEGIN { while (("seq 3" | getline line) > 0) t = t line; print t; print "to sort" | "sort -r"; close("sort -r"); system("exit 3") }'

ar -r x.a l m 2>/dev/null; tar cf - a | gzip -9 | zcat | tar tf - | wc -l; uuencode -m n <n | tail -n 1; unix2dos <l | od -c | head -n 1
cp -a a copy; diff -r a copy && echo copied; cp -r a/b/c/. copy; ls copy; mv copy moved; ls -d copy moved; rm -r moved; ls moved
ln -s nowhere dangling; ls -L dangling; cat dangling; test -e dangling; echo $?; rm dangling; ln n n2; stat -c %h n; unlink n2; stat -c %h n
mkdir -m 700 private; stat -c %a private; install 2>/dev/null; shred -u -n 1 t1; ls t1; which no-such-program; echo $?; tar xf no-such.tar; echo $?
cp a no-folder; mv n a; ls a; mv a/n .; cp n l m a; ls a | wc -l; rm a/n a/l a/m; touch 'odd name' -- -dash; ls -1 odd* ./-d*; rm -- 'odd name' -dash
find . -name n -o -name l | sort | xargs wc -l; du -s nothing; stat nothing; chmod 9 n; chmod a=r n; ls -l n | cut -c1-10; chmod 644 n; find n -perm 644

part here-documents, functions, redirections
name=world; cat <<END; cat <<'END'; cat <<-END
hello $name $((1 + 1)) $(echo nested)
END
hello $name
END
	tabs gone
	END
f() { local v=inner; echo "$v $1"; return 3; }; v=outer; f arg; echo "$? $v"
{ echo out; echo err >&2; } 2>both.err >both.out; cat both.out both.err; echo more >>both.out; wc -l <both.out; cat 3<n <&3 | head -n 1
exec 4>fd4; echo four >&4; exec 4>&-; cat fd4; (echo sub; exit 9); echo $?; ! true; echo $?; false || echo or; set -o noclobber; echo x >fd4; set +o noclobber
for i in 1 2 3; do for j in a b; do [ $i$j = 2b ] && continue 2; [ $i = 3 ] && break 2; echo -n "$i$j "; done; done; echo
i=0; while [ $i -lt 1000 ]; do i=$((i + 1)); done; echo $i; until false; do break; done; seq 3 | while read -r l; do echo "<$l>"; done
IFS=: read -r one two rest <<END
1:2:3:4
END
echo "$one $two $rest"; eval 'echo $name'; alias hi='echo hi'; type part | head -n 1; command -v awk | sed "s,$top,TOP,"; unset name; echo "[$name]"
true | false | true; echo $?; seq 100000 | head -n 1; seq 1 50000 | tail -n 1; (cat big big big | wc -c) 2>&1; echo a b c | { read x y; echo "$y"; }
env -i A=1 env; env B=2 sh -c 'echo $B $0 $#' zero one; echo "${PPID:+parent}" $(($$ > 0)); ulimit -n 64; ulimit -n; getopt ab: -a -b v x

cat <<A <<B
first document
A
second document
B
while read -r k v; do echo "$v=$k"; done <<END | sort
1 b
2 a
END
func() { case $1 in [0-9]) echo digit ;; [a-z]*) echo word ;; '') echo empty ;; *) echo else ;; esac; }; func 5; func abc; func ''; func +
x='a  b'; echo $x "$x"; set -- $x; echo $#; x="*.no"; echo $x; echo l*; echo "${x%%.*}" ${x:+y} ${#x}; x=; echo ${x:-d} ${x:=e} $x
echo {a,b} ~ | sed "s,$top,TOP,"; echo 'single $x' "double $x" \$x $'dollar'; printf '%s-' a b c; echo; printf '%3d|%-3d|%03d\n' 5 5 5
( set -e; false; echo never ); echo $?; ( set -u; echo $undefined ) 2>&1 | sed 's/.*undefined/undefined/'; sh -c 'set -x; : traced' 2>&1
a=1; b=$((a += 2, a * 3)); echo $a $b $((a > 2 ? 10 : 20)) $((1 << 10)) $((~0)) $((a++)) $((--a)); : $((a = 5)); echo $a
OPTIND=1; set -- -a -b value rest; while getopts ab: o; do echo "option $o $OPTARG"; done; shift $((OPTIND - 1)); echo "$1"
exec 5<n; read -r one <&5; read -r two <&5; exec 5<&-; echo $one $two; echo to-stderr 2>&1 >&2 | cat; { echo x; echo y; } | (read -r a; cat)
cat <n >copy 2>&1; cmp n copy; : >copy; wc -c <copy; echo a >copy; echo b >>copy; cat copy copy | sort -u | wc -l; (cat >copy) <n; cat copy | head -n 1
(. ./no-such-script) 2>/dev/null || echo 'not sourced'; echo 'sourced=yes; return 4' >lib.sh; . ./lib.sh; echo $? $sourced; sh -c '. ./lib.sh; echo $?'

part processes, signals, jobs
sh -c 'exit 5'; echo $?; sh -c 'kill -TERM $$'; echo $?; sh -c 'kill -SEGV $$' 2>/dev/null; echo $?; kill -l 9; kill -0 $$ && echo alive
{
	sleep 100 & sleep 101 & jobs | wc -l; kill %1; wait %1; echo $?; kill $!; wait $!; echo $?; jobs | wc -l
} 2>/dev/null
(sleep 0.1; exit 7) & wait $!; echo $?; (exit 1) & (exit 2) & wait; echo $?; timeout 1 sleep 50; echo $?; timeout 10 true; echo $?
trap 'echo caught' USR1; kill -USR1 $$; sh -c "kill -USR1 $$"; sleep 0; trap - USR1; (trap 'echo bye' EXIT; true); sh -c 'trap "" TERM; kill -TERM $$; echo ignored'
sh -c 'trap "echo int; exit 4" INT; kill -INT $$; sleep 5'; echo $?; sh -c 'was=$(cut -d" " -f19 /proc/$$/stat); renice -n 5 $$; echo $(($(cut -d" " -f19 /proc/$$/stat) - was))'; taskset 1 nproc; setpriv --nnp sh -c 'grep NoNewPrivs /proc/self/status'
start=$(date +%s); sleep 0.2 & sleep 0.2 & wait; end=$(date +%s); [ $((end - start)) -le 100 ] && echo in parallel; setsid sh -c 'echo session'
ps -o comm,args | head -n 1; sleep 30 &
until ps -o pid,args | grep -q "^ *$! sleep 30$"; do :; done; pidof sleep | grep -cw $!; kill $!
top -bn1 | sed -n 's/^\(Mem:\).* used.* free.*/\1 used free/p; s/^\(CPU:\).*idle.*/\1 idle/p; s/^\(Load average:\).*/\1/p; s/^ *\(PID.*COMMAND\)$/\1/p'
free | awk 'NR == 1 { print $1, $2, $3 } $1 == "Mem:" { print ($2 > 0 && $2 >= $3) }'; df . | awk 'NR == 1 { print $1 } NR == 2 { print NF, ($2 > $3) }'
nproc | grep -c '^[1-9]'; uname -s; uname -m; hostname | wc -l; id -u | grep -c '^[0-9]*$'; whoami | wc -l; tty; cat /proc/self/comm; grep -c processor /proc/cpuinfo | grep -c '^[1-9]'
awk '/^VmRSS/ { print ($2 > 0), $3 } /^(Name|Threads)/ { print }' /proc/self/status; readlink /proc/self/exe | sed 's,.*/,,'; tr '\0' ' ' </proc/self/cmdline; echo
mount | grep -c ' /proc '; exec 5<n 6>>copy 7<>copy; for fd in 5 6 7; do stat -c %A /proc/$$/fd/$fd; done; exec 5<&- 6>&- 7>&-; ls -l /proc/self/cwd | sed "s,.*$top,TOP,"; cat /proc/sys/kernel/ostype; [ -c /dev/null ] && echo null; wc -c </dev/null

part editors
printf 'alpha\nbeta\ngamma\n' >e; ed e <<END
2s/beta/BETA/
\$a
delta
.
w
q
END
cat e; vi -c ':2d' -c ':%s/a/A/g' -c ':wq' e >/dev/null; cat e; vi -c '1,2d' -c 'wq! new' e >/dev/null; cat new
less e | head -n 2; more e | tail -n 1; seq 100 | less | wc -l
which sed | sed "s,$top,TOP,"; run-parts "$top/none" 2>/dev/null; echo "run-parts $?"; sync; echo the end
