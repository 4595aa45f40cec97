import json
import time

import boto3

sqs = boto3.client("sqs")
queue = sqs.get_queue_url(QueueName="imports")["QueueUrl"]


def handler(event, context):
    for record in event["Records"]:
        key = record["s3"]["object"]["key"]
        if key.startswith("reports/"):
            continue
        time.sleep(0.1)  # reads the file
        sqs.send_message(QueueUrl=queue, MessageBody=json.dumps({"key": key}))
