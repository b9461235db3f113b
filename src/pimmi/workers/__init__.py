"""Run tasks elsewhere than in this process: on a pool of local processes."""
