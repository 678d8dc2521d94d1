"""The dialects of the staircase, and the analyses that their verifiers need."""
