/* SPDX-License-Identifier: MIT */
/*
 * Nothing is repaired: what is not a request as RFC 9112 has it is refused, since two that repair differently can be
 * played off against each other.
 */
#define _GNU_SOURCE 1 /* memmem */
#include "http.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <time.h>

/* What is left to be read of a line. */
struct text {
    const char *at, *end;
};

/* ---- Characters ---- */

/* Of methods and the names of fields. */
static int is_token(unsigned char c)
{
    return (c >= '0' && c <= '9') || ((c | 32) >= 'a' && (c | 32) <= 'z') || (c && strchr("!#$%&'*+-.^_`|~", c));
}

static int is_visible(unsigned char c)
{
    return c > ' ' && c < 127;
}

static int is_of_path(unsigned char c)
{
    return c != '?';
}

static int is_of_host(unsigned char c)
{
    return c != '?' && c != '/';
}

static int is_of_value(unsigned char c)
{
    return c == '\t' || (c >= ' ' && c != 127);
}

/* As many of that kind as there are. */
static struct text take(struct text *text, int (*is_one)(unsigned char c))
{
    struct text taken = {text->at, text->at};
    while (taken.end < text->end && is_one((unsigned char)*taken.end))
        taken.end++;
    text->at = taken.end;
    return taken;
}

static int take_char(struct text *text, char c)
{
    return text->at < text->end && *text->at == c ? (text->at++, 1) : 0;
}

static int is(struct text text, const char *word)
{
    size_t len = (size_t)(text.end - text.at);
    return len == strlen(word) && memcmp(text.at, word, len) == 0;
}

/* ---- Lines ---- */

/* Up to its CR LF, which is skipped. 0: there is no more. */
static int take_line(struct text *head, struct text *ret_line)
{
    const char *end = memmem(head->at, (size_t)(head->end - head->at), "\r\n", 2);
    if (!end)
        return 0;
    *ret_line = (struct text){head->at, end};
    head->at = end + 2;
    return 1;
}

/* "/path?query", or the same behind "http://host". 0: neither. */
static int read_target(struct text target, struct http_request *ret_request)
{
    static const char root[] = "/";
    if (memmem(target.at, (size_t)(target.end - target.at), "#", 1))
        return 0;
    if (target.end - target.at > 7 && strncasecmp(target.at, "http://", 7) == 0) {
        target.at += 7;
        take(&target, is_of_host);
        if (target.at == target.end || *target.at == '?')
            target = (struct text){root, root + 1};
    }
    if (target.at == target.end || *target.at != '/')
        return 0;
    struct text path = take(&target, is_of_path);
    ret_request->path = path.at;
    ret_request->path_len = (size_t)(path.end - path.at);
    return 1;
}

static int read_version(struct text version, int *ret_minor)
{
    if (version.end - version.at != 8 || memcmp(version.at, "HTTP/", 5) != 0 || version.at[6] != '.' ||
        version.at[5] < '0' || version.at[5] > '9' || version.at[7] < '0' || version.at[7] > '9')
        return 400;
    *ret_minor = version.at[7] - '0';
    return version.at[5] == '1' ? 200 : 505;
}

static int read_request_line(struct text line, struct http_request *ret_request, int *ret_minor)
{
    struct text method = take(&line, is_token);
    int has_method = method.at < method.end && take_char(&line, ' ');
    struct text target = take(&line, is_visible);
    if (!has_method || !take_char(&line, ' '))
        return 400;
    int status = read_version(line, ret_minor);
    if (status != 200)
        return status;
    ret_request->is_head = is(method, "HEAD");
    if (!ret_request->is_head && !is(method, "GET"))
        return 405;
    return read_target(target, ret_request) ? 200 : 400;
}

/* 0: no field. A line that begins with a blank, which once continued the one before, is none. */
static int read_field(struct text line, int *hosts)
{
    struct text name = take(&line, is_token);
    if (name.at == name.end || !take_char(&line, ':'))
        return 0;
    take(&line, is_of_value);
    *hosts += name.end - name.at == 4 && strncasecmp(name.at, "Host", 4) == 0;
    return line.at == line.end;
}

/* ---- Requests and answers ---- */

int http_parse(const char *bytes, size_t len, struct http_request *ret_request)
{
    struct http_request request;
    struct text head = {bytes, bytes + len}, line = head;
    int minor, hosts = 0;
    if (len >= 2 && memcmp(bytes, "\r\n", 2) == 0)
        head.at += 2; /* some send one too many behind the request before */
    const char *end = memmem(head.at, (size_t)(head.end - head.at), "\r\n\r\n", 4);
    if (!end && len < HTTP_MOST_HEAD)
        return 0;
    if (!end)
        return take_line(&head, &line) ? 431 : 414;
    head.end = end + 2;
    take_line(&head, &line);
    int status = read_request_line(line, &request, &minor);
    if (status == 400 || status == 505)
        return status;
    while (take_line(&head, &line))
        if (!read_field(line, &hosts))
            return 400;
    if (hosts > 1 || (hosts == 0 && minor > 0))
        return 400;
    if (status == 200)
        *ret_request = request;
    return status;
}

static const char *reason_of(int status)
{
    switch (status) {
    case 200: return "OK";
    case 400: return "Bad Request";
    case 404: return "Not Found";
    case 405: return "Method Not Allowed";
    case 414: return "URI Too Long";
    case 431: return "Request Header Fields Too Large";
    default: return "HTTP Version Not Supported";
    }
}

size_t http_answer(int status, const char *text, int is_head, char answer[HTTP_MOST_ANSWER])
{
    char date[64];
    const char *reason = reason_of(status);
    const time_t now = time(NULL);
    struct tm parts;
    if (!text)
        text = reason;
    strftime(date, sizeof date, "%a, %d %b %Y %H:%M:%S GMT", gmtime_r(&now, &parts));
    int len = snprintf(answer, HTTP_MOST_ANSWER,
                       "HTTP/1.1 %d %s\r\nDate: %s\r\n%sContent-Type: text/plain\r\nContent-Length: %zu\r\n"
                       "Connection: close\r\n\r\n%s%s",
                       status, reason, date, status == 405 ? "Allow: GET, HEAD\r\n" : "", strlen(text) + 1,
                       is_head ? "" : text, is_head ? "" : "\n");
    return len < HTTP_MOST_ANSWER ? (size_t)len : HTTP_MOST_ANSWER - 1;
}
