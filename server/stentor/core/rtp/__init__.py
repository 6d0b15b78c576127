"""RTP, RTCP and RED on the wire, and the buffer that puts packets back in order (RFC 3550, RFC 2198)."""
