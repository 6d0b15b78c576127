/* Life cycle, joining and leaving. */
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/random.h>
#include <time.h>
#include <unistd.h>

#include "swarm_core.h"

static swarm *allocate(uint32_t listeners)
{
    swarm *s = calloc(1, sizeof *s);
    if (s == NULL)
        return NULL;
    s->fd = s->epoll = s->wake = -1;
    s->rows = calloc(listeners, sizeof *s->rows);
    s->hearings = calloc(listeners, sizeof *s->hearings);
    s->listener_of = calloc(listeners, sizeof *s->listener_of);
    s->ring = calloc(SWARM_RING, sizeof *s->ring);
    s->cipher = swarm_cipher_new();
    s->wake = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    pthread_mutex_init(&s->lock, NULL);
    if (s->rows == NULL || s->hearings == NULL || s->listener_of == NULL || s->ring == NULL || s->cipher == NULL ||
        s->wake < 0) {
        swarm_close(s);
        return NULL;
    }
    for (uint32_t i = 0; i < listeners; i++) {
        s->rows[i].fd = -1;
        s->listener_of[i] = i;
    }
    s->count = listeners;
    swarm_program_reset(&s->program);
    return s;
}

swarm *swarm_open(uint32_t first_ip, uint32_t listeners, uint32_t verify_every, char *error, size_t error_size)
{
    if (listeners == 0 || verify_every == 0) {
        snprintf(error, error_size, "a swarm needs listeners, and verify_every at least 1");
        return NULL;
    }
    if (swarm_crypto_load(error, error_size) != 0)
        return NULL;
    swarm *s = allocate(listeners);
    if (s == NULL) {
        snprintf(error, error_size, "no memory for %u listeners", listeners);
        return NULL;
    }
    s->first_ip = first_ip;
    s->verify_every = verify_every;
    if (swarm_sockets_open(s, error, error_size) != 0) {
        swarm_close(s);
        return NULL;
    }
    return s;
}

uint16_t swarm_port(const swarm *s)
{
    return s->port;
}

int swarm_receive_buffer(const swarm *s)
{
    return s->receive_buffer;
}

int swarm_wake_fd(const swarm *s)
{
    return s->wake;
}

int swarm_start(swarm *s)
{
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before); /* signals are Python's business */
    int failed = pthread_create(&s->thread, NULL, swarm_loop, s);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    s->running = !failed;
    return failed ? -1 : 0;
}

void swarm_close(swarm *s)
{
    if (s->running) {
        __atomic_store_n(&s->stopping, 1, __ATOMIC_RELEASE);
        pthread_join(s->thread, NULL);
    }
    if (s->rows != NULL)
        swarm_sockets_close(s);
    if (s->wake >= 0)
        close(s->wake);
    swarm_cipher_free(s->cipher);
    pthread_mutex_destroy(&s->lock);
    free(s->rows);
    free(s->hearings);
    free(s->listener_of);
    free(s->ring);
    free(s);
}

int swarm_send(swarm *s, uint32_t index, const uint8_t *data, size_t length)
{
    return index < s->count ? swarm_transmit(s, index, data, length) : -1;
}

int swarm_begin(swarm *s, uint32_t index, const swarm_server *server)
{
    uint8_t random[SWARM_TRANSACTION + 8];
    size_t name = strlen(server->username), password = strlen(server->password), own = strlen(server->own_password);
    if (index >= s->count || name >= SWARM_UFRAG_PAIR || name > 256 || password >= SWARM_PASSWORD || own >= SWARM_OWN_PASSWORD ||
        getrandom(random, sizeof random, 0) != (ssize_t)sizeof random)
        return -1;
    pthread_mutex_lock(&s->lock);
    swarm_listener_row *row = &s->rows[index];
    int fd = row->fd;
    memset(row, 0, sizeof *row);
    swarm_reception_reset(&row->reception);
    row->fd = fd;
    memcpy(row->username, server->username, name + 1);
    memcpy(row->password, server->password, password + 1);
    memcpy(row->own_password, server->own_password, own + 1);
    row->server = (struct sockaddr_in){.sin_family = AF_INET,
                                       .sin_port = htons((uint16_t)server->port),
                                       .sin_addr.s_addr = htonl((uint32_t)server->ip)};
    memcpy(row->transaction, random, SWARM_TRANSACTION);
    memcpy(&row->tie_breaker, random + SWARM_TRANSACTION, 8);
    row->state = SWARM_CHECKING;
    uint64_t errors = s->totals.send_errors;
    errno = 0;
    swarm_consent(s, index);
    /* A packet filter that drops says EPERM: that check is lost, as on any bad link, and the next one may arrive. */
    int failed = s->totals.send_errors != errors && errno != EPERM;
    pthread_mutex_unlock(&s->lock);
    return failed ? -1 : 0;
}

int swarm_check(swarm *s, uint32_t index)
{
    int checking = 0;
    pthread_mutex_lock(&s->lock);
    if (index < s->count && (s->rows[index].state == SWARM_CHECKING || s->rows[index].state == SWARM_CHECKED)) {
        checking = 1;
        swarm_consent(s, index);
    }
    pthread_mutex_unlock(&s->lock);
    return checking ? 0 : -1;
}

int swarm_seat(swarm *s, uint32_t index, const swarm_keys *keys, uint32_t own_ssrc)
{
    if (index >= s->count)
        return -1;
    pthread_mutex_lock(&s->lock);
    swarm_listener_row *row = &s->rows[index];
    swarm_reception_reset(&row->reception);
    row->own_ssrc = own_ssrc;
    row->plain = keys == NULL;
    row->state = SWARM_SEATED;
    if (keys != NULL) {
        row->keys = *keys;
        swarm_report(s, index, swarm_clock(CLOCK_REALTIME)); /* its SRTCP tells the server that we are there */
    }
    pthread_mutex_unlock(&s->lock);
    return 0;
}

void swarm_unseat(swarm *s, uint32_t index)
{
    if (index >= s->count)
        return;
    pthread_mutex_lock(&s->lock);
    s->rows[index].state = SWARM_GONE;
    pthread_mutex_unlock(&s->lock);
}
