#!/bin/sh
# SPDX-License-Identifier: MIT
# Runs one example and looks at what it prints and how it exits.
#
#   test-examples.sh NAME PROGRAM
name=$1
program=$(realpath "$2") || exit 1
work=$(mktemp -d) || exit 1
trap 'rm -rf "$work"' EXIT
failed=0

# expect STATUS ARGUMENT...: runs the program; its output is left in $work/out and $work/err.
expect() {
    status=$1
    shift
    "$program" "$@" >"$work/out" 2>"$work/err"
    got=$?
    if grep -q 'Function not implemented' "$work/err"; then
        echo "no pidfds here, so nothing can be started"
        exit 77
    fi
    if grep -q 'other threads run' "$work/err"; then
        echo "a sanitizer has a thread of its own, and threads are refused"
        exit 77
    fi
    [ "$got" -eq "$status" ] || fail "$name $*: exits with $got, not $status: $(cat "$work/err")"
}

fail() {
    echo "$1"
    failed=1
}

# is FILE TEXT: the file is this text and a newline, or empty.
is() {
    if [ -n "$2" ]; then
        printf '%s\n' "$2"
    fi | cmp -s - "$work/$1" || fail "$name: prints on $1: $(cat "$work/$1")"
}

test_hello_world() {
    expect 0
    is out 'Hello World'
    is err ''
}

