/* What Python sees of the swarm engine. Times are nanoseconds; addresses IPv4 in host byte order. */
typedef struct swarm swarm;

/* What comes up: a datagram of a listener that is not seated yet, or word of one that is. */
enum swarm_kind { SWARM_DATAGRAM, SWARM_NOMINATED, SWARM_HEARD, SWARM_CLOSED };

typedef struct {
    uint32_t index;
    uint16_t kind, length;
    uint8_t data[1500];
} swarm_notice;

typedef struct {
    uint64_t ip, port;             /* where its media comes from and its checks go to */
    const char *username;          /* "server ufrag:own ufrag" */
    const char *password;          /* the server's ICE password */
    const char *own_password;
} swarm_server;

/* AES-128-GCM session keys (16 bytes) and salts (12 bytes), in the order RTP from the server, RTCP from the
   server, RTCP to the server. */
typedef struct {
    uint8_t rtp_key[16], rtp_salt[12], rtcp_key[16], rtcp_salt[12], report_key[16], report_salt[12];
} swarm_keys;

/* Of one listener. Packets, losses, lateness and gaps count since it was seated or since swarm_mark. */
typedef struct {
    uint64_t packets, expected, bytes, duplicates, backwards, late_20ms, longest_gap_ns;
    uint64_t unreadable, opened, sender_reports, consent_sent, consent_answered, reports_sent;
    uint64_t first_packet_ns, last_packet_ns; /* CLOCK_REALTIME; 0 before the first */
    int seated, closed;
} swarm_listener_stats;

/* Of one listener over all its sessions; gaps count since its first packet or since swarm_mark. */
typedef struct {
    uint64_t first_packet_ns, last_packet_ns; /* CLOCK_REALTIME; 0 before the first */
    uint64_t longest_gap_ns, gaps, lost_ns;   /* a gap: 60 ms longer than packets are, and more; lost: by so much */
    uint64_t begins[16], ends[16];            /* of the first 16 gaps */
} swarm_hearing_stats;

/* Of the whole swarm since it was opened. */
typedef struct {
    uint64_t datagrams, early, up, up_lost, kernel_drops, send_errors, cpu_ns;
} swarm_totals;

/* Listener i has the address first_ip + i on one shared socket, or a socket of its own when first_ip is 0. One
   packet in verify_every of each listener is decrypted, the first one always. NULL with a sentence in error. */
swarm *swarm_open(uint32_t first_ip, uint32_t listeners, uint32_t verify_every, char *error, size_t error_size);
uint16_t swarm_port(const swarm *s);     /* of the shared socket, else 0 */
int swarm_receive_buffer(const swarm *s); /* bytes that the kernel granted to each socket */
int swarm_start(swarm *s);
void swarm_close(swarm *s);
int swarm_wake_fd(const swarm *s);       /* an eventfd: readable when swarm_take has something */
size_t swarm_take(swarm *s, swarm_notice *out, size_t most);
int swarm_send(swarm *s, uint32_t index, const uint8_t *data, size_t length);
/* Begin (or change) a listener's connectivity check; -1 when the username is too long or the socket fails. */
int swarm_begin(swarm *s, uint32_t index, const swarm_server *server);
int swarm_check(swarm *s, uint32_t index); /* send the check once more */
/* From now on its packets are counted. keys NULL: plain RTP, nothing is sent back. */
int swarm_seat(swarm *s, uint32_t index, const swarm_keys *keys, uint32_t own_ssrc);
void swarm_unseat(swarm *s, uint32_t index);
/* The session of this row is one of `listener` from now on; before the first call each row is its own listener. */
void swarm_assign(swarm *s, uint32_t index, uint32_t listener);
void swarm_heard_by(swarm *s, uint32_t listener, swarm_hearing_stats *out);
/* Listeners that heard something once, and nothing since `since_ns` (CLOCK_REALTIME); returns how many. */
size_t swarm_quiet(swarm *s, uint64_t since_ns, uint32_t *out, size_t most);
void swarm_mark(swarm *s);               /* a new measuring window begins */
void swarm_listener(swarm *s, uint32_t index, swarm_listener_stats *out);
void swarm_sum(swarm *s, swarm_totals *out);
/* Packets per millisecond of lateness; the last bucket holds all that is longer. */
void swarm_lateness(swarm *s, int shared_baseline, uint64_t *counts, size_t buckets);
