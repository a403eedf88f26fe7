/* An open loop of DNS queries over UDP: each query has the moment at which it is due, whatever
 * became of the ones before it, and its latency counts from that moment.
 *
 *   open_load SERVER PORT TRACE FIRST COUNT RATE FIRST_SOURCE SOURCES
 *
 * TRACE: entries of two octets with the gap to the entry before (in thousandths of the mean gap),
 * one with the source's number, one with the length, and the query; its ID is made here.
 * Entries FIRST to FIRST + COUNT are sent, RATE a second on average, from SOURCES addresses counted
 * up from FIRST_SOURCE and from PORTS ports in turn. A query without its reply after PATIENCE_NS
 * counts as unanswered.
 * Replies have the kernel's time of arrival, so they may lie until the next query is due; nobody is
 * woken up for them. With more than a query each ROUND_NS those of a round leave together.
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
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <time.h>

#define PORTS 8
#define TURN 64 /* queries in a row from one port: what is due at once leaves in one system call */
#define IDS 65536
#define MOST_US 2000000
#define PATIENCE_NS 2000000000LL
#define ROUND_NS 50000LL /* falling asleep and waking up takes a dozen microseconds */

struct slot { int64_t due; const unsigned char *query; };
struct port { int fd; uint16_t next; struct slot slots[IDS]; };
struct histogram { uint32_t counts[MOST_US + 1]; uint64_t total, sum; };

static struct histogram latencies, lateness;
static uint64_t rcodes[16], nodata, truncated, mismatched;
static struct port ports[PORTS];

/* What leaves with the next system call, and where replies are put. */
static struct { unsigned char octets[256]; int64_t due; char control[CMSG_SPACE(sizeof(struct in_pktinfo))]; } out[TURN];
static struct iovec out_vectors[TURN], in_vectors[TURN];
static struct mmsghdr out_headers[TURN], in_headers[TURN];
static struct { unsigned char octets[4096]; char control[CMSG_SPACE(sizeof(struct timespec))]; } in[TURN];
static struct sockaddr_in server;

static int64_t nanoseconds(struct timespec t) { return t.tv_sec * 1000000000LL + t.tv_nsec; }
static int64_t clock_now(clockid_t clock) { struct timespec t; clock_gettime(clock, &t); return nanoseconds(t); }
static int64_t now(void) { return clock_now(CLOCK_MONOTONIC); }
static void sleep_until(int64_t t) {
    struct timespec until = {t / 1000000000LL, t % 1000000000LL};
    clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &until, NULL);
}

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

static void take_reply(struct port *port, const unsigned char *m, int n, int64_t t) {
    if (n < 12 || !(m[2] & 0x80)) return;
    struct slot *slot = &port->slots[m[0] << 8 | m[1]];
    if (!slot->query || t - slot->due > PATIENCE_NS) return;
    int length = question_length(slot->query);
    if (n < 12 + length || memcmp(m + 12, slot->query + 12, length)) { mismatched++; return; }
    slot->query = NULL;
    note(&latencies, t - slot->due);
    rcodes[m[3] & 15]++;
    if (!(m[3] & 15) && !m[6] && !m[7]) nodata++;
    if (m[2] & 2) truncated++;
}

static void prepare(struct port *port, int number, uint32_t source, const unsigned char *query, int length, int64_t due) {
    uint16_t id = port->next++;
    unsigned char *m = out[number].octets;
    memcpy(m, query, length);
    m[0] = id >> 8; m[1] = id;
    port->slots[id] = (struct slot){due, query};
    out[number].due = due;
    out_vectors[number] = (struct iovec){m, length};
    struct msghdr *header = &out_headers[number].msg_hdr;
    *header = (struct msghdr){.msg_name = &server, .msg_namelen = sizeof server, .msg_iov = &out_vectors[number],
                              .msg_iovlen = 1, .msg_control = out[number].control, .msg_controllen = sizeof out[number].control};
    struct cmsghdr *control = CMSG_FIRSTHDR(header);
    *control = (struct cmsghdr){.cmsg_level = IPPROTO_IP, .cmsg_type = IP_PKTINFO, .cmsg_len = CMSG_LEN(sizeof(struct in_pktinfo))};
    *(struct in_pktinfo *)CMSG_DATA(control) = (struct in_pktinfo){.ipi_spec_dst.s_addr = htonl(source)};
}

