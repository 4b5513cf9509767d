"""Training jobs: encoders, joint models, baselines, thresholds."""
