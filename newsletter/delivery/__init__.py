"""Messages leave here: the transports, the states of a delivery, and the addresses that bounces come back to."""
