/* The upstream of all: answers every A question with one address, everything else with NODATA, at
   once. Usage: authority ADDRESS PORT */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

static const unsigned char answer[] = {0xc0, 12, 0, 1, 0, 1, 0, 0, 14, 16, 0, 4, 198, 51, 100, 7};

int main(int argc, char **argv) {
    if (argc != 3) return 2;
    int s = socket(AF_INET, SOCK_DGRAM, 0), size = 4 << 20;
    setsockopt(s, SOL_SOCKET, SO_RCVBUF, &size, sizeof size);
    struct sockaddr_in here = {.sin_family = AF_INET, .sin_port = htons(atoi(argv[2]))}, peer;
    inet_pton(AF_INET, argv[1], &here.sin_addr);
    if (bind(s, (struct sockaddr *)&here, sizeof here)) { perror("bind"); return 1; }
    unsigned char m[2048];
    for (;;) {
        socklen_t length = sizeof peer;
        ssize_t n = recvfrom(s, m, 1024, 0, (struct sockaddr *)&peer, &length);
        if (n < 17 || m[2] & 0x80) continue;
        ssize_t end = 12;
        while (end < n && m[end]) end += m[end] + 1;
        end += 5;
        if (end > n) continue;
        int a = m[end - 3] == 1 && m[end - 4] == 0;
        m[2] |= 0x80; m[3] = 0x80;
        memset(m + 6, 0, 6); m[7] = a;
        if (a) { memcpy(m + end, answer, sizeof answer); end += sizeof answer; }
        sendto(s, m, end, 0, (struct sockaddr *)&peer, length);
    }
}
