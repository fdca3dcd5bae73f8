"""The handlers of HTTP requests, one module for each group of endpoints."""
