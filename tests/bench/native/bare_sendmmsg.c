/* The machine's limit: one RTP packet to each of many addresses with sendmmsg and nothing else around it. Paced, it
   measures CPU time per packet; unpaced, packets per second. Also feeds a server with a source of 50 packets a
   second (--count 1). Prints one JSON object.

   bare_sendmmsg FIRST_IP PORT COUNT SIZE SECONDS [--tick MS] [--phases N] [--payload-type N] [--fifo]
     --tick MS    a tick every MS milliseconds; 0: as fast as possible (default 20)
     --phases N   each tick sends to one address in N, as at N x 20 ms per packet (default 1) */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <getopt.h>
#include <netinet/in.h>
#include <sched.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { BATCH = 256, LARGEST = 1472, SAMPLES = 960, SEND_BUFFER = 8 << 20 };

struct plan {
    uint32_t first, count, size, phases, payload_type;
    uint16_t port;
    int64_t tick;
    double seconds;
};

struct done {
    uint64_t packets, refused, ticks, late_ticks;
    double seconds, cpu;
};

static int64_t now(clockid_t clock)
{
    struct timespec t;
    clock_gettime(clock, &t);
    return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

static void put_header(uint8_t *packet, const struct plan *plan, uint64_t tick)
{
    uint32_t sequence = htons((uint16_t)(tick / plan->phases)), stamp = htonl((uint32_t)(tick * SAMPLES));
    packet[0] = 0x80;
    packet[1] = (uint8_t)plan->payload_type;
    memcpy(packet + 2, &sequence, 2);
    memcpy(packet + 4, &stamp, 4);
    memcpy(packet + 8, "bare", 4);
}

/* One packet to every address of the tick's phase. */
static void send_tick(int fd, const struct plan *plan, const uint8_t *packet, uint64_t tick, struct done *done)
{
    static struct sockaddr_in to[BATCH];
    static struct mmsghdr messages[BATCH];
    struct iovec part = {(void *)packet, plan->size};
    uint32_t next = (uint32_t)(tick % plan->phases);
    while (next < plan->count) {
        unsigned many = 0;
        for (; many < BATCH && next < plan->count; many++, next += plan->phases) {
            to[many] = (struct sockaddr_in){.sin_family = AF_INET,
                                            .sin_port = htons(plan->port),
                                            .sin_addr.s_addr = htonl(plan->first + next)};
            messages[many].msg_hdr =
                (struct msghdr){.msg_name = &to[many], .msg_namelen = sizeof to[many], .msg_iov = &part, .msg_iovlen = 1};
        }
        for (unsigned at = 0; at < many;) {
            int sent = sendmmsg(fd, messages + at, many - at, MSG_DONTWAIT);
            done->packets += sent > 0 ? (uint64_t)sent : 0;
            done->refused += sent <= 0;
            at += sent > 0 ? (unsigned)sent : 1;
        }
    }
}

static struct done run(int fd, const struct plan *plan)
{
    static uint8_t packet[LARGEST];
    struct done done = {0};
    int64_t began = now(CLOCK_MONOTONIC), cpu = now(CLOCK_PROCESS_CPUTIME_ID);
    int64_t until = began + (int64_t)(plan->seconds * 1e9);
    for (int64_t at = began; at < until && (plan->tick > 0 || now(CLOCK_MONOTONIC) < until); at += plan->tick) {
        if (plan->tick > 0) {
            struct timespec due = {at / 1000000000, at % 1000000000};
            clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &due, NULL);
            done.late_ticks += now(CLOCK_MONOTONIC) > at + plan->tick;
        }
        put_header(packet, plan, done.ticks);
        send_tick(fd, plan, packet, done.ticks++, &done);
    }
    done.seconds = (double)(now(CLOCK_MONOTONIC) - began) / 1e9;
    done.cpu = (double)(now(CLOCK_PROCESS_CPUTIME_ID) - cpu) / 1e9;
    return done;
}

static void usage(void)
{
    fprintf(stderr, "usage: bare_sendmmsg FIRST_IP PORT COUNT SIZE SECONDS [--tick MS] [--phases N] "
                    "[--payload-type N] [--fifo]\n");
    exit(2);
}

static struct plan read_plan(int argc, char **argv)
{
    static const struct option options[] = {{"tick", required_argument, NULL, 't'},
                                            {"phases", required_argument, NULL, 'p'},
                                            {"payload-type", required_argument, NULL, 'y'},
                                            {"fifo", no_argument, NULL, 'f'},
                                            {NULL, 0, NULL, 0}};
    struct plan plan = {.phases = 1, .payload_type = 111, .tick = 20000000};
    const struct sched_param first = {.sched_priority = 10};
    for (int option; (option = getopt_long(argc, argv, "", options, NULL)) != -1;) {
        if (option == 't')
            plan.tick = (int64_t)(atof(optarg) * 1e6);
        else if (option == 'p')
            plan.phases = (uint32_t)atoi(optarg);
        else if (option == 'y')
            plan.payload_type = (uint32_t)atoi(optarg);
        else if (option != 'f')
            usage();
        else if (sched_setscheduler(0, SCHED_FIFO, &first) != 0)
            perror("--fifo");
    }
    struct in_addr address;
    if (argc - optind != 5 || inet_aton(argv[optind], &address) == 0)
        usage();
    plan.first = ntohl(address.s_addr);
    plan.port = (uint16_t)atoi(argv[optind + 1]);
    plan.count = (uint32_t)atoi(argv[optind + 2]);
    plan.size = (uint32_t)atoi(argv[optind + 3]);
    plan.seconds = atof(argv[optind + 4]);
    if (plan.size < 12 || plan.size > LARGEST || plan.phases == 0 || plan.count == 0)
        usage();
    return plan;
}

int main(int argc, char **argv)
{
    struct plan plan = read_plan(argc, argv);
    int buffer = SEND_BUFFER, fd = socket(AF_INET, SOCK_DGRAM, 0);
    if (fd < 0) {
        perror("socket");
        return 1;
    }
    int probe = IP_PMTUDISC_PROBE; /* as the server: no fragments, so the kernel need not number the datagrams */
    (void)setsockopt(fd, IPPROTO_IP, IP_MTU_DISCOVER, &probe, sizeof probe);
    if (setsockopt(fd, SOL_SOCKET, SO_SNDBUFFORCE, &buffer, sizeof buffer) != 0)
        (void)setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &buffer, sizeof buffer);
    struct done done = run(fd, &plan);
    printf("{\"packets\": %llu, \"refused\": %llu, \"ticks\": %llu, \"late_ticks\": %llu, \"seconds\": %.4f, "
           "\"cpu_seconds\": %.6f}\n",
           (unsigned long long)done.packets, (unsigned long long)done.refused, (unsigned long long)done.ticks,
           (unsigned long long)done.late_ticks, done.seconds, done.cpu);
    return 0;
}
