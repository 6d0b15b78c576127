/* Consent checks of a controlling ICE agent (RFC 8445, RFC 7675): only what a seated listener needs. */
#ifndef SWARM_STUN_H
#define SWARM_STUN_H
#include <stddef.h>
#include <stdint.h>

enum { SWARM_STUN_MOST = 384, SWARM_TRANSACTION = 12 };

/* Writes a Binding request with USE-CANDIDATE; returns its length, or 0 when the username is too long. */
size_t swarm_stun_request(uint8_t out[SWARM_STUN_MOST], const uint8_t transaction[SWARM_TRANSACTION],
                          const char *username, const char *password, uint64_t tie_breaker);
/* Whether `data` is a Binding success answer to `transaction` with a right MESSAGE-INTEGRITY. */
int swarm_stun_is_answer(const uint8_t *data, size_t length, const uint8_t transaction[SWARM_TRANSACTION],
                         const char *password);
/* Writes the answer to a Binding request whose MESSAGE-INTEGRITY is right by our own password: a peer that is not
   ICE-lite checks us too. Returns its length, or 0. `ip` and `port` of the asker in host byte order. */
size_t swarm_stun_answer(uint8_t out[SWARM_STUN_MOST], const uint8_t *data, size_t length, const char *password,
                         uint32_t ip, uint16_t port);
#endif
