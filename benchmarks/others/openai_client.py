"""Asks for pictures with the released OpenAI SDK and its defaults, in an environment of its own.

Reads prompts from its standard input as a JSON list, and prints one line of JSON for each picture that it got.

    .venv-benchmarks/bin/python benchmarks/others/openai_client.py BASE_URL KEY MODEL < prompts.json
"""

import json
import sys
from concurrent.futures import ThreadPoolExecutor

from openai import OpenAI, OpenAIError


def main() -> None:
    """Ask for all pictures, a few at once."""
    base_url, key, model = sys.argv[1:]
    client = OpenAI(base_url=base_url, api_key=key)

    def ask(prompt: str) -> str | None:
        try:
            answer = client.images.generate(model=model, prompt=prompt)
        except OpenAIError:
            return None
        data = answer.data or []
        return prompt if data and (data[0].b64_json or data[0].url) else None

    with ThreadPoolExecutor(4) as threads:
        for prompt in threads.map(ask, json.load(sys.stdin)):
            if prompt is not None:
                print(json.dumps(prompt), flush=True)


if __name__ == "__main__":
    main()
