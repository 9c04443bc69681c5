"""The sandbox's page: static files, and the cast of buyers who hold the phones."""
