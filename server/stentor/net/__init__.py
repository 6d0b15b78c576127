"""Sockets, clocks and the fan-out: the only place where datagrams meet the operating system."""
