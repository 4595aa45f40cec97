import os

import boto3

s3 = boto3.client("s3")


def handler(event, context):
    for record in event["Records"]:
        bucket = record["s3"]["bucket"]["name"]
        key = record["s3"]["object"]["key"]
        # The same bucket, but not where this function is notified of new objects.
        s3.put_object(Bucket=bucket, Key="output/" + os.path.basename(key), Body=b"converted")
