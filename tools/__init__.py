"""What developing needs beside the code: the local stack and the demonstration on it."""
