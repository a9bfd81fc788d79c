"""Atelier: a self-hosted image-generation API. The functions in functions/ stand on this package."""
