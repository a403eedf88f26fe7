/* The upstream of all servers that are compared. It keeps no zones: a name's first label says what
   it answers, so that one program serves every load.

     LABEL-KTYPES-TTL.ZONE    K: a  addresses
                                 c  one CNAME, then addresses;  d  two CNAMEs, then addresses
                                 n  NXDOMAIN;                   s  silence
                              TYPES: 1 AAAA exists, 2 HTTPS exists, 3 both, 0 neither; A always does
     asked.ZONE               A: how many queries came so far, as an address
     anything else            A: one address, TTL 3600; other types: NODATA

   Negative answers have the SOA of ZONE. Names are compressed as far as they can be. It runs ahead
   of the load on the same core where that is allowed (SCHED_FIFO), so its own part is always short.
   Usage: authority ADDRESS PORT */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>

enum { A = 1, CNAME = 5, SOA = 6, AAAA = 28, OPT = 41, HTTPS = 65 };
static const int ttls[] = {20, 30, 60, 120, 300, 600};

static unsigned char m[4096];
static int length, suffixes[64], known; /* where in `m` a name or the rest of one begins */

struct rule { char kind; int types, ttl; };

static void put(const void *data, int n) { memcpy(m + length, data, n); length += n; }
static void put16(unsigned v) { unsigned short n = htons(v); put(&n, 2); }
static void put32(unsigned v) { unsigned n = htonl(v); put(&n, 4); }

/* Whether the name at `at` in the message, whose pointers are followed, is `name`. */
static int same(int at, const unsigned char *name) {
    for (;;) {
        while ((m[at] & 0xc0) == 0xc0) at = (m[at] & 0x3f) << 8 | m[at + 1];
        if (m[at] != *name || strncasecmp((char *)m + at + 1, (char *)name + 1, *name)) return 0;
        if (!*name) return 1;
        at += *name + 1; name += *name + 1;
    }
}

static void put_name(const unsigned char *name) {
    for (; *name; name += *name + 1) {
        for (int i = 0; i < known; i++) if (same(suffixes[i], name)) { put16(0xc000 | suffixes[i]); return; }
        if (known < 64) suffixes[known++] = length;
        put(name, *name + 1);
    }
    put("", 1);
}

static void put_record(const unsigned char *owner, int type, int ttl, const void *data, int n) {
    put_name(owner); put16(type); put16(1); put32(ttl); put16(n); put(data, n);
}

/* A record whose data hold names: their length is known once they are written. */
static int begin_record(const unsigned char *owner, int type, int ttl) {
    put_name(owner); put16(type); put16(1); put32(ttl); put16(0);
    return length;
}
static void end_record(int data) { int n = length - data; m[data - 2] = n >> 8; m[data - 1] = n; }

static unsigned hash(const unsigned char *name) {
    unsigned h = 2166136261u;
    for (const unsigned char *p = name; *p; p += *p + 1)
        for (int i = 1; i <= *p; i++) h = (h ^ (p[i] | 0x20)) * 16777619u;
    return h ^ h >> 15;
}

/* The name of dotted `text` in wire form. */
static void to_wire(const char *text, unsigned char *wire) {
    while (*text) {
        int n = strcspn(text, ".");
        *wire++ = n; memcpy(wire, text, n); wire += n;
        text += n + (text[n] == '.');
    }
    *wire = 0;
}

static struct rule rule_of(const unsigned char *name) {
    struct rule found = {0, 0, 3600};
    char label[64]; memcpy(label, name + 1, *name); label[*name] = 0;
    char *ttl = strrchr(label, '-');
    if (ttl && ttl - label >= 3 && ttl[-3] == '-' && strchr("acdns", ttl[-2] | 0x20))
        found = (struct rule){ttl[-2] | 0x20, ttl[-1] - '0', atoi(ttl + 1)};
    return found;
}

