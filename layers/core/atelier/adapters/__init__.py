"""The world outside: AWS, HTTP and pixels. Each adapter takes its client; errors are translated here."""
