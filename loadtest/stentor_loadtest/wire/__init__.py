"""What goes over the wire: SDP, STUN, DTLS, SRTP, RTCP. Shares nothing with the server, not even mistakes."""