static int put_addresses(const unsigned char *name, struct rule rule, int type) {
    unsigned h = hash(name), count = "\1\1\1\2\4"[h % 5];
    if (type == A && rule.kind == 0) count = 1;
    if (type == HTTPS) { put_record(name, HTTPS, rule.ttl, "\0\1\0\0\1\0\6\2h3\2h2", 13); return 1; }
    for (unsigned i = 0; i < count; i++) {
        unsigned char address[16] = {0x20, 1, 0x0d, 0xb8, h >> 24, h >> 16, h >> 8, [15] = i + 1};
        unsigned char v4[4] = {198, 51, 100, h % 200 + i};
        put_record(name, type, rule.ttl, type == A ? v4 : address, type == A ? 4 : 16);
    }
    return count;
}

static void put_soa(const unsigned char *zone, int ttl) {
    unsigned char name[256];
    int data = begin_record(zone, SOA, ttl);
    memcpy(name, "\3ns1", 4); strcpy((char *)name + 4, (char *)zone); put_name(name);
    memcpy(name, "\12hostmaster", 11); strcpy((char *)name + 11, (char *)zone); put_name(name);
    put32(2026010101); put32(7200); put32(900); put32(1209600); put32(ttl);
    end_record(data);
}

/* Write answer and authority section for `name`, which is overwritten; 0: stay silent. */
static int answer(unsigned char *name, int type, unsigned asked) {
    struct rule rule = rule_of(name);
    if (rule.kind == 's') return 0;
    int answers = 0;
    while (rule.kind == 'c' || rule.kind == 'd') {
        unsigned h = hash(name);
        char text[96]; unsigned char target[96];
        int more = rule.kind == 'd', ttl = ttls[h / 7 % 6];
        snprintf(text, sizeof text, more ? "x%u-c%d-%d.balance%u.com" : "e%u-a%d-%d.edge%u.net",
                 h % 97, rule.types, ttl, h % 211);
        to_wire(text, target);
        int data = begin_record(name, CNAME, rule.ttl);
        put_name(target); end_record(data);
        strcpy((char *)name, (char *)target); answers++;
        rule = (struct rule){more ? 'c' : 'a', rule.types, ttl};
    }
    if (type == A && *name == 5 && !strncasecmp((char *)name + 1, "asked", 5)) {
        unsigned count = htonl(asked);
        put_record(name, A, 0, &count, 4); answers++;
    } else if (rule.kind != 'n' && (type == A || (type == AAAA && rule.types & 1) || (type == HTTPS && rule.types & 2))) {
        answers += put_addresses(name, rule, type);
    } else {
        put_soa(name + *name + (*name != 0), rule.ttl); m[9] = 1;
    }
    if (rule.kind == 'n') m[3] |= 3;
    m[7] = answers;
    return 1;
}

int main(int argc, char **argv) {
    if (argc != 3) return 2;
    int s = socket(AF_INET, SOCK_DGRAM, 0), size = 4 << 20;
    setsockopt(s, SOL_SOCKET, SO_RCVBUF, &size, sizeof size);
    struct sockaddr_in here = {.sin_family = AF_INET, .sin_port = htons(atoi(argv[2]))}, peer;
    inet_pton(AF_INET, argv[1], &here.sin_addr);
    if (bind(s, (struct sockaddr *)&here, sizeof here)) { perror("bind"); return 1; }
    sched_setscheduler(0, SCHED_FIFO, &(struct sched_param){.sched_priority = 2});
    for (unsigned asked = 0;; asked++) {
        socklen_t peer_length = sizeof peer;
        ssize_t n = recvfrom(s, m, 1024, 0, (struct sockaddr *)&peer, &peer_length);
        if (n < 17 || m[2] & 0x80) continue;
        int end = 12;
        known = 0;
        while (end < n && m[end]) { suffixes[known < 63 ? known++ : 63] = end; end += m[end] + 1; }
        if (end + 5 > n || end > 12 + 200) continue;
        unsigned char name[256];
        memcpy(name, m + 12, end - 11);
        int type = m[end + 1] << 8 | m[end + 2];
        int edns = n >= end + 16 && !m[end + 5] && m[end + 7] == OPT;
        length = end + 5;
        m[2] |= 0x80; m[3] = 0x80; memset(m + 6, 0, 6);
        if (!answer(name, type, asked)) continue;
        if (edns) { put("\0\0\51\4\320\0\0\0\0\0\0", 11); m[11] = 1; }
        sendto(s, m, length, 0, (struct sockaddr *)&peer, peer_length);
    }
}
