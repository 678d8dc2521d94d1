"""The tuner: which script makes a kernel fast. `docs/tuning.md` tells how."""
