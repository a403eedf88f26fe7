/* An open loop of DNS queries over UDP: each query has the moment at which it is due, whatever
 * became of the ones before it, and its latency counts from that moment.
 *
 *   open_load SERVER PORT TRACE FIRST COUNT RATE FIRST_SOURCE SOURCES
 *
 * TRACE: entries of two octets with the gap to the entry before (in thousandths of the mean gap),
 * one with the source's number, one with the length, and the query; its ID is made here.
 * Entries FIRST to FIRST + COUNT are sent, RATE a second on average. Each of SOURCES addresses,
 * counted up from FIRST_SOURCE, has PORTS sockets, taken in turn. A query without its reply after
 * PATIENCE_NS counts as unanswered.
 * Prints JSON; times in microseconds. `late`: how long after its moment a query left; where that
 * is long, the machine was too busy to measure.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <fcntl.h>
#include <sched.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <time.h>

#define PORTS 8
#define SLOTS 4096 /* queries outstanding on one socket: the low bits of the ID */
#define EVENTS 64
#define MOST_US 2000000
#define PATIENCE_NS 2000000000LL
#define SPIN_NS 60000LL /* where others may run first it does not sleep so close to the next query */

struct slot { int64_t due; const unsigned char *query; uint16_t id; };
struct asker { int fd; uint16_t next; struct slot slots[SLOTS]; };
struct histogram { uint32_t counts[MOST_US + 1]; uint64_t total, sum; };

static struct histogram latencies, lateness;
static uint64_t rcodes[16], nodata, truncated, mismatched;
static int64_t spin = SPIN_NS;

static int64_t now(void) { struct timespec t; clock_gettime(CLOCK_MONOTONIC, &t); return t.tv_sec * 1000000000LL + t.tv_nsec; }

static void note(struct histogram *h, int64_t ns) {
    uint64_t us = ns > 0 ? ns / 1000 : 0;
    h->counts[us < MOST_US ? us : MOST_US]++; h->total++; h->sum += us;
}

static unsigned long quantile(const struct histogram *h, double q) {
    uint64_t seen = 0, want = h->total * q;
    for (int i = 0; i <= MOST_US; i++) if ((seen += h->counts[i]) > want) return i;
    return h->total ? MOST_US : 0;
}

static int question_length(const unsigned char *query) {
    int at = 12;
    while (query[at]) at += query[at] + 1;
    return at + 5 - 12;
}

static void take_reply(struct asker *from) {
    unsigned char m[4096];
    ssize_t n = recv(from->fd, m, sizeof m, 0);
    if (n < 12 || !(m[2] & 0x80)) return;
    uint16_t id = m[0] << 8 | m[1];
    struct slot *slot = &from->slots[id % SLOTS];
    int64_t taken = now() - slot->due;
    if (!slot->query || slot->id != id || taken > PATIENCE_NS) return;
    int length = question_length(slot->query);
    if (n < 12 + length || memcmp(m + 12, slot->query + 12, length)) { mismatched++; return; }
    slot->query = NULL;
    note(&latencies, taken);
    rcodes[m[3] & 15]++;
    if (!(m[3] & 15) && !m[6] && !m[7]) nodata++;
    if (m[2] & 2) truncated++;
}

static void ask(struct asker *asker, const unsigned char *query, int length, int64_t due) {
    unsigned char m[256];
    memcpy(m, query, length);
    uint16_t id = asker->next++;
    m[0] = id >> 8; m[1] = id;
    asker->slots[id % SLOTS] = (struct slot){due, query, id};
    note(&lateness, now() - due);
    if (send(asker->fd, m, length, 0) < 0) send(asker->fd, m, length, 0); /* the first tells of an earlier refusal */
}

