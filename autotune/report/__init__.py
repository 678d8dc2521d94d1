"""What a tuning run found, as one page that needs nothing else."""
