"""The pure heart: no sockets, no asyncio, no clock, no randomness. Time is a parameter named `now`."""