static struct asker *open_askers(char **argv, int count, int epoll) {
    struct asker *askers = calloc(count, sizeof *askers);
    struct sockaddr_in there = {.sin_family = AF_INET, .sin_port = htons(atoi(argv[2]))};
    inet_pton(AF_INET, argv[1], &there.sin_addr);
    for (int i = 0; i < count; i++) {
        uint32_t source = ntohl(inet_addr(argv[7])) + i / PORTS;
        struct sockaddr_in here = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(source)};
        int fd = askers[i].fd = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK, 0), buffer = 1 << 20;
        setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &buffer, sizeof buffer);
        if (bind(fd, (void *)&here, sizeof here) || connect(fd, (void *)&there, sizeof there)) { perror("open_load"); exit(1); }
        epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &(struct epoll_event){.events = EPOLLIN, .data.ptr = &askers[i]});
    }
    return askers;
}

/* Wait for replies, but not past `until`, and take those that are there. */
static void take_replies(int epoll, int64_t until) {
    struct epoll_event events[EVENTS];
    int64_t left = until - now() - spin;
    struct timespec timeout = {0, 0};
    if (left > 0) timeout = (struct timespec){left / 1000000000LL, left % 1000000000LL};
    int n = epoll_pwait2(epoll, events, EVENTS, &timeout, NULL);
    for (int i = 0; i < n; i++) take_reply(events[i].data.ptr);
}

static const unsigned char *open_trace(const char *path, size_t *size) {
    int fd = open(path, O_RDONLY);
    struct stat about;
    if (fd < 0 || fstat(fd, &about)) { perror(path); exit(1); }
    *size = about.st_size;
    return mmap(NULL, *size, PROT_READ, MAP_PRIVATE | MAP_POPULATE, fd, 0);
}

int main(int argc, char **argv) {
    if (argc != 9) { fprintf(stderr, "open_load: eight arguments, see the source\n"); return 2; }
    size_t size, at = 0;
    const unsigned char *trace = open_trace(argv[3], &size);
    uint64_t first = atoll(argv[4]), count = atoll(argv[5]), sent = 0;
    double thousandth_ns = 1e6 / atof(argv[6]), passed = 0;
    int n_askers = atoi(argv[8]) * PORTS, epoll = epoll_create1(0);
    struct asker *askers = open_askers(argv, n_askers, epoll);
    prctl(PR_SET_TIMERSLACK, 1, 0, 0, 0);
    /* Ahead of all but the authority, where that is allowed; it sleeps between queries. */
    if (!sched_setscheduler(0, SCHED_FIFO, &(struct sched_param){.sched_priority = 1})) spin = 0;
    for (; first && at < size; first--) at += 4 + trace[at + 3];
    int64_t start = now() + 1000000, due = start;
    while (sent < count && at < size) {
        const unsigned char *entry = trace + at;
        due = start + (int64_t)(passed += thousandth_ns * (entry[0] << 8 | entry[1]));
        while (now() < due) take_replies(epoll, due);
        ask(&askers[entry[2] * PORTS % n_askers + sent % PORTS], entry + 4, entry[3], due);
        at += 4 + entry[3];
        if (++sent % 16 == 0) take_replies(epoll, 0); /* what is late must not keep replies waiting */
    }
    while (latencies.total < sent && now() < due + PATIENCE_NS) take_replies(epoll, now() + 20000000);
    printf("{\"sent\": %lu, \"answered\": %lu, \"mean_us\": %.1f, ", sent, latencies.total,
           latencies.total ? (double)latencies.sum / latencies.total : 0.0);
    printf("\"p50_us\": %lu, \"p90_us\": %lu, \"p99_us\": %lu, \"p999_us\": %lu, \"max_us\": %lu, ",
           quantile(&latencies, 0.5), quantile(&latencies, 0.9), quantile(&latencies, 0.99),
           quantile(&latencies, 0.999), quantile(&latencies, 1 - 1e-9));
    printf("\"late_p99_us\": %lu, \"late_max_us\": %lu, ", quantile(&lateness, 0.99), quantile(&lateness, 1 - 1e-9));
    printf("\"nodata\": %lu, \"nxdomain\": %lu, \"servfail\": %lu, \"refused\": %lu, \"truncated\": %lu, \"mismatched\": %lu}\n",
           nodata, rcodes[3], rcodes[2], rcodes[5], truncated, mismatched);
    return 0;
}
