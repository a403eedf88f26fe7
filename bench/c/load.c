/* A load of DNS queries over UDP, cheap enough to saturate a server from one core.
 *
 *   load SERVER PORT FILE SECONDS WINDOW RATE FIRST_SOURCE SOURCES
 *
 * FILE: queries, each behind two octets of length; sent in order, round and round, or with
 * 0 SECONDS each of them once.
 * WINDOW: queries outstanding in all (closed loop); RATE: queries a second (0: as fast as the
 * window lets). Queries leave from SOURCES addresses counted up from FIRST_SOURCE, one socket each.
 * Prints: sent answered nanoseconds mean_us p50_us p99_us rcode0 rcode3 rcode5 other truncated
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <poll.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <time.h>

#define BATCH 64
#define IDS 65536
#define BUCKETS 200000 /* 1 us each; the last takes the rest */
#define LOST_NS 1000000000LL
#define SLEEP_NS 1000000LL /* with longer to the next query it sleeps: the upstream may share the core */

static int64_t now(void) { struct timespec t; clock_gettime(CLOCK_MONOTONIC, &t); return t.tv_sec * 1000000000LL + t.tv_nsec; }
static uint32_t histogram[BUCKETS];
static uint64_t rcodes[16], truncated, sent, answered, total_us;

struct source { int fd; int64_t at[IDS]; uint16_t next; uint32_t outstanding; };

static char in[BATCH][4096], out[BATCH][512];
static struct iovec in_vectors[BATCH], out_vectors[BATCH];
static struct mmsghdr in_headers[BATCH], out_headers[BATCH];

static int drain(struct source *s) {
    int n = recvmmsg(s->fd, in_headers, BATCH, MSG_DONTWAIT, NULL);
    int64_t t = now();
    for (int i = 0; i < n; i++) {
        unsigned char *m = (unsigned char *)in[i];
        uint16_t id = m[0] << 8 | m[1];
        if (in_headers[i].msg_len < 12 || !(m[2] & 0x80) || !s->at[id]) continue;
        uint64_t us = (t - s->at[id]) / 1000;
        s->at[id] = 0; s->outstanding--; answered++; total_us += us;
        histogram[us < BUCKETS ? us : BUCKETS - 1]++;
        rcodes[m[3] & 15]++;
        if (m[2] & 2) truncated++;
    }
    return n;
}

static uint64_t quantile(double q) {
    uint64_t seen = 0, want = answered * q;
    for (int i = 0; i < BUCKETS; i++) if ((seen += histogram[i]) > want) return i;
    return BUCKETS;
}

