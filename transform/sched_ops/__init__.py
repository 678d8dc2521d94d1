"""The operations of the `sched` dialect."""