test_spawn() {
    cd "$work" && touch 'seen by ls' || exit 1
    expect 0
    is err ''
    [ "$(grep '^> ' out)" = '> date
> grep hello
> ls -a -l -h' ] || fail 'spawn: not the three headings'
    [ "$(sed -n '/^> grep/,/^> ls/p' out)" = '> grep hello
hello grep

> ls -a -l -h' ] || fail 'spawn: grep finds something else'
    grep -q 'goodbye' out && fail 'spawn: grep lets all through'
    [ -n "$(sed -n 2p out)" ] || fail 'spawn: no date'
    [ -z "$(sed -n 3p out)$(tail -n 1 out)" ] || fail 'spawn: no blank line after an output'
    grep -q 'seen by ls' out || fail 'spawn: no listing'

    # Without a program to run it says which, and exits with an error.
    full_path=$PATH
    PATH=$work
    "$program" >"$work/out" 2>"$work/err"
    status=$?
    PATH=$full_path
    [ "$status" -eq 1 ] || fail "spawn: exits with $status without a date program"
    is err 'spawn: run "date": search "'"$work"'": No such file or directory'
}

test_timeout() {
    touch "$work/no-program"
    expect 0 10 true
    expect 3 10 sh -c 'exit 3'
    expect 143 10 sh -c 'kill -TERM $$'
    expect 0 0 true
    expect 124 0.05 sleep 30
    expect 124 0.05 sh -c 'trap "" TERM; exec 2>&-; sleep 0.2'
    expect 125 soon true
    expect 125 -1 true
    expect 125 1
    expect 126 10 "$work/no-program"
    expect 127 10 "$work/nothing"
    is err "timeout: run \"$work/nothing\": exec \"$work/nothing\": No such file or directory"
    # As execvp(3): a directory that may not be looked into would make it 126.
    PATH=/usr/bin:/bin expect 127 10 no-program-has-this-name
    expect 0 10 echo through
    is out through
}

test_exec_process() {
    cd "$work" && touch 'seen by ls' || exit 1
    expect 0
    grep -q 'seen by ls' out || fail 'exec_process: is not ls'
    expect 3 --show-pid sh -c 'echo "pid $$"; exit 3'
    [ "$(sed -n 1p out)" = "$(sed -n 2p out)" ] || fail 'exec_process: another pid'
    expect 127 "$work/nothing"
    is err "exec_process: exec \"$work/nothing\": exec \"$work/nothing\": No such file or directory"
    expect 126 "$work"
    is err "exec_process: exec \"$work\": exec \"$work\": Permission denied"
}

test_fork_process() {
    expect 0
    is out 'child x=2
before: parent x=1
the file is at 10, where the child has put it'
    is err ''
}

test_syscall_trace() {
    if "$program" true 2>&1 | grep -q 'hook: Operation not permitted'; then
        echo "ptrace(2) is denied here"
        exit 77
    fi
    expect 0 echo hello
    is out hello
    tail -n 1 "$work/err" | grep -q '^ *[1-9][0-9]* calls, the last one ' || fail "syscall_trace: $(cat "$work/err")"
    [ "$(awk '/calls,/ { print $1 } !/calls,/ { n += $1 } END { print n }' "$work/err" | uniq | wc -l)" -eq 1 ] ||
        fail 'syscall_trace: the table is not all'
    expect 3 sh -c 'exit 3'
    expect 143 sh -c 'kill -TERM $$'
    expect 0 sh -c 'trap "echo caught" USR1; kill -USR1 $$'
    is out caught
    expect 127 "$work/nothing"
    expect 2
    expect 0 --bench
    [ "$(grep -c ' ns$' "$work/out")" -eq 2 ] || fail 'syscall_trace: two figures'
}

# shell STATUS TEXT OUTPUT
shell() {
    expect "$1" -c "$2"
    is out "$3"
}

test_mini_shell() {
    # A directory that we may not look into would make a missing program one that is denied.
    PATH=/usr/local/bin:/usr/bin:/bin
    export PATH
    cd "$work" || exit 1
    shell 0 'echo a "b  c" '"'d  e'"' f\ g # no more' 'a b  c d  e f g'
    shell 0 'echo pear plum | tr a-z A-Z | cat' 'PEAR PLUM'
    shell 0 'echo one > f; echo two >> f; cat < f' 'one
two'
    shell 0 'sh -c "echo lost >&2" 2> e; cat e' lost
    shell 0 'sh -c "echo lost >&2; echo found" > both 2>&1; cat both' 'lost
found'
    shell 0 'sh -c "echo lost >&2" 2>&1 | tr a-z A-Z' LOST
    shell 0 'sh -c "echo more >&2" 2>> e; sh -c "echo out" 2> f 1>&2; cat e f' 'lost
more
out'
    shell 2 'echo lost 2>&1 > f' ''
    is err 'mini_shell: 2>&1 stands before the > that it is about'
    shell 2 'echo lost 2>&3' ''
    is err 'mini_shell: behind >& a 1 or 2 is missing'
    shell 0 'false; echo $? "$?" '"'\$?'"'' '1 1 $?'
    shell 0 'sh -c "exit 300"; echo $?' 44
    shell 0 'sh -c "kill -KILL $$"; echo "$?"' 137
    shell 7 'exit 7; echo never' ''
    shell 1 'true; false' ''
    shell 0 'cd /; pwd' /
    shell 0 'cd nowhere; echo $?' 1
    grep -q 'cd: nowhere: No such file' err || fail 'mini_shell: does not tell why'
    shell 127 'no-such-program' ''
    grep -q 'No such file' err || fail 'mini_shell: does not tell why'
    shell 1 'cat < no-such-file' ''
    shell 1 'echo lost > no-such-directory/file' ''
    shell 126 '/' ''
    # Nothing that is asked for is left out silently.
    shell 2 'jobs > listed' ''
    is err 'mini_shell: jobs: redirections and & are for programs'
    shell 2 'exit 3 &' ''
    shell 2 'exit three' ''
    is err 'mini_shell: exit: three: no number'
    shell 1 'fg none' ''
    is err 'mini_shell: no such job'
    shell 2 'echo "open' ''
    is err 'mini_shell: a quote is not closed'
    shell 2 'echo | | cat' ''
    is err 'mini_shell: a command is missing'
    shell 2 'echo >' ''
    is err 'mini_shell: a file is missing'
    # Each line is a command of its own, and a remark ends with its line.
    shell 0 'echo one # not two
echo two

echo thr\
ee' 'one
two
three'
    # A line may need others.
    printf '%s\n' "echo 'one" "two' \\" 'three |' '# a remark' 'cat' >script
    expect 0 script
    is out 'one
two three'
    # Behind: its standard input is empty, and it is not waited for.
    shell 0 'cat & echo front' front
    printf 'echo from a script\nexit 4\n' >script
    expect 4 script
    is out 'from a script'
    expect 127 nothing
    expect 2 -c
    echo 'echo by standard input' | "$program" >out
    is out 'by standard input'
}

test_pipeline() {
    expect 0 printf 'pear\nfig\nplum\n' , sort , head -n 1
    is out fig
    is err 'printf: exited with 0
sort: exited with 0
head: exited with 0'
    # Who writes to one that has ended is told, and so is the last that has not gone well.
    expect 141 yes , head -n 1
    is out y
    is err 'yes: killed by SIGPIPE
head: exited with 0'
    expect 3 sh -c 'exit 3' , cat
    expect 4 sh -c 'exit 3' , sh -c 'exit 4' , cat
    expect 127 cat , "$work/nothing" , cat
    is err "pipeline: pipeline \"$work/nothing\": exec \"$work/nothing\": No such file or directory"
    expect 127
    is err 'pipeline: pipeline: options "argv is empty": Invalid argument'
    expect 127 true ,
}

test_process_name() {
    cd "$(dirname "$program")" || exit 1
    program=./process_name
    expect 0
    exe=$(pwd -P)/process_name
    is out "argv[0]=./process_name comm=process_name exe=$exe
argv[0]=./process_name comm=a-very-long-nam exe=$exe
argv[0]=not-what-it-seems comm=exe exe=$exe"
}

test_process_info() {
    expect 0 $$
    grep -q "^pid $$  ppid $PPID (" "$work/out" || fail "process_info: not this shell: $(cat "$work/out")"
    grep -q '  state [RS] (.*)  threads 1$' "$work/out" || fail 'process_info: no state'
    grep -qx "cwd $(pwd -P)" "$work/out" || fail 'process_info: no directory'
    expect 0
    grep -q "^pid [0-9]*  ppid $$ (" "$work/out" || fail 'process_info: not itself'
    expect 2 one
    expect 1 2147483647
    is err 'process_info: 2147483647: No such process'
}

test_proc_status() {
    expect 0 $$
    for title in name state threads memory blocked ignored caught open; do
        grep -q "^$title " "$work/out" || fail "proc_status: says nothing of $title"
    done
    expect 2
    expect 1 2147483647
    is err 'proc_status: 2147483647: No such process'
}

# at_terminal KEYS STATUS: on a terminal of 12 lines and 70 columns. The keys, typed once it was drawn twice, are its end.
at_terminal() {
    mkfifo "$work/keys"
    : >"$work/screen"
    {
        tries=400
        until [ "$(grep -c 'TIME COMMAND' "$work/screen")" -ge 2 ] || [ $((tries -= 1)) -eq 0 ]; do
            sleep 0.05
        done
        printf "$1"
    } >"$work/keys" &
    SHELL=/bin/sh TERM=xterm program=$program work=$work script -qec '
        trap : INT
        stty rows 12 cols 70
        stty -g >"$work/before"
        "$program" -d 0.05
        echo $? >"$work/status"
        stty -g >"$work/after"' /dev/null <"$work/keys" >"$work/screen"
    wait $!
    rm "$work/keys"
    is status "$2"
    cmp -s "$work/before" "$work/after" || fail 'list_processes: the terminal is not as it was'
    escape=$(printf '\033')
    tail -c 6 "$work/screen" | grep -q "$escape\[?25h\$" || fail 'list_processes: the cursor stays hidden'
    [ "$(grep -c "$escape\[H *PID" "$work/screen")" -ge 2 ] || fail 'list_processes: not each list goes home first'
    # Eleven lines, and the cursor's.
    tr -d '\r' <"$work/screen" | sed "s/$escape\[H/&\n/; s/$escape\[[?0-9]*[A-Za-z]//g" | awk '
        length > 70 { wide = 1 }
        /TIME COMMAND$/ { lines = 0 }
        NF && ++lines > 11 { high = 1 }
        END { exit wide || high }' || fail "list_processes: too large for the terminal: $(cat "$work/screen")"
}

test_list_processes() {
    expect 0
    is err ''
    header=$(head -n 1 "$work/out" | tr -s ' ')
    [ "$header" = ' PID PPID USER S RSS THR TIME COMMAND' ] || fail "list_processes: the header is $header"
    user=$(id -un)
    [ ${#user} -le 10 ] || user=$(id -u)
    grep -Eq "^ *$$ +$PPID $user +[RSD] +[0-9]+ +1 +[0-9]+:[0-9]{2} .*list_processes" "$work/out" ||
        fail "list_processes: this shell is not there: $(cat "$work/out")"

    expect 0 -n 2 -d 0.01 --sort mem
    [ "$(grep -c 'TIME COMMAND$' "$work/out")" -eq 2 ] || fail 'list_processes: not two rounds'
    sed '1d; /TIME COMMAND$/,$d' "$work/out" | awk '{ print $5 }' | sort -c -rn || fail 'list_processes: not sorted by memory'
    expect 0 -d 0.1 -n 1 --sort cpu
    head -n 1 "$work/out" | grep -q ' S   %CPU ' || fail 'list_processes: no %CPU'
    sed 1d "$work/out" | awk '{ print $5 }' | sort -c -rn || fail 'list_processes: not sorted by processor time'
    expect 0 --sort pid --tree
    awk -v pid=$$ -v len=0 '
        $1 == pid { len = index($0, $8) }
        len > 0 && $2 == pid { found = index($0, $8) == len + 2 }
        END { exit !found }' "$work/out" || fail "list_processes: not below this shell: $(cat "$work/out")"

    # A process whose argument would clear the screen; it lives until the end of its input.
    mkfifo "$work/input"
    sh -c 'read -r line' "$(printf '\033[2J')" <"$work/input" &
    exec 3>"$work/input"
    expect 0
    exec 3>&-
    wait $!
    grep -q 'sh -c read -r line \\x1b\[2J$' "$work/out" || fail 'list_processes: an escape gets through'

    for wrong in '-n 0' '-n x' '-n 1.5' '-d 0' '-d nan' '--sort size' '--forest' 'more'; do
        expect 2 $wrong
    done
    "$program" >/dev/full 2>"$work/err" && fail 'list_processes: content with a full disk'
    is err 'list_processes: No space left on device'

    if script --version 2>/dev/null | grep -q util-linux; then
        at_terminal q 0
        at_terminal '\003' 130
    else
        echo 'without the script of util-linux there is no terminal'
    fi
}

test_process_states() {
    # Whoever is left behind keeps the pipe open, and us waiting.
    if "$program" 2>&1 | grep -qx 'process_states: t: Operation not permitted'; then
        echo 'tracing is not allowed here'
        exit 77
    fi
    expect 0
    sed 's/pid [0-9]*/pid N/; s/^\(I (idle)  \).*/\1.../' "$work/out" >"$work/states"
    is states 'R (running)  pid N  runs, or would if a processor were free
S (sleeping)  pid N  sleeps until a signal comes
D (disk sleep)  pid N  waits in vfork(2), where only a deadly signal wakes it
T (stopped)  pid N  was stopped by SIGSTOP
t (tracing stop)  pid N  was stopped by its tracer
Z (zombie)  pid N  has ended, and its parent has not waited for it
I (idle)  ...
X (dead)  what has been waited for, on its way out: hardly ever caught
P (parked)  a thread of the kernel whose processor is switched off'
    is err ''
}

test_fd_limit() {
    expect 0
    is out 'soft limit 8
after descriptor 7: Too many open files
soft limit raised to the hard one: descriptor 16 is open'
}

test_fd_table() {
    expect 0
    is out 'the lowest free number is taken: yes
five bytes written: offset 5, of its dup 5, of a second open 0
three more by a child: offset 8
its descriptors: 0 1 2 7'
    is err ''
}

test_flock_demo() {
    for kind in '' --flock --fcntl --ofd; do
        expect 0 "$work/lock" $kind -- cat "$work/lock"
        is err ''
        # The first holds it, and runs the second.
        expect 1 "$work/lock" $kind -- "$program" "$work/lock" $kind --wait 0.05 -- true
        grep -qx 'locked by pid [1-9][0-9]*' "$work/err" || fail "flock_demo $kind: $(cat "$work/err")"
        [ -e "$work/lock" ] && fail "flock_demo $kind: leaves its file"
    done
    expect 7 "$work/lock" --wait 1 -- sh -c 'exit 7'
    expect 2 "$work/lock" -- "$work/nothing"
    expect 2 "$work/lock" --soon -- true
    expect 2
    ln -s nowhere "$work/link"
    expect 1 "$work/link" -- true
    is err "flock_demo: lock \"$work/link\": inspect: is a symbolic link"
    expect 0 --demo
    is out 'flock, a second open in the same process: refused
fcntl, while another open file has flock: granted
fcntl, a second open in the same process: granted
OFD, while the process has fcntl: refused
OFD, once any descriptor of the file was closed: granted
OFD, a second open in the same process: refused'
}

test_pid_file() {
    expect 0 "$work/pid" </dev/null
    grep -qx 'started, pid [1-9][0-9]*' "$work/out" || fail "pid_file: $(cat "$work/out")"
    [ -e "$work/pid" ] && fail 'pid_file: leaves its file'

    # The first is known to run once it has said so, and is killed with the file in place.
    mkfifo "$work/in" "$work/said"
    "$program" "$work/pid" <"$work/in" >"$work/said" &
    first=$!
    exec 8>"$work/in" 9<"$work/said"
    read -r line <&9
    [ "$line" = "started, pid $first" ] || fail "pid_file: says $line"
    expect 1 "$work/pid" </dev/null
    is err "already running, pid $first"
    kill -9 $first
    wait $first
    expect 0 "$work/pid" </dev/null
    grep -q '^taken over, the lock was free, pid' "$work/out" || fail "pid_file: $(cat "$work/out")"
    expect 2
}

test_epoll_echo() {
    level='level: told 3 times of three bytes that are read one by one'
    edge='edge: told 1 times of three bytes that are read one by one'
    expect 0 20
    is out "$level
$edge
a regular file: Operation not permitted
20 clients, 20 answers, 0 left"
    is err ''
    expect 0 --lt
    is out "$level"
    expect 0 --et
    is out "$edge"

    # One in two thousand: what poll(2) does two thousand times, epoll(7) does once.
    expect 0 --bench 2000
    awk '/^one of 2001: poll\(2\) [0-9.]+ us, epoll_wait\(2\) [0-9.]+ us$/ { found = $5 > $8 } END { exit !found }' \
        "$work/out" || fail "epoll_echo: the bench prints $(cat "$work/out")"
    expect 1 --bench 100000
    is err 'epoll_echo: bench: Too many open files'
    for wrong in 0 many 401 '1 2' --both '--lt 1' '--bench 0' '--bench x' '--bench 1 2'; do
        expect 2 $wrong
    done
}

test_hangup() {
    expect 0
    is err ''
    is out 'leader: killed by signal 1 (Hangup)
default: killed by signal 1 (Hangup)
ignoring: still alive
background: still alive'
    # Nor does it matter what we ignore ourselves.
    trap '' HUP
    expect 0
    [ "$(grep -c 'still alive' "$work/out")" -eq 2 ] || fail "hangup: $(cat "$work/out")"
}

test_nohup_run() {
    cd "$work" || exit 1
    touch no-program
    expect 0 sh -c 'kill -s HUP $$ && echo "still here"'
    is out 'still here'
    is err ''
    expect 3 sh -c 'exit 3'
    expect 125
    expect 126 ./no-program
    is err 'nohup_run: ./no-program: Permission denied'
    PATH=/usr/bin:/bin expect 127 no-program-has-this-name
    is err 'nohup_run: no-program-has-this-name: No such file or directory'
    [ -e nohup.out ] && fail 'nohup_run: a log, and no terminal'

    if ! script --version 2>/dev/null | grep -q util-linux; then
        echo 'without the script of util-linux there is no terminal'
        return
    fi
    # On a terminal: nothing is written there but what we say, and all else for us alone.
    umask 0
    SHELL=/bin/sh script -qec "'$program' sh -c 'cat; echo out; echo err >&2; exit 3'" /dev/null >screen </dev/null
    [ $? -eq 3 ] || fail 'nohup_run: another exit code on a terminal'
    [ "$(tr -d '\r' <screen)" = 'nohup_run: ignoring input
nohup_run: appending output to nohup.out' ] || fail "nohup_run: writes to the terminal: $(cat screen)"
    is nohup.out 'out
err'
    [ "$(stat -c %a nohup.out)" = 600 ] || fail 'nohup_run: others may read the log'

    # And the terminal goes, while the program waits for a word.
    rm nohup.out
    mkfifo word
    SHELL=/bin/sh script -qec "exec '$program' sh -c 'echo \$\$ >pid; read -r line <word; echo \"\$line\"'" \
        /dev/null >screen </dev/null &
    until [ -s pid ] && grep -q appending screen; do sleep 0.01; done
    kill -9 $!
    until [ "$(stat_field "$(cat pid)" 5)" -eq 0 ]; do sleep 0.01; done
    echo 'I live' >word
    until [ -s nohup.out ]; do sleep 0.01; done
    is nohup.out 'I live'
}

# ask REQUEST: sends this, with printf's escapes, to the server at $port, and leaves the answer in $work/answer.
ask() {
    printf "$1" | python3 -c '
import socket, sys
server = socket.create_connection(("127.0.0.1", int(sys.argv[1])))
server.sendall(sys.stdin.buffer.read())
while answer := server.recv(4096):
    sys.stdout.buffer.write(answer)
' "$port" >"$work/answer" || fail "web_server: no answer to $1"
}

# answers STATUS REQUEST
answers() {
    ask "$2"
    [ "$(head -n 1 "$work/answer" | cut -d ' ' -f 2)" = "$1" ] || fail "web_server: to $2: $(cat "$work/answer")"
    requests=$((requests + 1))
}

# Starts it at any free port, which is left in $port.
start_server() {
    : >"$work/log" # or the word of the one before would be taken for its own
    "$program" -p 0 >"$work/log" 2>"$work/complaints" &
    server=$!
    trap 'kill -9 $server 2>"$work/void"; rm -rf "$work"' EXIT
    until grep -q listening "$work/log"; do kill -0 $server || { fail 'web_server: does not start'; exit 1; }; done
    port=$(sed -n 's,^listening on http://127.0.0.1:\([0-9]*\)/$,\1,p' "$work/log")
}

test_web_server() {
    for wrong in '-p x' '-p 65536' '-p -1' '-p 1x' '-q' 'more' '-p'; do
        expect 2 $wrong
    done
    expect 2 -p ''
    start_server
    expect 1 -p "$port"
    is err "web_server: port $port: Address already in use"

    requests=0
    host='Host: here\r\n\r\n'
    long=$(printf '%09000d' 0)
    answers 200 "GET / HTTP/1.1\r\n$host"
    [ "$(tr -d '\r' <"$work/answer" | grep -v '^Date: ')" = 'HTTP/1.1 200 OK
Content-Type: text/plain
Content-Length: 12
Connection: close

Hello World' ] || fail "web_server: answers $(cat "$work/answer")"
    answers 200 "HEAD / HTTP/1.1\r\n$host"
    grep -q Hello "$work/answer" && fail 'web_server: HEAD has a body'
    answers 200 'GET / HTTP/1.0\r\n\r\n'
    answers 200 "GET /?query HTTP/1.1\r\nName:\t value \r\n$host"
    answers 200 "\r\nGET http://here HTTP/1.1\r\nhost:here\r\n\r\n"
    answers 404 "GET /nothing HTTP/1.1\r\n$host"
    answers 404 "GET http://here/nothing?/ HTTP/1.1\r\n$host"
    answers 405 "POST / HTTP/1.1\r\nContent-Length: 9000\r\n$host$long"
    grep -q '^Allow: GET, HEAD' "$work/answer" || fail 'web_server: does not say what is allowed'
    answers 405 "OPTIONS * HTTP/1.1\r\n$host"
    answers 405 "get / HTTP/1.1\r\n$host"
    answers 414 "GET /$long HTTP/1.1\r\n$host"
    answers 431 "GET / HTTP/1.1\r\nName: $long\r\n$host"
    answers 505 "GET / HTTP/2.0\r\n$host"
    for bad in 'GET / HTTP/1.1\r\n\r\n' "GET / HTTP/1.1\r\nHost: there\r\n$host" "GET  / HTTP/1.1\r\n$host" \
        "GET /\r\n$host" "GET / HTTP/1.1 \r\n$host" "GET / http/1.1\r\n$host" "GET * HTTP/1.1\r\n$host" \
        "GET /# HTTP/1.1\r\n$host" " / HTTP/1.1\r\n$host" "GET / HTTP/1.1\r\nName : value\r\n$host" \
        "GET / HTTP/1.1\r\nName: a\r\n b\r\n$host" "GET / HTTP/1.1\r\nName: a\nb\r\n$host" \
        "GET / HTTP/1.1\r\nname\r\n$host" "GET /\000 HTTP/1.1\r\n$host"; do
        answers 400 "$bad"
    done
    [ "$(grep -c '^Handle request: ' "$work/log")" -eq $requests ] || fail "web_server: logs $(cat "$work/log")"

    # Its end: who has said nothing yet is left, who has begun gets an answer, and nobody else does.
    python3 -c '
import os, signal, socket, sys
port, server = int(sys.argv[1]), int(sys.argv[2])
def call():
    return socket.create_connection(("127.0.0.1", port), timeout=20)
silent, begun, other = call(), call(), call()
begun.sendall(b"GET / HT")
other.sendall(b"GET / HTTP/1.0\r\n\r\n")
assert other.recv(100).startswith(b"HTTP/1.1 200")
other.close()
os.kill(server, signal.SIGTERM)
assert silent.recv(100) == b""
try:
    call()
    sys.exit("calls are still taken")
except ConnectionRefusedError:
    pass
begun.sendall(b"TP/1.0\r\n\r\n")
assert begun.recv(100).startswith(b"HTTP/1.1 200")
' "$port" $server || fail 'web_server: ends in another way'
    wait $server || fail "web_server: exits with $?"
    is complaints ''

    start_server
    kill -s INT $server
    wait $server || fail "web_server: exits with $? after SIGINT"
}

test_signal_handler() {
    "$program" >"$work/out" 2>"$work/err" &
    pid=$!
    until grep -q waits "$work/out"; do :; done
    for signal in USR1 INT INT; do
        lines=$(wc -l <"$work/out")
        kill -s $signal "$pid"
        until [ "$(wc -l <"$work/out")" -gt "$lines" ]; do :; done
    done
    wait "$pid" || fail 'signal_handler: does not end well'
    uid=$(id -u)
    is out "pid $pid waits
SIGUSR1 from pid $$ uid $uid
SIGINT from pid $$ uid $uid
once more to end
SIGINT from pid $$ uid $uid"
    is err ''
}

test_signal_queue() {
    expect 0
    is out 'SIGUSR1 delivered 1 of 5
SIGRTMIN delivered 5 of 5: 0 10 20 30 40'
}

test_kill_process() {
    sleep 60 &
    expect 0 $!
    is out "sent SIGTERM to $!"
    wait $!
    [ $? -eq 143 ] || fail 'kill_process: it was not SIGTERM'
    gone=$!
    sleep 60 &
    expect 0 -s sigkill $!
    is out "sent SIGKILL to $!"
    wait $!
    [ $? -eq 137 ] || fail 'kill_process: it was not SIGKILL'
    expect 1 -9 $gone
    is err "kill_process: $gone: No such process"
    expect 2 -0 1
    expect 2
    expect 2 -s
    expect 2 -s nothing 1
    expect 1 -CONT -- -1
    is err 'kill_process: --: Invalid argument
kill_process: -1: Invalid argument'
}

test_sigkill() {
    expect 0
    [ "$(head -n 7 "$work/out")" = 'SIGKILL: a handler: Invalid argument
SIGKILL: blocking it: no error, blocked: no
SIGKILL: signals: signal "KILL": Invalid argument
SIGSTOP: a handler: Invalid argument
SIGSTOP: blocking it: no error, blocked: no
SIGSTOP: signals: signal "STOP": Invalid argument
a child that ignores SIGTERM: killed by SIGKILL' ] || fail "sigkill: prints $(cat "$work/out")"
    grep -qE '^pid 1 of a namespace and its own SIGKILL: (lives on|no namespace here)$' "$work/out" ||
        fail 'sigkill: says nothing of namespaces'
}

test_orphan() {
    expect 0
    grep -qE '^ppid before [0-9]+, after [0-9]+, session the same$' "$work/out" || fail "orphan: $(cat "$work/out")"
    expect 0 --subreaper
    grep -qE '^ppid before [0-9]+, after [0-9]+ \(me\), session the same$' "$work/out" || fail "orphan: $(cat "$work/out")"
    grep -qx 'the orphan exited with 3' "$work/out" || fail 'orphan: its code is not collected'
}

test_zombie() {
    expect 0
    is out 'ended: state Z (zombie), 0 bytes of arguments, memory: none
killed once more: state Z (zombie), 0 bytes of arguments, memory: none
waited for: No such process
in the callback of a loop: state Z (zombie), 0 bytes of arguments, memory: none
it exited with 7
after it: No such process
SIGCHLD ignored, waitpid: No child processes'
}

# The field of /proc/PID/stat that is so far behind the name: 1 state, 2 parent, 3 group, 4 session, 5 terminal.
stat_field() {
    sed 's/.*) //' "/proc/$1/stat" | cut -d ' ' -f "$2"
}

# is_daemon: the one that was just started, by daemon(7). Leaves its pid in $daemon, to be ended by end_daemon.
is_daemon() {
    daemon=$(sed -n 's/^started pid //p' "$work/out")
    [ -n "$daemon" ] || { fail 'daemon: tells no pid'; return; }
    trap 'kill -9 "$daemon" 2>"$work/void"; rm -rf "$work"' EXIT
    [ "$(stat_field "$daemon" 5)" -eq 0 ] || fail 'daemon: has a terminal'
    [ "$(stat_field "$daemon" 4)" -ne "$daemon" ] || fail 'daemon: leads its session'
    [ "$(stat_field "$daemon" 4)" -ne "$(stat_field $$ 4)" ] || fail 'daemon: is in our session'
    [ "$(readlink "/proc/$daemon/cwd")" = / ] || fail 'daemon: is not in the root directory'
    [ "$(sed -n 's/^Umask:[[:space:]]*//p' "/proc/$daemon/status")" = 0027 ] || fail 'daemon: has another umask'
    for fd in 0 1 2; do
        [ "$(readlink "/proc/$daemon/fd/$fd")" = /dev/null ] || fail "daemon: $fd is not the null device"
    done
}

end_daemon() {
    kill -9 "$daemon"
    while [ -d "/proc/$daemon" ] && [ "$(stat_field "$daemon" 1)" != Z ]; do sleep 0.01; done
    trap 'rm -rf "$work"' EXIT
}

# A program as a supervisor's: it says that it works, waits for a word, and then is ready, or cannot start.
service='
import os, signal, socket, sys
work, outcome = sys.argv[1:]
address = os.environ["NOTIFY_SOCKET"]
def tell(text):
    socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM).sendto(text, address.replace("@", "\0", 1))
tell(b"STATUS=looks for a port")
open(work + "/begun", "w").close()
open(work + "/word").read()
if outcome == "fail":
    tell(b"STATUS=no port is free")
    sys.exit(3)
tell(b"READY=1")
signal.pause()'

# starts_late STATUS OUTCOME: as expect, and the launcher is not back before the word.
starts_late() {
    rm -f "$work/begun" "$work/word"
    mkfifo "$work/word"
    "$program" -n "$python" -c "$service" "$work" "$2" >"$work/out" 2>"$work/err" &
    launcher=$!
    until [ -e "$work/begun" ] || ! kill -0 $launcher 2>"$work/void"; do sleep 0.01; done
    case $(stat_field $launcher 1) in
        '' | Z) fail "daemon: is back before: $(cat "$work/err")" ;;
    esac
    echo go on >"$work/word"
    wait $launcher
    got=$?
    [ $got -eq "$1" ] || fail "daemon -n ... $2: exits with $got, not $1: $(cat "$work/err")"
}

test_daemon() {
    unset NOTIFY_SOCKET LISTEN_PID
    python=$(command -v python3)
    PATH=/usr/bin:/bin
    expect 0 sleep 60
    is_daemon
    end_daemon
    expect 127 no-program-has-this-name
    grep -q '^daemon "no-program-has-this-name": search ' "$work/err" || fail 'daemon: does not say what is missing'
    expect 126 /etc/passwd
    is err 'daemon "/etc/passwd": exec "/etc/passwd": Permission denied'

    # One at a time, as long as it runs.
    expect 0 -p "$work/pid" sleep 60
    is_daemon
    [ "$(head -n 1 "$work/pid")" = "$daemon" ] || fail 'daemon: another pid in its file'
    expect 1 -p "$work/pid" sleep 60
    is err "daemon \"sleep\": lock \"$work/pid\": already running, pid $daemon"
    expect 1 -f -p "$work/pid" sleep 60
    is err "daemonize: lock \"$work/pid\": already running, pid $daemon"
    end_daemon
    expect 3 -f -p "$work/pid" sh -c 'exit 3'
    expect 127 -f no-program-has-this-name

    # Ready when it says so, and never before; or not at all, and why.
    starts_late 0 ready
    is err ''
    is_daemon
    end_daemon
    starts_late 3 fail
    is err "daemon \"$python\": start: exited with 3 before it was ready: no port is free"
    is out ''
    expect 4 -n sh -c 'exit 4'
    is err 'daemon "sh": start: exited with 4 before it was ready'
    expect 139 -n sh -c 'kill -SEGV $$'
    grep -q 'killed by SIGSEGV' "$work/err" || fail 'daemon: does not tell the signal'
    expect 124 -n -t 0.3 -p "$work/silent" sleep 60
    is err 'daemon "sleep": start: not ready after 300 ms, but running'
    daemon=$(head -n 1 "$work/silent")
    end_daemon
    expect 2
    expect 2 -x
}

"test_$name"
exit $failed
