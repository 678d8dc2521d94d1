"""The scripts that are tried: rules look at a kernel's blocks and write sketches, scripts with knobs."""
