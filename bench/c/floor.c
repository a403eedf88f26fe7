/* The floor: what receiving and sending in batches costs at the least. Sends every datagram back
   with QR set, and reads nothing of it. Usage: floor ADDRESS PORT */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#define BATCH 64
static char slots[BATCH][512];
static struct sockaddr_in peers[BATCH];
static struct iovec vectors[BATCH];
static struct mmsghdr headers[BATCH];

int main(int argc, char **argv) {
    if (argc != 3) return 2;
    int s = socket(AF_INET, SOCK_DGRAM, 0), size = 4 << 20;
    setsockopt(s, SOL_SOCKET, SO_RCVBUF, &size, sizeof size);
    struct sockaddr_in here = {.sin_family = AF_INET, .sin_port = htons(atoi(argv[2]))};
    inet_pton(AF_INET, argv[1], &here.sin_addr);
    if (bind(s, (struct sockaddr *)&here, sizeof here)) { perror("bind"); return 1; }
    for (;;) {
        for (int i = 0; i < BATCH; i++) {
            vectors[i] = (struct iovec){slots[i], sizeof slots[i]};
            headers[i].msg_hdr = (struct msghdr){.msg_name = &peers[i], .msg_namelen = sizeof peers[i],
                                                 .msg_iov = &vectors[i], .msg_iovlen = 1};
        }
        int n = recvmmsg(s, headers, BATCH, MSG_WAITFORONE, NULL);
        for (int i = 0; i < n; i++) { slots[i][2] |= 0x80; vectors[i].iov_len = headers[i].msg_len; }
        for (int done = 0; done < n;) { int k = sendmmsg(s, headers + done, n - done, 0); done += k > 0 ? k : 1; }
    }
}
