/* Pipelined DNS queries over TCP or TLS, cheap enough to saturate a server from one core.
 *
 *   stream_load SERVER PORT FILE SECONDS CONNECTIONS PIPELINED tcp|tls FIRST_SOURCE SOURCES
 *
 * FILE: queries, each behind two octets of length, which is how a stream carries them; sent in
 * order, round and round. Each connection sends PIPELINED queries in one write and then reads
 * their replies; all connections write before the first one reads.
 * Prints "ready" once all are connected, and begins when it reads a line.
 * Then prints: answered nanoseconds
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <openssl/ssl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

struct connection { int fd; SSL *tls; };

static unsigned char text[64 << 20], batch[1 << 16], in[1 << 16];
static size_t size, at;

static int64_t now(void) { struct timespec t; clock_gettime(CLOCK_MONOTONIC, &t); return t.tv_sec * 1000000000LL + t.tv_nsec; }
static void fail(const char *what) { perror(what); exit(1); }

static int get(struct connection *c) { return c->tls ? SSL_read(c->tls, in, sizeof in) : read(c->fd, in, sizeof in); }

static struct connection opened(char **argv, int number, SSL_CTX *context) {
    uint32_t source = ntohl(inet_addr(argv[8])) + number % atoi(argv[9]);
    struct sockaddr_in here = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(source)};
    struct sockaddr_in there = {.sin_family = AF_INET, .sin_port = htons(atoi(argv[2]))};
    inet_pton(AF_INET, argv[1], &there.sin_addr);
    struct connection c = {.fd = socket(AF_INET, SOCK_STREAM, 0)};
    setsockopt(c.fd, IPPROTO_TCP, TCP_NODELAY, &(int){1}, sizeof(int));
    setsockopt(c.fd, SOL_SOCKET, SO_RCVTIMEO, &(struct timeval){.tv_sec = 10}, sizeof(struct timeval));
    if (bind(c.fd, (void *)&here, sizeof here) || connect(c.fd, (void *)&there, sizeof there)) fail("connect");
    if (context) {
        c.tls = SSL_new(context);
        SSL_set_fd(c.tls, c.fd);
        if (SSL_connect(c.tls) != 1) fail("TLS");
    }
    return c;
}

static void ask(struct connection *c, int count) {
    int length = 0;
    for (; count; count--) {
        if (at + 2 > size) at = 0;
        int n = 2 + (text[at] << 8 | text[at + 1]);
        memcpy(batch + length, text + at, n);
        length += n; at += n;
    }
    if ((c->tls ? SSL_write(c->tls, batch, length) : write(c->fd, batch, length)) != length) fail("write");
}

/* Read until so many replies have come; nothing follows them, for nothing more was asked. */
static void take_replies(struct connection *c, int count) {
    int missing = 0, high = -1; /* octets of the reply that has begun; the first octet of a length */
    while (count) {
        int n = get(c);
        if (n <= 0) fail("read");
        for (int i = 0; i < n;) {
            if (missing) {
                int some = missing < n - i ? missing : n - i;
                i += some; missing -= some;
                if (!missing) count--;
            } else if (high < 0) high = in[i++];
            else { missing = high << 8 | in[i++]; high = -1; }
        }
    }
}

int main(int argc, char **argv) {
    if (argc != 10) { fprintf(stderr, "stream_load: nine arguments, see the source\n"); return 2; }
    FILE *f = fopen(argv[3], "rb");
    if (!f) fail(argv[3]);
    size = fread(text, 1, sizeof text, f);
    int count = atoi(argv[5]), pipelined = atoi(argv[6]);
    SSL_CTX *context = strcmp(argv[7], "tls") ? NULL : SSL_CTX_new(TLS_client_method());
    struct connection *connections = calloc(count, sizeof *connections);
    for (int i = 0; i < count; i++) connections[i] = opened(argv, i, context);
    puts("ready"); fflush(stdout); getchar();
    int64_t start = now(), end = start + atof(argv[4]) * 1e9;
    uint64_t answered = 0;
    while (now() < end) {
        for (int i = 0; i < count; i++) ask(&connections[i], pipelined);
        for (int i = 0; i < count; i++) take_replies(&connections[i], pipelined);
        answered += count * pipelined;
    }
    printf("%lu %ld\n", answered, (long)(now() - start));
    return 0;
}
