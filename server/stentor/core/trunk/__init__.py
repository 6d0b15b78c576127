"""The trunk: how an event's program travels from its stage to the relays, and from relay to relay."""