static void send_prepared(struct port *port, int count) {
    int64_t t = now();
    for (int i = 0; i < count; i++) note(&lateness, t - out[i].due);
    for (int done = 0; done < count;) {
        int n = sendmmsg(port->fd, out_headers + done, count - done, 0);
        done += n > 0 ? n : 1;
    }
}

static void open_ports(char **argv) {
    server = (struct sockaddr_in){.sin_family = AF_INET, .sin_port = htons(atoi(argv[2]))};
    inet_pton(AF_INET, argv[1], &server.sin_addr);
    for (int i = 0; i < PORTS; i++) {
        int fd = ports[i].fd = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK, 0), buffer = 4 << 20;
        setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &buffer, sizeof buffer);
        setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &buffer, sizeof buffer);
        struct sockaddr_in here = {.sin_family = AF_INET};
        if (bind(fd, (void *)&here, sizeof here)) { perror("open_load"); exit(1); }
        setsockopt(fd, SOL_SOCKET, SO_TIMESTAMPNS, &(int){1}, sizeof(int));
    }
    for (int i = 0; i < TURN; i++) in_vectors[i] = (struct iovec){in[i].octets, sizeof in[i].octets};
}

static int take_some(struct port *port) {
    for (int i = 0; i < TURN; i++)
        in_headers[i].msg_hdr = (struct msghdr){.msg_iov = &in_vectors[i], .msg_iovlen = 1,
                                                .msg_control = in[i].control, .msg_controllen = sizeof in[i].control};
    int n = recvmmsg(port->fd, in_headers, TURN, MSG_DONTWAIT, NULL);
    int64_t since_epoch = clock_now(CLOCK_REALTIME) - now(); /* the kernel's stamps are of that clock */
    for (int i = 0; i < n; i++) {
        struct cmsghdr *control = CMSG_FIRSTHDR(&in_headers[i].msg_hdr);
        int64_t arrived = control ? nanoseconds(*(struct timespec *)CMSG_DATA(control)) - since_epoch : now();
        take_reply(port, in[i].octets, in_headers[i].msg_len, arrived);
    }
    return n;
}

static void take_replies(void) {
    for (int i = 0; i < PORTS; i++) while (take_some(&ports[i]) == TURN);
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
    uint32_t first_source = ntohl(inet_addr(argv[7])), sources = atoi(argv[8]);
    open_ports(argv);
    prctl(PR_SET_TIMERSLACK, 1, 0, 0, 0);
    /* Ahead of all but the authority, where that is allowed; it sleeps between queries. */
    sched_setscheduler(0, SCHED_FIFO, &(struct sched_param){.sched_priority = 1});
    for (; first && at < size; first--) at += 4 + trace[at + 3];
    int64_t start = now() + 1000000, due = start;
    int prepared = 0;
    for (; sent < count && at < size; sent++) {
        const unsigned char *entry = trace + at;
        struct port *port = &ports[sent / TURN % PORTS];
        due = start + (int64_t)(passed += thousandth_ns * (entry[0] << 8 | entry[1]));
        int64_t t = now();
        if (prepared && (prepared == TURN || t < due || sent % TURN == 0)) {
            send_prepared(&ports[(sent - 1) / TURN % PORTS], prepared);
            prepared = 0;
            take_replies();
        }
        if (t < due) sleep_until(due > t + ROUND_NS ? due : t + ROUND_NS);
        prepare(port, prepared++, first_source + entry[2] % sources, entry + 4, entry[3], due);
        at += 4 + entry[3];
    }
    if (prepared) send_prepared(&ports[(sent - 1) / TURN % PORTS], prepared);
    do { sleep_until(now() + 5000000); take_replies(); } while (latencies.total < sent && now() < due + PATIENCE_NS);
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
