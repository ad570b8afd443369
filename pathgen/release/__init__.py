"""A synthetic set put together to be passed on, with all that its receiver must know."""
