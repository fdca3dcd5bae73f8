"""Bodies of requests and answers, read and written within limits of size and time."""