int main(int argc, char **argv) {
    if (argc != 9) { fprintf(stderr, "load: eight arguments, see the source\n"); return 2; }
    FILE *f = fopen(argv[3], "rb");
    if (!f) { perror(argv[3]); return 1; }
    static unsigned char text[64 << 20]; size_t size = fread(text, 1, sizeof text, f), queries = 0;
    static size_t offsets[4 << 20];
    for (size_t at = 0; at + 2 <= size; at += 2 + (text[at] << 8 | text[at + 1])) offsets[queries++] = at;
    double seconds = atof(argv[4]); uint32_t window = atoi(argv[5]); double rate = atof(argv[6]);
    int n_sources = atoi(argv[8]); uint32_t first = ntohl(inet_addr(argv[7]));
    struct source *sources = calloc(n_sources, sizeof *sources);
    struct pollfd *polls = calloc(n_sources, sizeof *polls);
    struct sockaddr_in there = {.sin_family = AF_INET, .sin_port = htons(atoi(argv[2]))};
    inet_pton(AF_INET, argv[1], &there.sin_addr);
    for (int i = 0; i < n_sources; i++) {
        struct sockaddr_in here = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(first + i)};
        int fd = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK, 0), buffer = 4 << 20;
        setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &buffer, sizeof buffer);
        if (bind(fd, (struct sockaddr *)&here, sizeof here) || connect(fd, (struct sockaddr *)&there, sizeof there)) { perror("load"); return 1; }
        sources[i].fd = fd; polls[i] = (struct pollfd){.fd = fd, .events = POLLIN};
    }
    for (int i = 0; i < BATCH; i++) {
        in_vectors[i] = (struct iovec){in[i], sizeof in[i]};
        in_headers[i].msg_hdr = (struct msghdr){.msg_iov = &in_vectors[i], .msg_iovlen = 1};
        out_headers[i].msg_hdr = (struct msghdr){.msg_iov = &out_vectors[i], .msg_iovlen = 1};
    }
    prctl(PR_SET_TIMERSLACK, 1, 0, 0, 0);
    int once = seconds == 0;
    int64_t start = now(), end = start + seconds * 1e9, swept = start;
    uint32_t outstanding = 0, per_source = window / n_sources ? window / n_sources : 1;
    size_t q = 0; int turn = 0;
    while (once ? q < queries || outstanding : now() < end) {
        int idle = 1; outstanding = 0;
        for (int i = 0; i < n_sources; i++) { while (drain(&sources[i]) == BATCH); outstanding += sources[i].outstanding; }
        for (int k = 0; k < n_sources; k++) {
            struct source *s = &sources[turn = (turn + 1) % n_sources];
            int64_t due = rate ? (int64_t)((now() - start) * rate / 1e9) - (int64_t)sent : BATCH;
            int room = per_source > s->outstanding ? per_source - s->outstanding : 0;
            int n = due < room ? due : room; if (n > BATCH) n = BATCH; if (n <= 0) continue;
            if (rate && n > 8) n = 8;
            if (once && n > (int64_t)(queries - q)) n = queries - q;
            if (!n) continue;
            int64_t t = now();
            for (int i = 0; i < n; i++) {
                size_t at = offsets[q++ % queries]; size_t length = text[at] << 8 | text[at + 1];
                memcpy(out[i], text + at + 2, length);
                while (s->at[s->next]) s->next++;
                out[i][0] = s->next >> 8; out[i][1] = s->next & 255; s->at[s->next++] = t;
                out_vectors[i] = (struct iovec){out[i], length};
            }
            int k2 = sendmmsg(s->fd, out_headers, n, 0);
            if (k2 < 0) k2 = 0;
            for (int i = k2; i < n; i++) { uint16_t id = (unsigned char)out[i][0] << 8 | (unsigned char)out[i][1]; s->at[id] = 0; q--; }
            s->outstanding += k2; sent += k2; idle = 0;
        }
        if (now() - swept > LOST_NS) { /* a lost query makes room again */
            swept = now();
            for (int i = 0; i < n_sources; i++) for (int id = 0; id < IDS; id++)
                if (sources[i].at[id] && swept - sources[i].at[id] > LOST_NS) { sources[i].at[id] = 0; sources[i].outstanding--; }
        }
        if (idle && !rate) poll(polls, n_sources, 1);
        int64_t next = rate ? start + (int64_t)((sent + 1) * 1e9 / rate) - now() : 0;
        if (idle && next > SLEEP_NS) { struct timespec t = {0, next % 1000000000}; ppoll(polls, n_sources, &t, NULL); }
    }
    int64_t stop = now() + 200000000;
    int64_t took = now() - start;
    while (now() < stop) {
        poll(polls, n_sources, 10);
        for (int i = 0; i < n_sources; i++) drain(&sources[i]);
    }
    printf("%lu %lu %ld %.1f %lu %lu %lu %lu %lu %lu %lu\n", sent, answered, (long)took,
           answered ? (double)total_us / answered : 0.0, quantile(0.5), quantile(0.99),
           rcodes[0], rcodes[3], rcodes[5], answered - rcodes[0] - rcodes[3] - rcodes[5], truncated);
    return 0;
}
