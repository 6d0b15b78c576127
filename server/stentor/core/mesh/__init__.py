"""What the nodes of a cluster say to each other in signed datagrams."""
