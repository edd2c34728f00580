# SPDX-License-Identifier: MIT
"""The same from Python, by ctypes alone: the structs are spelled out, as any foreign language would.

    app.py LIBRARY
"""
import ctypes as c
import sys

CAPTURE, BYTES, UP_TO_THE_NUL = 10, 9, c.c_size_t(-1).value


class Stdio(c.Structure):
    _fields_ = [('kind', c.c_int32), ('flags', c.c_uint32), ('fd', c.c_int32), ('open_flags', c.c_int32),
                ('mode', c.c_uint32), ('reserved0', c.c_uint32), ('path', c.c_char_p), ('data', c.c_char_p),
                ('size', c.c_size_t), ('on_data', c.c_void_p), ('on_space', c.c_void_p), ('user', c.c_void_p),
                ('reserved', c.c_uint64 * 2)]


class List(c.Structure):
    _fields_ = [('items', c.c_void_p), ('count', c.c_size_t)]


class Error(c.Structure):
    _fields_ = [('step', c.c_int32), ('code', c.c_int32), ('index', c.c_int32), ('changed', c.c_uint32),
                ('text', c.c_char * 240)]


class Options(c.Structure):
    _fields_ = [('size', c.c_size_t), ('flags', c.c_uint32), ('timeout_ms', c.c_int32),
                ('input', Stdio), ('out', Stdio), ('err', Stdio), ('fds', List),
                ('program', c.c_char_p), ('search', c.c_char_p), ('env', c.c_void_p), ('env_edit', c.c_void_p),
                ('cwd', c.c_char_p), ('umask', c.c_void_p), ('stop', List), ('error', c.POINTER(Error)),
                ('rarer', c.c_void_p * 10)]


class Exit(c.Structure):
    _fields_ = [('kind', c.c_int32), ('code', c.c_int32), ('core', c.c_int32), ('reserved0', c.c_int32),
                ('reserved', c.c_uint64 * 4)]


class Output(c.Structure):
    _fields_ = [('data', c.c_void_p), ('len', c.c_size_t), ('total', c.c_uint64), ('fd', c.c_int32),
                ('truncated', c.c_int32), ('open', c.c_int32), ('error', c.c_int32), ('reserved', c.c_uint64 * 4)]


class Usage(c.Structure):
    _fields_ = [('figures', c.c_int64 * 9), ('max_rss_inherited', c.c_uint32), ('reserved0', c.c_uint32),
                ('reserved', c.c_uint64 * 4)]


class Result(c.Structure):
    _fields_ = [('exit', Exit), ('out', Output), ('err', Output),
                ('timed_out', c.c_int32), ('output_open', c.c_int32), ('input_cut', c.c_int32),
                ('cancelled', c.c_int32), ('error', c.c_int32), ('reserved0', c.c_int32),
                ('duration_ms', c.c_int64), ('usage', Usage), ('outputs', c.c_void_p), ('output_count', c.c_size_t),
                ('reserved', c.c_uint64 * 16)]


proc = c.CDLL(sys.argv[1])
error = Error()
options = Options(size=c.sizeof(Options), error=c.pointer(error),
                  input=Stdio(kind=BYTES, data=b'hello\n', size=UP_TO_THE_NUL), out=Stdio(kind=CAPTURE))
argv = (c.c_char_p * 4)(b'tr', b'a-z', b'A-Z', None)
result = Result()
rc = proc.proc_run(c.byref(result), argv, c.byref(options))
if rc < 0:
    sys.exit(error.text.decode())
good = proc.proc_result_ok(c.byref(result)) == 1 and c.string_at(result.out.data, result.out.len) == b'HELLO\n'
proc.proc_result_done(c.byref(result))
print('consumer works' if good else 'consumer fails')
sys.exit(0 if good else 1)
