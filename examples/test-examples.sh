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
    expect 127 10 no-program-has-this-name
    expect 0 10 echo through
    is out through
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

test_epoll_echo() {
    expect 0 20
    is out 'level: told 3 times of three bytes that are read one by one
edge: told 1 times of three bytes that are read one by one
a regular file: Operation not permitted
20 clients, 20 answers, 0 left'
    is err ''
    expect 2 0
    expect 2 many
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

"test_$name"
exit $failed
