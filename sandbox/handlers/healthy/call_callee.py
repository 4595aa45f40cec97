import os

import boto3

client = boto3.client("lambda")


def handler(event, context):
    name = os.environ.get("CALLEE", "callee")
    client.invoke(FunctionName=name, InvocationType="RequestResponse", Payload=b"{}")
    return {"called": name}
