/* The inside of the swarm engine. One lock guards everything below it; the thread holds it while it works through
   a batch, never while it waits. */
#ifndef SWARM_CORE_H
#define SWARM_CORE_H
#include <netinet/in.h>
#include <pthread.h>
#include <stdint.h>
#include <sys/socket.h>

#include "swarm_api.h"
#include "swarm_crypto.h"
#include "swarm_hearing.h"
#include "swarm_reception.h"
#include "swarm_stun.h"

enum { SWARM_UFRAG_PAIR = 272, SWARM_PASSWORD = 260, SWARM_OWN_PASSWORD = 64, SWARM_RING = 8192 };

enum swarm_state { SWARM_FREE, SWARM_CHECKING, SWARM_CHECKED, SWARM_SEATED, SWARM_GONE };

typedef struct {
    swarm_reception reception; /* first: this is what every packet touches */
    uint8_t state, plain;
    uint32_t own_ssrc, report_index, transaction_count;
    uint64_t unreadable, opened, sender_reports, consent_sent, consent_answered, reports_sent;
    uint64_t tie_breaker;
    uint32_t last_report; /* the middle of the newest sender report's NTP time */
    int64_t last_report_at;
    int fd; /* its own socket, or -1 */
    struct sockaddr_in server;
    uint8_t transaction[SWARM_TRANSACTION];
    swarm_keys keys;
    char username[SWARM_UFRAG_PAIR], password[SWARM_PASSWORD], own_password[SWARM_OWN_PASSWORD];
} swarm_listener_row;

struct swarm {
    pthread_mutex_t lock;
    pthread_t thread;
    int running, stopping; /* `stopping` is atomic: see __atomic calls */
    uint32_t first_ip, count, verify_every;
    uint32_t cursor; /* whose consent check is next */
    uint64_t rounds; /* of the cursor through all listeners */
    int64_t cursor_began;
    int fd, epoll, wake, receive_buffer;
    uint16_t port;
    uint32_t kernel_drops; /* newest SO_RXQ_OVFL of the shared socket */
    swarm_totals totals;
    swarm_cipher *cipher;
    swarm_program program;
    swarm_listener_row *rows;
    swarm_hearing *hearings; /* of listeners */
    uint32_t *listener_of;   /* of rows */
    swarm_notice *ring;
    uint32_t ring_at, ring_used;
};

int64_t swarm_clock(clockid_t clock);
/* swarm_socket.c */
int swarm_sockets_open(swarm *s, char *error, size_t size);
void swarm_sockets_close(swarm *s);
int swarm_transmit(swarm *s, uint32_t index, const uint8_t *data, size_t length);
size_t swarm_drain(swarm *s); /* reads what is there; takes the lock per batch; returns datagrams */
int swarm_poll_fd(const swarm *s);
/* swarm_ring.c */
void swarm_tell(swarm *s, uint32_t index, enum swarm_kind kind, const uint8_t *data, size_t length);
/* swarm_row.c */
void swarm_datagram(swarm *s, uint32_t index, const uint8_t *data, size_t length, int64_t arrival);
void swarm_consent(swarm *s, uint32_t index);
void swarm_report(swarm *s, uint32_t index, int64_t now);
/* swarm_thread.c */
void *swarm_loop(void *argument);
#endif
