/* A flood: the datagrams of a file over and over, at a rate, each from the next of many loopback addresses, which
   all are strangers to the server. What comes back is counted by address. Prints one JSON object.

   flood FIRST_IP ADDRESSES SERVER_IP PORT RATE SECONDS FILE
     FILE   datagrams, each after its length in two bytes, big-endian */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

enum { BATCH = 64, LARGEST = 2048, BUFFER = 8 << 20 };

struct pile {
    struct iovec *datagrams;
    uint32_t count;
};

struct address {
    uint64_t sent, received; /* bytes */
};

struct flood {
    uint32_t first, addresses;
    struct sockaddr_in to;
    double rate, seconds;
    struct pile pile;
    struct address *counts;
    uint64_t datagrams, refused, answers;
};

union control {
    struct cmsghdr header;
    uint8_t room[CMSG_SPACE(sizeof(struct in_pktinfo))];
};

static void fail(const char *what)
{
    perror(what);
    exit(1);
}

static void *some(size_t count, size_t size)
{
    void *memory = calloc(count, size);
    if (memory == NULL)
        fail("memory");
    return memory;
}

static struct pile read_pile(const char *name)
{
    struct pile pile = {NULL, 0};
    uint8_t length[2];
    FILE *file = fopen(name, "rb");
    if (file == NULL)
        fail(name);
    while (fread(length, 1, 2, file) == 2) {
        size_t size = (size_t)(length[0] << 8 | length[1]);
        struct iovec *more = realloc(pile.datagrams, (pile.count + 1) * sizeof *more);
        if (more == NULL)
            fail("memory");
        pile.datagrams = more;
        pile.datagrams[pile.count] = (struct iovec){some(size + 1, 1), size};
        if (fread(pile.datagrams[pile.count++].iov_base, 1, size, file) != size)
            fail("file cut off");
    }
    fclose(file);
    return pile;
}

static double now(void)
{
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

static int open_socket(void)
{
    const int on = 1, size = BUFFER;
    int fd = socket(AF_INET, SOCK_DGRAM, 0);
    const struct sockaddr_in any = {.sin_family = AF_INET};
    if (fd < 0 || bind(fd, (const struct sockaddr *)&any, sizeof any) != 0 ||
        setsockopt(fd, IPPROTO_IP, IP_PKTINFO, &on, sizeof on) != 0)
        fail("socket");
    setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof size);
    setsockopt(fd, SOL_SOCKET, SO_SNDBUFFORCE, &size, sizeof size);
    return fd;
}

static struct in_pktinfo *info_of(struct msghdr *header)
{
    return (struct in_pktinfo *)CMSG_DATA(CMSG_FIRSTHDR(header));
}

static void send_batch(int fd, struct flood *flood)
{
    static union control controls[BATCH];
    static struct mmsghdr messages[BATCH];
    for (uint64_t i = 0; i < BATCH; i++) {
        struct msghdr *header = &messages[i].msg_hdr;
        uint64_t number = flood->datagrams + i;
        uint32_t address = (uint32_t)(number % flood->addresses);
        struct iovec *datagram = &flood->pile.datagrams[number % flood->pile.count];
        *header = (struct msghdr){.msg_name = &flood->to, .msg_namelen = sizeof flood->to, .msg_iov = datagram,
                                  .msg_iovlen = 1, .msg_control = &controls[i], .msg_controllen = sizeof controls[i]};
        *CMSG_FIRSTHDR(header) = (struct cmsghdr){
            .cmsg_len = CMSG_LEN(sizeof(struct in_pktinfo)), .cmsg_level = IPPROTO_IP, .cmsg_type = IP_PKTINFO};
        *info_of(header) = (struct in_pktinfo){.ipi_spec_dst.s_addr = htonl(flood->first + address)};
        flood->counts[address].sent += datagram->iov_len;
    }
    for (int at = 0; at < BATCH;) {
        int sent = sendmmsg(fd, messages + at, (unsigned)(BATCH - at), 0);
        flood->refused += sent <= 0;
        at += sent > 0 ? sent : 1;
    }
    flood->datagrams += BATCH;
}

static void receive_all(int fd, struct flood *flood)
{
    uint8_t data[LARGEST];
    union control control;
    struct iovec part = {data, sizeof data};
    for (;;) {
        struct msghdr header = {
            .msg_iov = &part, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof control};
        ssize_t size = recvmsg(fd, &header, MSG_DONTWAIT);
        if (size < 0)
            return;
        uint32_t address = ntohl(info_of(&header)->ipi_addr.s_addr) - flood->first;
        flood->answers++;
        if (address < flood->addresses)
            flood->counts[address].received += (uint64_t)size;
    }
}

static void pause_until(double due)
{
    double left = due - now();
    if (left <= 0)
        return;
    struct timespec time = {(time_t)left, (long)((left - (double)(time_t)left) * 1e9)};
    nanosleep(&time, NULL);
}

int main(int argc, char **argv)
{
    if (argc != 8) {
        fprintf(stderr, "usage: flood FIRST_IP ADDRESSES SERVER_IP PORT RATE SECONDS FILE\n");
        return 2;
    }
    struct flood flood = {.first = ntohl(inet_addr(argv[1])), .addresses = (uint32_t)atoi(argv[2]),
                          .rate = atof(argv[5]), .seconds = atof(argv[6]), .pile = read_pile(argv[7])};
    flood.to = (struct sockaddr_in){
        .sin_family = AF_INET, .sin_port = htons((uint16_t)atoi(argv[4])), .sin_addr.s_addr = inet_addr(argv[3])};
    flood.counts = some(flood.addresses, sizeof *flood.counts);
    int fd = open_socket();
    double began = now(), worst = 0;
    while (now() < began + flood.seconds) {
        send_batch(fd, &flood);
        receive_all(fd, &flood);
        pause_until(began + (double)flood.datagrams / flood.rate);
    }
    double lasted = now() - began;
    pause_until(now() + 0.3); /* answers that are under way */
    receive_all(fd, &flood);
    for (uint32_t i = 0; i < flood.addresses; i++) {
        double ratio = (double)flood.counts[i].received / (double)(flood.counts[i].sent + 1);
        worst = ratio > worst ? ratio : worst;
    }
    printf("{\"datagrams\": %llu, \"refused\": %llu, \"answers\": %llu, \"seconds\": %.3f, \"worst\": %.3f}\n",
           (unsigned long long)flood.datagrams, (unsigned long long)flood.refused, (unsigned long long)flood.answers,
           lasted, worst);
    return 0;
}
