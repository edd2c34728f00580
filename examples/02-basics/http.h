/* SPDX-License-Identifier: MIT */
/* The language of web_server: requests as RFC 9112 has them, and the heads of answers. Knows no sockets. */
#ifndef EXAMPLES_HTTP_H
#define EXAMPLES_HTTP_H

#include <stddef.h>

#define HTTP_MOST_HEAD 8192 /* a request line and its fields; longer ones are refused */
#define HTTP_MOST_ANSWER 512

struct http_request {
    int is_head;      /* HEAD: an answer without its body */
    size_t path_len;
    const char *path; /* from the first slash to a question mark or the end; in the caller's bytes, or "/" */
};

/*
 * 0: more bytes are needed; 200: understood, and *ret_request is written; else the status that refuses it: 400, 405,
 * 414, 431, 505.
 */
int http_parse(const char *bytes, size_t len, struct http_request *ret_request);

/* An answer that ends the connection, with this text as its body. Its length. */
size_t http_answer(int status, const char *text, int is_head, char answer[HTTP_MOST_ANSWER]);

#endif
