"""The only place that loads weights; it knows nothing of news."""
