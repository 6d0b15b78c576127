"""ICE-lite, DTLS, SRTP and SDP: everything one WebRTC peer needs, with no IO."""
