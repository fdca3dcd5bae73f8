"""Where tiles are computed: this process, or a fleet of workers."""
