"""The same request's acceptance as many write it: FastAPI with Mangum, Pydantic, and one `put_item` by boto3.

It neither knows keys nor charges: the least that such a function does, to compare with. The call to DynamoDB is
answered in the process, so that its time is boto3's own.

    .venv-benchmarks/bin/python benchmarks/others/fastapi_mangum.py 200    prints the CPU ms of a warm request
"""

import json
import sys
import time
import uuid
from typing import Any

import boto3
from botocore.awsrequest import AWSRequest, AWSResponse
from fastapi import FastAPI
from mangum import Mangum
from pydantic import BaseModel, Field

app = FastAPI()
table = boto3.client("dynamodb", region_name="us-east-1", aws_access_key_id="none", aws_secret_access_key="none")


class Input(BaseModel):
    """What a picture is made from."""

    prompt: str = Field(min_length=1, max_length=10_000)


class Wanted(BaseModel):
    """A request for a picture."""

    model: str
    input: Input
    webhook: str | None = None


@app.post("/generate", status_code=202)
def generate(wanted: Wanted) -> dict[str, Any]:
    """Write down what is asked for."""
    generation_id = uuid.uuid4().hex
    item = {"id": {"S": generation_id}, "body": {"S": wanted.model_dump_json()}}
    table.put_item(TableName="generations", Item=item, ConditionExpression="attribute_not_exists(id)")
    return {"id": generation_id, "status": "pending"}


handler = Mangum(app, lifespan="off")


def answered(request: AWSRequest, **_: Any) -> AWSResponse:
    """Answer a call of DynamoDB in the process."""
    response = AWSResponse(request.url, 200, {}, None)
    response._content = b"{}"
    return response


def main() -> None:
    """Time warm requests, and print the CPU milliseconds of one."""
    table.meta.events.register("before-send.dynamodb", answered)
    body = {"model": "playground-v2", "input": {"prompt": "a lighthouse"}, "webhook": "https://example.com/hook"}
    event = {
        "resource": "/generate", "path": "/generate", "httpMethod": "POST", "queryStringParameters": None,
        "multiValueQueryStringParameters": None, "headers": {"Content-Type": "application/json"},
        "multiValueHeaders": {"Content-Type": ["application/json"]}, "body": json.dumps(body),
        "isBase64Encoded": False, "requestContext": {"stage": "api", "identity": {"sourceIp": "127.0.0.1"}},
    }  # fmt: skip
    count = int(sys.argv[1])
    for number in range(count + 10):
        if number == 10:
            start = time.process_time()
        status = handler(event, None)["statusCode"]
        if status != 202:
            raise RuntimeError(f"the request was answered {status}")
    print((time.process_time() - start) / count * 1_000)


if __name__ == "__main__":
    main()
