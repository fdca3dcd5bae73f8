"""Bodies of requests and answers, read and written within bounds."""
