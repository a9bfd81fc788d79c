"""The description of the clients' API (OpenAPI 3.1), made from the code; `make openapi` writes the served copy."""
