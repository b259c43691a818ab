"""Speed beside other libraries: the same articles, the same weights, in turns, in one run."""
